"""The host's settings: nothing but what smsoffice needs, and DATABASE_URL."""

from __future__ import annotations

import os

from project.environment import database

SECRET_KEY = "of a host that lives for one test"
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "smsoffice", "tests.hostapp"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DEBUG = True  # So that the dummy backend is no mistake.

PYMESS_SMS_TEMPLATE_MODEL = "hostapp.CompanyTemplate"
PYMESS_SMS_DEFAULT_PHONE_CODE = "+420"
