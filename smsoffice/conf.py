"""Every setting once: its name, default, type and one line of meaning.

Values are read from Django's settings at each use, so `override_settings` works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypedDict, TypeVar, cast

from django.conf import settings as django_settings

T = TypeVar("T")


class Setting(Generic[T]):
    """A setting of Django's, read at each use.

    Args:
        default: the value while the setting is absent; a dict's keys each have their own default.
        meaning: one line for the README and for `manage.py check`.
        types: what a given value may be.
    """

    def __init__(self, default: T, meaning: str, *types: type) -> None:
        self.default, self.meaning, self.types = default, meaning, types

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"PYMESS_{name}"

    def __get__(self, instance: object, owner: type) -> T:
        given = getattr(django_settings, self.name, self.default)
        if isinstance(self.default, dict) and isinstance(given, dict):
            return cast(T, {**self.default, **given})
        return cast(T, given)


class SMSOperatorConfig(TypedDict):
    """PYMESS_SMS_OPERATOR_CONFIG."""

    URL: str
    UNIQ_PREFIX: str
    USERNAME: str
    PASSWORD: str
    TIMEOUT: float


class ATSConfig(TypedDict):
    """PYMESS_ATS_SMS_CONFIG."""

    URL: str
    UNIQ_PREFIX: str
    USERNAME: str
    PASSWORD: str
    VALIDITY: int
    TEXTID: str | None
    OPTID: str
    PROJECT_KEYWORD: str
    OUTPUT_SENDER_NUMBER: str
    TIMEOUT: float


class TwilioConfig(TypedDict):
    """PYMESS_TWILIO_CONFIG."""

    ACCOUNT_SID: str
    AUTH_TOKEN: str
    SENDER: str
    MESSAGING_SERVICE_SID: str
    API_URL: str
    STATUS_CALLBACK_URL: str
    TIMEOUT: float


class SNSConfig(TypedDict):
    """PYMESS_SNS_CONFIG."""

    AWS_ACCESS_KEY_ID: str
    AWS_SECRET_ACCESS_KEY: str
    AWS_REGION: str
    SENDER_ID: str
    SMS_TYPE: str
    ENDPOINT_URL: str
    LOGS_ENDPOINT_URL: str
    DELIVERY_LOGS: bool
    TIMEOUT: float


class Conf:
    """The settings, as attributes without their prefix: `conf.SMS_USE_ACCENT`."""

    SMS_SENDER_BACKEND = Setting(
        "smsoffice.backend.sms.dummy.DummySMSBackend", "Path of the gateway's class that sends.", str
    )
    SMS_TEMPLATE_MODEL = Setting("smsoffice.SMSTemplate", "The template model, as `app_label.Model`.", str)
    SMS_USE_ACCENT = Setting(False, "Whether texts keep letters that GSM-7 lacks; else they are transliterated.", bool)
    SMS_DEFAULT_PHONE_CODE = Setting[str | None](
        "", "Country code of numbers written without one, e.g. `+420`.", str, type(None)
    )
    SMS_BATCH_SENDING = Setting(
        False, "False: hand over as soon as the caller's transaction commits. True: leave it to the queue.", bool
    )
    SMS_RATE_LIMIT = Setting[float | None](
        None,
        "Segments a second handed to the gateway by all workers together; None: as fast as it takes them.",
        int,
        float,
        type(None),
    )
    SMS_RETRY_MAX_ATTEMPTS = Setting(100, "Hand-overs of one message that the gateway may put off; then ERROR.", int)
    SMS_RETRY_MAX_AGE = Setting[float](
        24 * 3600, "Seconds after which a message that the gateway keeps putting off becomes ERROR.", int, float
    )
    SMS_UNKNOWN_GRACE = Setting[float](
        120, "Seconds before “not found” proves that a gateway never took a message.", int, float
    )
    SMS_CHECK_MAX_AGE = Setting[float](
        7 * 24 * 3600, "Seconds after which a gateway is no longer asked about a message.", int, float
    )
    SMS_FAILURE_LIMIT = Setting(20, "Percent of a bulk send that may fail before it pauses by itself.", int)
    SMS_OPERATOR_CONFIG = Setting[SMSOperatorConfig](
        {
            "URL": "https://www.sms-operator.cz/webservices/webservice.aspx",
            "UNIQ_PREFIX": "",
            "USERNAME": "",
            "PASSWORD": "",
            "TIMEOUT": 10,
        },
        "SMS Operator: URL, UNIQ_PREFIX, USERNAME, PASSWORD, TIMEOUT (seconds for a whole call).",
        dict,
    )
    ATS_SMS_CONFIG = Setting[ATSConfig](
        {
            "URL": "https://fik.atspraha.cz/gwfcgi/XMLServerWrapper.fcgi",
            "UNIQ_PREFIX": "",
            "USERNAME": "",
            "PASSWORD": "",
            "VALIDITY": 60,
            "TEXTID": None,
            "OPTID": "",
            "PROJECT_KEYWORD": "",
            "OUTPUT_SENDER_NUMBER": "",
            "TIMEOUT": 10,
        },
        "ATS: URL, UNIQ_PREFIX, USERNAME, PASSWORD, VALIDITY (minutes), TEXTID, OPTID, PROJECT_KEYWORD, "
        "OUTPUT_SENDER_NUMBER, TIMEOUT (seconds for a whole call).",
        dict,
    )
    TWILIO_CONFIG = Setting[TwilioConfig](
        {
            "ACCOUNT_SID": "",
            "AUTH_TOKEN": "",
            "SENDER": "",
            "MESSAGING_SERVICE_SID": "",
            "API_URL": "",
            "STATUS_CALLBACK_URL": "",
            "TIMEOUT": 10,
        },
        "Twilio: ACCOUNT_SID, AUTH_TOKEN, SENDER or MESSAGING_SERVICE_SID, STATUS_CALLBACK_URL (public address of "
        "our `/sms/callbacks/twilio/`), TIMEOUT (seconds for a call), API_URL (for tests).",
        dict,
    )
    SNS_CONFIG = Setting[SNSConfig](
        {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_REGION": "eu-west-1",
            "SENDER_ID": "",
            "SMS_TYPE": "Transactional",
            "ENDPOINT_URL": "",
            "LOGS_ENDPOINT_URL": "",
            "DELIVERY_LOGS": False,
            "TIMEOUT": 10,
        },
        "Amazon SNS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (else the machine's role), AWS_REGION, SENDER_ID, "
        "SMS_TYPE, DELIVERY_LOGS (read states from CloudWatch Logs), TIMEOUT (seconds for a call), ENDPOINT_URL and "
        "LOGS_ENDPOINT_URL (for tests).",
        dict,
    )

    def __iter__(self) -> Iterator[Setting[Any]]:
        return (value for value in vars(type(self)).values() if isinstance(value, Setting))


conf = Conf()
