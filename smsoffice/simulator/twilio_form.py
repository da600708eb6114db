"""What a request to Twilio's Messages may say, as its OpenAPI description and its documentation have it."""

from __future__ import annotations

import json
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

from smsoffice.simulator.dialect import Answer, Unreadable

MAY_BE_REPEATED = {"MediaUrl", "PersistentAction"}
CREATE = MAY_BE_REPEATED | {
    "AddressRetention",
    "ApplicationSid",
    "Attempt",
    "Body",
    "ContentRetention",
    "ContentSid",
    "ContentVariables",
    "FallbackFrom",
    "ForceDelivery",
    "From",
    "MaxPrice",
    "MessageIntent",
    "MessagingServiceSid",
    "ProvideFeedback",
    "RiskCheck",
    "ScheduleType",
    "SendAsMms",
    "SendAt",
    "ShortenUrls",
    "SmartEncoded",
    "StatusCallback",
    "To",
    "TrafficType",
    "ValidityPeriod",
}
LIST = {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"}
LONGEST_BODY = 1600
LONGEST_VALIDITY = 36_000

MAGIC = {
    ("From", "+15005550001"): 21212,
    ("From", "+15005550007"): 21606,
    ("From", "+15005550008"): 21611,
    ("To", "+15005550001"): 21211,
    ("To", "+15005550002"): 21612,
    ("To", "+15005550003"): 21408,
    ("To", "+15005550004"): 21610,
    ("To", "+15005550009"): 21614,
}
"""The numbers that Twilio itself refuses for whoever tries it out, and how."""


def read_form(form: str, known: set[str]) -> dict[str, str]:
    """What a form says; it may say only what is known.

    Raises:
        Unreadable: it says something else.
    """
    try:
        pairs = parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form), errors="strict")
    except ValueError:
        refuse(20001, "The form cannot be read.")
    said: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            refuse(20001, f"Unknown parameter {name}")
        if name in said and name not in MAY_BE_REPEATED:
            refuse(20001, f"The parameter {name} is given twice")
        said[name] = value
    return said


def check(said: dict[str, str]) -> None:
    """Refuse what Twilio refuses."""
    for pair, code in MAGIC.items():
        if pair in said.items():
            refuse(code, f"The '{pair[0]}' number {pair[1]} is refused")
    if not said.get("To"):
        refuse(21604, "A 'To' phone number is required.")
    if not said.get("From") and not said.get("MessagingServiceSid"):
        refuse(21603, "A 'From' phone number is required.")
    if not (said.get("Body") or said.get("MediaUrl") or said.get("ContentSid")):
        refuse(21602, "Message body is required.")
    if len(said.get("Body", "")) > LONGEST_BODY:
        refuse(21617, "The concatenated message body exceeds the 1600 character limit")
    validity = said.get("ValidityPeriod", "1")
    if not validity.isdecimal() or not 1 <= int(validity) <= LONGEST_VALIDITY:
        refuse(90007, "Invalid validity period value")
    callback = urlsplit(said.get("StatusCallback", "http://example.com"))
    if callback.scheme not in ("http", "https") or not callback.hostname or "_" in callback.hostname:
        refuse(21609, "The StatusCallback URL is not a valid URL.")


def refuse(code: int, message: str, status: int = 400) -> NoReturn:
    raise Unreadable(message, status, error(code, message, status))


def error(code: int, message: str, status: int = 400) -> Answer:
    """Twilio's answer to what it does not do."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    document = {"code": code, "message": message, "more_info": more_info, "status": status}
    return Answer(json.dumps(document).encode(), "application/json; charset=utf-8", status)
