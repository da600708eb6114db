"""Amazon SNS (aws.amazon.com/sns): a call a message, states from its delivery logs.

Source: AWS's guide to SMS by SNS, the API of Publish (2010-03-31).

SNS takes no reference of ours, does not protect against repeated calls and cannot be asked about a message. The answer
to a call holds the id by which alone the logs know it: if that answer is lost, the message stays UNKNOWN until an
operator decides. A log's number and time would be a guess between this message and any other to the same number.

Rights that our user or role needs: sns:Publish on *; with DELIVERY_LOGS also logs:DescribeLogGroups on * and
logs:FilterLogEvents on arn:aws:logs:REGION:ACCOUNT:log-group:sns/*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from smsoffice.backend.sms import xml
from smsoffice.backend.sms.aws import Access, Refused, Service
from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.sns_logs import OPTED_OUT, DeliveryLogs
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.conf import SNSConfig, conf
from smsoffice.exceptions import OutcomeUnknown, RefusedForUs
from smsoffice.states import State

LONGEST_ID = 100

CREDENTIALS_TIME = timedelta(seconds=5)
"""What boto3 may need to look for the machine's own credentials."""

REFUSALS = {
    "InvalidParameter",
    "InvalidParameterValue",
    "OptedOut",
    "OptedOutException",
    "ParamValidationError",
    "ParameterValueInvalid",
    "ValidationError",
    "ValidationException",
}
"""Codes that refuse one message, or our sender; which of the two and why stands only in AWS's words."""

SENDER = re.compile(r"sender.?id|sms.?type|message.?attributes", re.IGNORECASE)

REASONS = {
    r"opted.?out": OPTED_OUT,
    r"phone.?number": _("Amazon SNS does not send to this number, or not from the region of AWS_REGION."),
    r"sender.?id": _("Amazon SNS does not accept the sender ID."),
    r"\bmessage\b": _("The text is empty, or too long for Amazon SNS."),
    r"": _("Amazon SNS does not accept the number, the text or the sender ID."),
}
"""What AWS's words of a refusal name. They are not shown: they may hold the number."""


class SNSSMSBackend(OneByOneGateway):
    """Amazon SNS: set PYMESS_SNS_CONFIG."""

    name: ClassVar[str] = "Amazon SNS"
    config_setting: ClassVar[str] = "PYMESS_SNS_CONFIG"
    # No key: boto3 also finds the role of the machine.
    required: ClassVar[tuple[str, ...]] = ("AWS_REGION",)

    def __init__(self) -> None:
        self.sns = Service("sns", self.threads, xml.read)
        self.logs = DeliveryLogs()

    @property
    def config(self) -> SNSConfig:
        return conf.SNS_CONFIG

    @property
    def call_deadline(self) -> timedelta:
        # A time to connect, one to take what we say and one to answer.
        return timedelta(seconds=3 * self.config["TIMEOUT"]) + CREDENTIALS_TIME

    @property
    def asks(self) -> bool:
        return self.config["DELIVERY_LOGS"]

    @property
    def check_size(self) -> int:
        # One scan of the logs costs the same for one message as for many.
        return 5000

    def submit(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        # Before the threads and not in each of them: boto3 may look for credentials for seconds.
        self.sns.client(self._access("ENDPOINT_URL"))
        return super().submit(messages)

    def submit_one(self, message: Message) -> Outcome:
        try:
            answer = self.sns.call(self._access("ENDPOINT_URL"), "publish", **self.publication(message))
        except Refused as refusal:
            return self._refused(refusal, message)
        id_ = answer.get("MessageId", "").strip()
        if not 0 < len(id_) <= LONGEST_ID:
            raise OutcomeUnknown(_t("The gateway's answer does not mention this message."))
        return Outcome(State.SENDING, words=_t("Taken by Amazon SNS."), external_id=id_)

    def publication(self, message: Message) -> dict[str, Any]:
        """What the call that hands a message over says."""
        given = {"SMSType": self.config["SMS_TYPE"], "SenderID": message.sender or self.config["SENDER_ID"]}
        attributes = {
            f"AWS.SNS.SMS.{name}": {"DataType": "String", "StringValue": value}
            for name, value in given.items()
            if value
        }
        return {"PhoneNumber": message.recipient, "Message": message.content, "MessageAttributes": attributes}

    def _refused(self, refusal: Refused, message: Message) -> Outcome:
        if refusal.code not in REFUSALS:
            words = _t("Amazon SNS refuses it with the code “%s”, which has no known meaning.") % refusal.code[:50]
            return Outcome(State.ERROR, refusal.code, words)
        if SENDER.search(refusal.text) and not message.sender:
            words = _t("Amazon SNS refuses our sender. Check SENDER_ID and SMS_TYPE in PYMESS_SNS_CONFIG.")
            raise RefusedForUs(words, refusal.code)
        said = f"{refusal.code} {refusal.text}"
        reason = next(words for named, words in REASONS.items() if re.search(named, said, re.IGNORECASE))
        return Outcome(State.ERROR, refusal.code, str(reason))

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        # The logs have one event for each message, so to what they called SENT they will add nothing.
        asked = {m.external_id: m for m in messages if m.external_id and m.state != State.SENT}
        if not asked:
            return []
        since = min(message.sent_at or message.created_at for message in asked.values())
        told = self.logs.told_of(asked, since, self._access("LOGS_ENDPOINT_URL"))
        return [(asked[id_].pk, outcome) for id_, outcome in told]

    def _access(self, endpoint: str) -> Access:
        config: Any = self.config
        keys = config["AWS_ACCESS_KEY_ID"], config["AWS_SECRET_ACCESS_KEY"]
        return Access(config["AWS_REGION"], config[endpoint], *keys, config["TIMEOUT"])
