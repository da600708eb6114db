"""What `manage.py check` says of wrong settings: every wrong one by its name, with its mend, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

from smsoffice.backend.sms.base import Gateway, SMSBackend
from smsoffice.checks import TAG

SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"
ATS = "smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend"
TWILIO = "smsoffice.backend.sms.twilio.TwilioSMSBackend"
SNS = "smsoffice.backend.sms.sns.SNSSMSBackend"
CALLBACK = "https://sms.example.com/sms/callbacks/twilio/"
CREDENTIALS = {"USERNAME": "office", "PASSWORD": "sesame"}


def messages(*, deploy: bool = False) -> list[CheckMessage]:
    return run_checks(tags=[TAG], include_deployment_checks=deploy)


def operator(**config: Any) -> dict[str, Any]:
    """The settings of a site that sends through SMS Operator."""
    return {
        "PYMESS_SMS_SENDER_BACKEND": SMS_OPERATOR,
        "PYMESS_SMS_OPERATOR_CONFIG": {**CREDENTIALS, **config},
    }


def twilio(**config: Any) -> dict[str, Any]:
    """The settings of a site that sends through Twilio."""
    account = {"ACCOUNT_SID": "AC17", "AUTH_TOKEN": "sesame", "SENDER": "+420777000000"}
    return {"PYMESS_SMS_SENDER_BACKEND": TWILIO, "PYMESS_TWILIO_CONFIG": {**account, **config}}


def sns(**config: Any) -> dict[str, Any]:
    """The settings of a site that sends through Amazon SNS."""
    key = {"AWS_ACCESS_KEY_ID": "AKIA17", "AWS_SECRET_ACCESS_KEY": "sesame"}
    return {"PYMESS_SMS_SENDER_BACKEND": SNS, "PYMESS_SNS_CONFIG": {**key, **config}}


def pigeon(**config: Any) -> dict[str, Any]:
    """The settings of a site that sends through a third party's gateway."""
    return {
        "PYMESS_SMS_SENDER_BACKEND": "tests.test_checks.ThirdPartyGateway",
        "PYMESS_PIGEON_CONFIG": {"URL": "https://pigeon.example.com/", "KEY": "sesame", **config},
    }


class ThirdPartyBackend(SMSBackend):
    """A gateway of somebody else's, without a config of ours."""


class ThirdPartyGateway(Gateway):
    """A gateway of somebody else's that says what it needs."""

    name = "Pigeon"
    config_setting = "PYMESS_PIGEON_CONFIG"
    required = ("URL", "KEY")


class NoBackend:
    """A class that is no gateway."""


FINE: dict[str, dict[str, Any]] = {
    "the settings of the tests": {},
    "SMS Operator": operator(),
    "a whole number for a number": {"PYMESS_SMS_RATE_LIMIT": 3},
    "a fraction for a number": {"PYMESS_SMS_RATE_LIMIT": 0.5},
    "no rate limit": {"PYMESS_SMS_RATE_LIMIT": None},
    "no default country": {"PYMESS_SMS_DEFAULT_PHONE_CODE": ""},
    "no default country, as pymess writes it": {"PYMESS_SMS_DEFAULT_PHONE_CODE": None},
    "a country code without a plus": {"PYMESS_SMS_DEFAULT_PHONE_CODE": "420"},
    "a country code of one digit": {"PYMESS_SMS_DEFAULT_PHONE_CODE": "+1"},
    "a text that the environment lacks": {"PYMESS_SMS_OPERATOR_CONFIG": {"USERNAME": None, "PASSWORD": None}},
    "an address inside the network": operator(URL="https://gateway:8443/sms"),
    "ATS": {"PYMESS_SMS_SENDER_BACKEND": ATS, "PYMESS_ATS_SMS_CONFIG": CREDENTIALS},
    "Twilio with a number": twilio(),
    "Twilio with a name": twilio(SENDER="SHOP"),
    "Twilio with a messaging service": twilio(SENDER="", MESSAGING_SERVICE_SID="MG17"),
    "Twilio with both": twilio(MESSAGING_SERVICE_SID="MG17"),
    "Twilio with callbacks": twilio(STATUS_CALLBACK_URL=CALLBACK),
    "Twilio's settings of a site that sends by another": {"PYMESS_TWILIO_CONFIG": {"ACCOUNT_SID": "AC17"}},
    "Amazon SNS": sns(),
    "Amazon SNS by the machine's role": sns(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=None),
    "Amazon SNS with a name": sns(SENDER_ID="4Shops", SMS_TYPE="Promotional"),
    "Amazon SNS with the longest name": sns(SENDER_ID="ElevenChars"),
    "Amazon SNS with a name of one letter": sns(SENDER_ID="S"),
    "Amazon SNS without a type": sns(SMS_TYPE=""),
    "Amazon's settings of a site that sends by another": {"PYMESS_SNS_CONFIG": {"AWS_ACCESS_KEY_ID": "AKIA17"}},
    "a third party's gateway with a config of its own": pigeon(),
    "a third party's backend": {"PYMESS_SMS_SENDER_BACKEND": "tests.test_checks.ThirdPartyBackend"},
    "pymess' settings for e-mail": {"PYMESS_EMAIL_BATCH_SIZE": 20},
    "pymess' settings for push": {"PYMESS_PUSH_NOTIFICATION_SENDER_BACKEND": "pymess.backend.push.dummy.Dummy"},
    "pymess' settings for the dialer": {"PYMESS_DIALER_DAKTELA": {"QUEUE": None}},
    "pymess' settings for its own queue": {
        "PYMESS_SMS_BATCH_SIZE": 20,
        "PYMESS_SMS_LOG_IDLE_MESSAGES": True,
        "PYMESS_SMS_RETRY_SENDING": True,
    },
}


@pytest.mark.parametrize("given", FINE.values(), ids=FINE)
def test_nothing_is_said_of_right_settings(settings, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert messages() == []


WRONG: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # settings, id, what the message says, what the mend says
    "a word for a switch": (
        {"PYMESS_SMS_USE_ACCENT": "no"},
        "E001",
        "PYMESS_SMS_USE_ACCENT is of the type str, but it must be True or False.",
        "transliterated",
    ),
    "a text for a number": (
        {"PYMESS_SMS_RATE_LIMIT": "10"},
        "E001",
        "PYMESS_SMS_RATE_LIMIT is of the type str, but it must be a number or None.",
        "Segments a second",
    ),
    "a switch for a number": (
        {"PYMESS_SMS_RETRY_MAX_ATTEMPTS": True},
        "E001",
        "PYMESS_SMS_RETRY_MAX_ATTEMPTS is of the type bool, but it must be a whole number.",
        "Hand-overs",
    ),
    "a fraction of an attempt": (
        {"PYMESS_SMS_RETRY_MAX_ATTEMPTS": 2.5},
        "E001",
        "PYMESS_SMS_RETRY_MAX_ATTEMPTS is of the type float, but it must be a whole number.",
        "Hand-overs",
    ),
    "a number for a path": (
        {"PYMESS_SMS_SENDER_BACKEND": 5},
        "E001",
        "PYMESS_SMS_SENDER_BACKEND is of the type int, but it must be text.",
        "Path",
    ),
    "a number for a country code": (
        {"PYMESS_SMS_DEFAULT_PHONE_CODE": 420},
        "E001",
        "PYMESS_SMS_DEFAULT_PHONE_CODE is of the type int, but it must be text or None.",
        "+420",
    ),
    "a number for a model": (
        {"PYMESS_SMS_TEMPLATE_MODEL": 5},
        "E001",
        "PYMESS_SMS_TEMPLATE_MODEL is of the type int, but it must be text.",
        "app_label.Model",
    ),
    "a text for a dict": (
        {"PYMESS_SMS_OPERATOR_CONFIG": "https://gateway.example.com"},
        "E001",
        "PYMESS_SMS_OPERATOR_CONFIG is of the type str, but it must be a dict.",
        "USERNAME",
    ),
    "a text for a time-out": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"TIMEOUT": "10"}},
        "E001",
        'PYMESS_SMS_OPERATOR_CONFIG["TIMEOUT"] is of the type str, but it must be a number.',
        "TIMEOUT (seconds",
    ),
    "no time-out at all": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"TIMEOUT": None}},
        "E001",
        'PYMESS_SMS_OPERATOR_CONFIG["TIMEOUT"] is of the type NoneType, but it must be a number.',
        "TIMEOUT (seconds",
    ),
    "a time-out of nothing": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"TIMEOUT": 0}},
        "E002",
        'PYMESS_SMS_OPERATOR_CONFIG["TIMEOUT"] must be a number greater than 0.',
        "TIMEOUT (seconds",
    ),
    "a time-out for ever": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"TIMEOUT": float("inf")}},
        "E002",
        'PYMESS_SMS_OPERATOR_CONFIG["TIMEOUT"] must be a number greater than 0.',
        "TIMEOUT (seconds",
    ),
    "a prefix that is no text": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"UNIQ_PREFIX": 7}},
        "E001",
        'PYMESS_SMS_OPERATOR_CONFIG["UNIQ_PREFIX"] is of the type int, but it must be text.',
        "UNIQ_PREFIX",
    ),
    "no segment a second": (
        {"PYMESS_SMS_RATE_LIMIT": 0},
        "E002",
        "PYMESS_SMS_RATE_LIMIT must be a number greater than 0.",
        "Segments a second",
    ),
    "no attempt": (
        {"PYMESS_SMS_RETRY_MAX_ATTEMPTS": 0},
        "E002",
        "PYMESS_SMS_RETRY_MAX_ATTEMPTS must be a number greater than 0.",
        "Hand-overs",
    ),
    "an age below zero": (
        {"PYMESS_SMS_RETRY_MAX_AGE": -1},
        "E002",
        "PYMESS_SMS_RETRY_MAX_AGE must be a number greater than 0.",
        "Seconds",
    ),
    "an age that is no number": (
        {"PYMESS_SMS_CHECK_MAX_AGE": float("nan")},
        "E002",
        "PYMESS_SMS_CHECK_MAX_AGE must be a number greater than 0.",
        "Seconds",
    ),
    "a misspelt setting": (
        {"PYMESS_SMS_USE_ACCENTS": True},
        "W003",
        "The setting PYMESS_SMS_USE_ACCENTS is not known and has no effect.",
        "Did you mean PYMESS_SMS_USE_ACCENT?",
    ),
    "words in another order": (
        {"PYMESS_OPERATOR_SMS_CONFIG": {}},
        "W003",
        "The setting PYMESS_OPERATOR_SMS_CONFIG is not known and has no effect.",
        "Did you mean PYMESS_SMS_OPERATOR_CONFIG?",
    ),
    "a setting like no other": (
        {"PYMESS_COLOUR": "blue"},
        "W003",
        "The setting PYMESS_COLOUR is not known and has no effect.",
        "Correct its name, or remove it.",
    ),
    "pymess' several backends": (
        {"PYMESS_SMS_BACKENDS": {"default": {}}},
        "W003",
        "The setting PYMESS_SMS_BACKENDS is not known and has no effect.",
        "Correct its name, or remove it.",
    ),
    "a misspelt key": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"PASWORD": "sesame"}},
        "W003",
        'PYMESS_SMS_OPERATOR_CONFIG["PASWORD"] is not known and has no effect.',
        "Did you mean PASSWORD?",
    ),
    "a key in small letters": (
        {"PYMESS_SMS_OPERATOR_CONFIG": {"username": "office"}},
        "W003",
        'PYMESS_SMS_OPERATOR_CONFIG["username"] is not known and has no effect.',
        "Did you mean USERNAME?",
    ),
    "an address without its scheme": (
        operator(URL="gateway.example.com/sms"),
        "E004",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is not the address of a gateway.',
        "https://",
    ),
    "an address of another scheme": (
        operator(URL="ftp://gateway.example.com/"),
        "E004",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is not the address of a gateway.',
        "https://",
    ),
    "an address without a host": (
        operator(URL="https:///sms"),
        "E004",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is not the address of a gateway.',
        "https://",
    ),
    "an address with an impossible port": (
        operator(URL="https://gateway.example.com:99999/"),
        "E004",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is not the address of a gateway.',
        "https://",
    ),
    "an address with a broken bracket": (
        operator(URL="https://[::1/"),
        "E004",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is not the address of a gateway.',
        "https://",
    ),
    "a country code of letters": (
        {"PYMESS_SMS_DEFAULT_PHONE_CODE": "abc"},
        "E005",
        "PYMESS_SMS_DEFAULT_PHONE_CODE is “abc”, which is no country's code.",
        "+420",
    ),
    "a country code of no country": (
        {"PYMESS_SMS_DEFAULT_PHONE_CODE": "+999"},
        "E005",
        "PYMESS_SMS_DEFAULT_PHONE_CODE is “+999”, which is no country's code.",
        "+420",
    ),
    "a country's letters": (
        {"PYMESS_SMS_DEFAULT_PHONE_CODE": "CZ"},
        "E005",
        "PYMESS_SMS_DEFAULT_PHONE_CODE is “CZ”, which is no country's code.",
        "+420",
    ),
    "the code of the free phone": (
        {"PYMESS_SMS_DEFAULT_PHONE_CODE": "+800"},
        "E005",
        "PYMESS_SMS_DEFAULT_PHONE_CODE is “+800”, which is no country's code.",
        "+420",
    ),
    "a model without its app": (
        {"PYMESS_SMS_TEMPLATE_MODEL": "SMSTemplate"},
        "E006",
        "PYMESS_SMS_TEMPLATE_MODEL is “SMSTemplate”, which is not of the form “app_label.Model”.",
        "smsoffice.SMSTemplate",
    ),
    "the model of pymess": (
        {"PYMESS_SMS_TEMPLATE_MODEL": "pymess.SMSTemplate"},
        "E006",
        "PYMESS_SMS_TEMPLATE_MODEL is “pymess.SMSTemplate”, which names a model that is not installed.",
        "INSTALLED_APPS",
    ),
    "a model that the app lacks": (
        {"PYMESS_SMS_TEMPLATE_MODEL": "smsoffice.Sample"},
        "E006",
        "PYMESS_SMS_TEMPLATE_MODEL is “smsoffice.Sample”, which names a model that is not installed.",
        "INSTALLED_APPS",
    ),
    "a model of something else": (
        {"PYMESS_SMS_TEMPLATE_MODEL": "auth.User"},
        "E006",
        "PYMESS_SMS_TEMPLATE_MODEL is “auth.User”, which names a model that is no SMS template.",
        "AbstractSMSTemplate",
    ),
    "a gateway's module that is not there": (
        {"PYMESS_SMS_SENDER_BACKEND": "smsoffice.backend.sms.pigeon.PigeonSMSBackend"},
        "E007",
        "which cannot be imported (No module named 'smsoffice.backend.sms.pigeon').",
        SMS_OPERATOR,
    ),
    "a gateway's class that is not there": (
        {"PYMESS_SMS_SENDER_BACKEND": "smsoffice.backend.sms.dummy.Dummy"},
        "E007",
        "PYMESS_SMS_SENDER_BACKEND is “smsoffice.backend.sms.dummy.Dummy”, which cannot be imported",
        SMS_OPERATOR,
    ),
    "no path": (
        {"PYMESS_SMS_SENDER_BACKEND": "dummy"},
        "E007",
        "PYMESS_SMS_SENDER_BACKEND is “dummy”, which cannot be imported",
        SMS_OPERATOR,
    ),
    "an empty path": (
        {"PYMESS_SMS_SENDER_BACKEND": ""},
        "E007",
        "PYMESS_SMS_SENDER_BACKEND is “”, which cannot be imported",
        SMS_OPERATOR,
    ),
    "a class that is no gateway": (
        {"PYMESS_SMS_SENDER_BACKEND": "tests.test_checks.NoBackend"},
        "E007",
        "which is not a class that inherits from smsoffice.backend.sms.SMSBackend.",
        SMS_OPERATOR,
    ),
    "a function": (
        {"PYMESS_SMS_SENDER_BACKEND": "smsoffice.backend.sms.send"},
        "E007",
        "which is not a class that inherits from smsoffice.backend.sms.SMSBackend.",
        SMS_OPERATOR,
    ),
    "a path of pymess": (
        {"PYMESS_SMS_SENDER_BACKEND": "pymess.backend.sms.twilio.TwilioSMSBackend"},
        "E007",
        "which is a path of pymess.",
        "Write “smsoffice.backend.sms.twilio.TwilioSMSBackend”.",
    ),
    "the other spelling of pymess": (
        {"PYMESS_SMS_SENDER_BACKEND": "pymess.backends.sms.dummy.DummySMSBackend"},
        "E007",
        "which is a path of pymess.",
        "Write “smsoffice.backend.sms.dummy.DummySMSBackend”.",
    ),
    "no user name": (
        operator(USERNAME=""),
        "E008",
        'PYMESS_SMS_OPERATOR_CONFIG["USERNAME"] is missing, and SMS Operator cannot send without it.',
        "provider",
    ),
    "a password that the environment lacks": (
        operator(PASSWORD=None),
        "E008",
        'PYMESS_SMS_OPERATOR_CONFIG["PASSWORD"] is missing, and SMS Operator cannot send without it.',
        "provider",
    ),
    "a password of blanks": (
        operator(PASSWORD="  "),
        "E008",
        'PYMESS_SMS_OPERATOR_CONFIG["PASSWORD"] is missing, and SMS Operator cannot send without it.',
        "provider",
    ),
    "no address": (
        operator(URL=""),
        "E008",
        'PYMESS_SMS_OPERATOR_CONFIG["URL"] is missing, and SMS Operator cannot send without it.',
        "provider",
    ),
    "no password for ATS": (
        {"PYMESS_SMS_SENDER_BACKEND": ATS, "PYMESS_ATS_SMS_CONFIG": {"USERNAME": "office"}},
        "E008",
        'PYMESS_ATS_SMS_CONFIG["PASSWORD"] is missing, and ATS cannot send without it.',
        "provider",
    ),
    "no account at Twilio": (
        twilio(ACCOUNT_SID=""),
        "E008",
        'PYMESS_TWILIO_CONFIG["ACCOUNT_SID"] is missing, and Twilio cannot send without it.',
        "provider",
    ),
    "no sender for Twilio": (
        twilio(SENDER=""),
        "E008",
        "PYMESS_TWILIO_CONFIG names no sender, and Twilio cannot send without one.",
        "MESSAGING_SERVICE_SID",
    ),
    "blanks for a sender": (
        twilio(SENDER=" ", MESSAGING_SERVICE_SID=None),
        "E008",
        "PYMESS_TWILIO_CONFIG names no sender, and Twilio cannot send without one.",
        "Set SENDER",
    ),
    "callbacks to nowhere": (
        twilio(STATUS_CALLBACK_URL="/sms/callbacks/twilio/"),
        "E004",
        'PYMESS_TWILIO_CONFIG["STATUS_CALLBACK_URL"] is not the address of our site.',
        CALLBACK,
    ),
    "half a key of AWS's": (
        sns(AWS_SECRET_ACCESS_KEY=""),
        "E008",
        'PYMESS_SNS_CONFIG["AWS_SECRET_ACCESS_KEY"] is missing, and one half of a key is none.',
        "role",
    ),
    "the other half": (
        sns(AWS_ACCESS_KEY_ID=None),
        "E008",
        'PYMESS_SNS_CONFIG["AWS_ACCESS_KEY_ID"] is missing, and one half of a key is none.',
        "role",
    ),
    "no region": (
        sns(AWS_REGION=""),
        "E008",
        'PYMESS_SNS_CONFIG["AWS_REGION"] is missing, and Amazon SNS cannot send without it.',
        "provider",
    ),
    "a type that AWS does not know": (
        sns(SMS_TYPE="transactional"),
        "E013",
        'PYMESS_SNS_CONFIG["SMS_TYPE"] is nothing that AWS takes.',
        "Write Promotional or Transactional.",
    ),
    "a name of digits": (
        sns(SENDER_ID="12345"),
        "E013",
        'PYMESS_SNS_CONFIG["SENDER_ID"] is nothing that AWS takes.',
        "one letter at least",
    ),
    "a name that is too long": (
        sns(SENDER_ID="TwelveChars1"),
        "E013",
        'PYMESS_SNS_CONFIG["SENDER_ID"] is nothing that AWS takes.',
        "1 to 11",
    ),
    "a name with a blank": (
        sns(SENDER_ID="My shop"),
        "E013",
        'PYMESS_SNS_CONFIG["SENDER_ID"] is nothing that AWS takes.',
        "letters (A to Z) and digits",
    ),
    "a name with an accent": (
        sns(SENDER_ID="Kavárna"),
        "E013",
        'PYMESS_SNS_CONFIG["SENDER_ID"] is nothing that AWS takes.',
        "letters (A to Z) and digits",
    ),
    "a number for a name": (
        sns(SENDER_ID=12345),
        "E001",
        'PYMESS_SNS_CONFIG["SENDER_ID"] is of the type int, but it must be text.',
        "SENDER_ID",
    ),
    "no key for a third party's gateway": (
        pigeon(KEY=""),
        "E008",
        'PYMESS_PIGEON_CONFIG["KEY"] is missing, and Pigeon cannot send without it.',
        "provider",
    ),
    "a third party's settings while another gateway sends": (
        {**pigeon(), "PYMESS_SMS_SENDER_BACKEND": "tests.test_checks.ThirdPartyBackend"},
        "W003",
        "The setting PYMESS_PIGEON_CONFIG is not known and has no effect.",
        "Correct its name, or remove it.",
    ),
    "times without a zone": (
        {"USE_TZ": False},
        "E011",
        "USE_TZ is off",
        "Set USE_TZ = True.",
    ),
}


@pytest.mark.parametrize(("given", "number", "words", "mend"), WRONG.values(), ids=WRONG)
def test_each_wrong_setting_is_named_with_its_mend(
    settings, given: dict[str, Any], number: str, words: str, mend: str
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    [said] = messages()
    assert said.id == f"smsoffice.{number}"
    assert words in said.msg
    assert mend in (said.hint or "")
    assert said.is_serious() == number.startswith("E")


def test_every_wrong_setting_is_said_at_once(settings) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = SMS_OPERATOR
    settings.PYMESS_SMS_OPERATOR_CONFIG = {"URL": "nowhere", "TIMEOUT": -1}
    settings.PYMESS_SMS_USE_ACCENT = 1
    settings.PYMESS_SMS_RATE_LIMIT = 0
    ids = sorted((message.id or "").removeprefix("smsoffice.") for message in messages())
    assert ids == ["E001", "E002", "E002", "E004", "E008", "E008"]


# --- Production ------------------------------------------------------------------------------------------------------


def test_the_dummy_gateway_in_production_is_said_to_send_nothing(settings) -> None:
    [said] = messages(deploy=True)
    assert said.id == "smsoffice.W009"
    assert said.msg.startswith("Nothing is sent: ")
    assert "PYMESS_SMS_SENDER_BACKEND" in (said.hint or "")
    settings.DEBUG = True
    assert messages(deploy=True) == []


def test_a_real_gateway_in_production_is_fine(settings) -> None:
    for name, value in operator().items():
        setattr(settings, name, value)
    assert messages(deploy=True) == []


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("http://gateway.example.com/sms", False),
        ("http://192.168.1.4/sms", False),
        ("http://localhost.example.com/", False),
        ("HTTP://gateway.example.com/sms", False),
        ("http://localhost:8099/", True),
        ("http://127.0.0.1:8099/", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]:8099/", True),
        ("https://gateway.example.com/sms", True),
    ],
)
def test_a_password_in_the_clear_is_an_error_in_production_but_for_this_machine(settings, url: str, safe: bool) -> None:
    for name, value in operator(URL=url).items():
        setattr(settings, name, value)
    assert messages() == []
    said = [(message.id, message.hint) for message in messages(deploy=True)]
    assert said == ([] if safe else [("smsoffice.E010", "Write the address with https://.")])
    settings.DEBUG = True
    assert messages(deploy=True) == []


@pytest.mark.parametrize(
    ("given", "key", "what"),
    [
        (twilio(STATUS_CALLBACK_URL="http://sms.example.com/"), "STATUS_CALLBACK_URL", "all receipts"),
        (twilio(API_URL="http://twilio.example.com/"), "API_URL", "the password and all texts"),
        (sns(ENDPOINT_URL="http://sns.example.com/"), "ENDPOINT_URL", "the password and all texts"),
        (pigeon(URL="http://pigeon.example.com/"), "URL", "the password and all texts"),
    ],
    ids=["Twilio's callbacks", "Twilio", "Amazon SNS", "a third party's"],
)
def test_each_address_of_the_gateway_in_force_is_looked_at(settings, given: dict[str, Any], key: str, what: str):
    for name, value in given.items():
        setattr(settings, name, value)
    assert messages() == []
    [said] = messages(deploy=True)
    assert said.id == "smsoffice.E010"
    assert said.msg.endswith(f'_CONFIG["{key}"] begins with http:// and so {what} travel in the clear.')


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000"])
def test_callbacks_on_this_machine_need_no_tls(settings, host: str) -> None:
    for name, value in twilio(STATUS_CALLBACK_URL=f"http://{host}/sms/callbacks/twilio/").items():
        setattr(settings, name, value)
    assert messages(deploy=True) == []


def test_an_address_of_a_gateway_that_is_not_in_force_does_not_matter(settings) -> None:
    settings.PYMESS_SMS_OPERATOR_CONFIG = {"URL": "http://gateway.example.com/"}
    settings.PYMESS_SMS_SENDER_BACKEND = "tests.test_checks.ThirdPartyBackend"
    assert messages(deploy=True) == []


# --- SQLite ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("database", "warned"),
    [
        ({"ENGINE": "django.db.backends.sqlite3"}, True),
        ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": None}}, True),
        ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "deferred"}}, True),
        ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "immediate"}}, False),
        ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "EXCLUSIVE"}}, False),
        ({"ENGINE": "django.db.backends.postgresql"}, False),
    ],
)
def test_sqlite_that_would_say_locked_is_warned_of_with_the_lines_to_add(
    settings, monkeypatch, database: dict[str, Any], warned: bool
) -> None:
    monkeypatch.setitem(settings.DATABASES, "default", database)
    said = messages()
    assert [message.id for message in said] == (["smsoffice.W012"] if warned else [])
    for message in said:
        assert '"transaction_mode": "IMMEDIATE"' in (message.hint or "")
        # A commit survives a loss of power: a claim that came undone would be handed over a second time.
        assert "synchronous=FULL" in (message.hint or "")


# --- Secrets ---------------------------------------------------------------------------------------------------------

SECRET = "hunter2"


@pytest.mark.parametrize(
    "config",
    [
        {"PASSWORD": [SECRET]},
        {"USERNAME": {SECRET: SECRET}},
        {"PASWORD": SECRET, 5: SECRET},
        {"PASSWORD": SECRET, "TIMEOUT": SECRET},
        {"PASSWORD": SECRET, "URL": f"http://office:{SECRET}@gateway.example.com/"},
        {"PASSWORD": SECRET, "URL": f"office:{SECRET}@gateway.example.com"},
        {"PASSWORD": SECRET, "URL": f"https://office:{SECRET}@[gateway/"},
        {"PASSWORD": SECRET, "USERNAME": ""},
        f'{{"PASSWORD": "{SECRET}"}}',
        [("PASSWORD", SECRET)],
    ],
    ids=str,
)
def test_no_secret_stands_in_any_message(settings, config: Any) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND = SMS_OPERATOR
    settings.PYMESS_SMS_OPERATOR_CONFIG = config
    said = messages(deploy=True)
    assert said
    assert SECRET not in "".join(f"{message} {message.obj}" for message in said)


@pytest.mark.parametrize(
    "given",
    [
        twilio(ACCOUNT_SID="", AUTH_TOKEN=SECRET, SENDER=""),
        twilio(AUTH_TOKEN=SECRET, STATUS_CALLBACK_URL=f"http://office:{SECRET}@sms.example.com/"),
        twilio(AUTH_TOKEN=SECRET, STATUS_CALLBACK_URL=f"office:{SECRET}@sms.example.com"),
        sns(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=SECRET),
        sns(AWS_SECRET_ACCESS_KEY=SECRET, SENDER_ID=f"-{SECRET}-", SMS_TYPE=SECRET),
    ],
    ids=["no account", "a password in an address", "no address", "half a key", "attributes"],
)
def test_nor_in_any_of_the_other_gateways(settings, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    said = messages(deploy=True)
    assert said
    assert SECRET not in "".join(f"{message} {message.obj}" for message in said)


# --- The command itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "number"),
    [
        ("PYMESS_SMS_TEMPLATE_MODEL", "nowhere.Template", "smsoffice.E006"),
        ("PYMESS_SMS_TEMPLATE_MODEL", "SMSTemplate", "smsoffice.E006"),
        ("PYMESS_SMS_SENDER_BACKEND", "pymess.backend.sms.sns.SNSSMSBackend", "smsoffice.E007"),
        ("PYMESS_SMS_OPERATOR_CONFIG", '{"PASWORD": "hunter2"}', "smsoffice.W003"),
    ],
)
def test_manage_py_check_says_it_even_of_what_is_read_at_the_start(variable: str, value: str, number: str) -> None:
    site = {"DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, **site, variable: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert number in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
