"""What the log says at its most outspoken level: no secret, and nothing of anybody's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, django
django.setup()
from django.conf import settings
from django.db import connection
from smsoffice.backend.sms import get_sms_backend
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.simulator import Simulator

with Simulator() as gateway:
    settings.PYMESS_SNS_CONFIG = {"ENDPOINT_URL": gateway.url("sns"), "LOGS_ENDPOINT_URL": gateway.url("logs")}
    settings.PYMESS_TWILIO_CONFIG = {
        "ACCOUNT_SID": "AC1", "AUTH_TOKEN": "hunter2", "SENDER": "+420777000000", "API_URL": gateway.url("twilio")
    }
    login = {"USERNAME": "simulator", "PASSWORD": "hunter2"}
    settings.PYMESS_SMS_OPERATOR_CONFIG = {"URL": gateway.url("sms-operator"), **login}
    settings.PYMESS_ATS_SMS_CONFIG = {"URL": gateway.url("ats"), **login}
    for name in ("sns.SNSSMSBackend", "twilio.TwilioSMSBackend", "ats_sms_operator.ATSSMSBackend",
                 "sms_operator.SMSOperatorBackend"):
        backend = get_sms_backend(f"smsoffice.backend.sms.{name}")
        message = OutputSMSMessage(pk=17, recipient="+420601999111", content="The code is 4711.")
        for call in (backend.submit, backend.ask):
            try:
                list(call([message]))
            except Exception as error:
                # There are no tables here; what leaves has left by then.
                print(type(error).__name__)
        print("requests", gateway.requests)
with connection.cursor() as cursor:
    cursor.execute("SELECT %s", ["+420601999111"])
"""

SECRETS = ["420601999111", "4711", "hunter2", "a-token-of-a-session", "a-key-of-the-shop"]


@pytest.mark.parametrize("level", ["DEBUG", "NOTSET"])
def test_promise_8_no_log_level_shows_a_token_a_number_or_a_text(level: str) -> None:
    site = {"DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}
    role = {
        "AWS_ACCESS_KEY_ID": "AKIA17",
        "AWS_SECRET_ACCESS_KEY": "a-key-of-the-shop",
        "AWS_SESSION_TOKEN": "a-token-of-a-session",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **site, **role, "LOG_LEVEL": level},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "requests 0" not in done.stdout
    for secret in SECRETS:
        assert secret not in done.stderr
