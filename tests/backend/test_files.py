"""A gateway is one small file that says only what is special about it."""

from __future__ import annotations

from inspect import getsourcelines
from sys import modules

import pytest

from smsoffice.backend.sms import get_sms_backend

GATEWAYS = [
    "dummy.DummySMSBackend",
    "sms_operator.SMSOperatorBackend",
    "ats_sms_operator.ATSSMSBackend",
    "twilio.TwilioSMSBackend",
    "sns.SNSSMSBackend",
]


@pytest.mark.parametrize("name", GATEWAYS)
def test_no_gateways_file_has_more_than_200_lines(name: str) -> None:
    module = modules[type(get_sms_backend(f"smsoffice.backend.sms.{name}")).__module__]
    assert len(getsourcelines(module)[0]) <= 200
