"""Settings of the test suite: production's, but fast to log in to and without TLS on loopback."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import gettempdir

# A developer's own environment must not change what the tests see; DATABASE_URL alone chooses where they run.
for name in list(os.environ):
    if name in {"DEBUG", "TIME_ZONE", "LOG_LEVEL"} or name.startswith(("PYMESS_", "SECURE_")):
        del os.environ[name]
os.environ["SECRET_KEY"] = "a key of fifty characters or more, for the tests only, never secret"

from project.settings import *  # noqa: E402, F403
from project.settings import DATABASES  # noqa: E402

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as threads and processes of a test each open a connection of their own.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(gettempdir()) / f"test-smsoffice-{os.getpid()}.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True

PYMESS_SMS_DEFAULT_PHONE_CODE = "+420"
