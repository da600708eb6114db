"""The site's settings, all of them from the environment; README.md lists the variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from project.environment import boolean, database, header, log_level, read, settings_of, whole_number, words
from smsoffice.conf import conf

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = read(os.environ, "DEBUG", boolean, False)

SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "Set the environment variable SECRET_KEY to a long random text, the same for every process of the site, "
            "or DEBUG=1 on your own machine."
        )
    # One for all processes and restarts, so that a developer stays logged in. `check --deploy` refuses its prefix.
    SECRET_KEY = "django-insecure-for-this-machine-only"  # noqa: S105

ALLOWED_HOSTS: list[str] = read(os.environ, "ALLOWED_HOSTS", words, [])
CSRF_TRUSTED_ORIGINS: list[str] = read(os.environ, "CSRF_TRUSTED_ORIGINS", words, [])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_jsonform",
    "import_export",
    "simple_history",
    "smsoffice",
    "project.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database

SQLITE_OPTIONS = {
    # Readers do not wait for a writer. A commit survives a loss of power too: a claim that came undone would be
    # handed over a second time.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    # A transaction takes its lock at once and waits for it; one that upgraded later would fail instead.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}

POSTGRESQL_OPTIONS = {
    # /healthz must answer although the database's machine is silent.
    "connect_timeout": 5,
    # A machine that vanished in the middle of a query is known to be gone after a minute; by default after two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

SQLITE_FILE = {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}
DATABASES: dict[str, dict[str, Any]] = {"default": read(os.environ, "DATABASE_URL", database, SQLITE_FILE)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {**SQLITE_OPTIONS, **DATABASES["default"].get("OPTIONS", {})}
else:
    DATABASES["default"].update(
        CONN_MAX_AGE=60,
        CONN_HEALTH_CHECKS=True,
        OPTIONS={**POSTGRESQL_OPTIONS, **DATABASES["default"].get("OPTIONS", {})},
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("cs", "Čeština")]
FORMAT_MODULE_PATH = ["project.formats"]
LOCALE_PATHS = [BASE_DIR / "project" / "locale"]
TIME_ZONE = os.environ.get("TIME_ZONE", "Europe/Prague")
USE_TZ = True

# --- Celery, for more than one machine; without a broker the commands do the same

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A send that has committed does not wait for a broker that is away.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    # What nobody has taken for so long is not needed any more: others have been asked for since.
    "send": {"task": "smsoffice.send_sms_messages", "schedule": 5.0, "options": {"expires": 60}},
    "check": {"task": "smsoffice.check_sms_states", "schedule": 10.0, "options": {"expires": 60}},
}

# --- Files

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Safety

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = read(os.environ, "SECURE_PROXY_SSL_HEADER", header, None)
SECURE_SSL_REDIRECT = read(os.environ, "SECURE_SSL_REDIRECT", boolean, not DEBUG)
# A load balancer asks inside the network, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if not DEBUG:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = read(os.environ, "SECURE_HSTS_SECONDS", whole_number, 365 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = read(os.environ, "SECURE_HSTS_INCLUDE_SUBDOMAINS", boolean, True)
    SECURE_HSTS_PRELOAD = read(os.environ, "SECURE_HSTS_PRELOAD", boolean, True)

# --- The log of the processes

LOG_LEVEL = read(os.environ, "LOG_LEVEL", log_level, "INFO")
# At DEBUG these write down what they carry: numbers, texts, the token of a session.
OUTSPOKEN = ("boto3", "botocore", "django.db.backends", "twilio", "urllib3")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Without Django's own handlers, which would print each line a second time.
        "django": {"handlers": []},
        **{name: {"level": LOG_LEVEL if LOG_LEVEL not in {"DEBUG", "NOTSET"} else "INFO"} for name in OUTSPOKEN},
    },
}

# --- SMS

globals().update(settings_of(os.environ, conf))
