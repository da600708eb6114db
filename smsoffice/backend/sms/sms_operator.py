"""SMS Operator (www.sms-operator.cz): batches of XML, states by asking.

Source: the open clients of this service; the provider publishes no description.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from lxml import etree

from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.batches import Meanings, XMLBatchGateway, meaning_of
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.xml import child, read
from smsoffice.conf import SMSOperatorConfig, conf
from smsoffice.exceptions import NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.states import State

MEANINGS: Meanings = {
    "0": (State.DELIVERED, _("Delivered.")),
    "1": (State.ERROR, _("Not delivered.")),
    "2": (State.ERROR, _("The number does not exist.")),
    "3": (State.ERROR, _("It did not reach the network operator in time.")),
    "4": (State.ERROR, _("The gateway does not accept the form of the number.")),
    "5": (State.ERROR, _("It did not reach the network operator.")),
    "6": (State.ERROR, _("It did not reach the network operator: an error of events at the gateway.")),
    "7": (State.ERROR, _("The text is too long for the gateway.")),
    "10": (State.ERROR, _("Only a part of the text was delivered.")),
    "11": (State.SENDING, _("The outcome is not known yet.")),
    "12": (State.SENDING, _("The outcome of some parts is not known yet.")),
    "13": (State.SENDING, _("The outcome of some parts is not known yet.")),
    "14": (State.SENDING, _("The outcome of some parts is not known yet.")),
    "15": (State.WAITING, _("The gateway does not know this message.")),
}
"""The codes of SMS-Status, which are final unless SENDING; 15 says that nothing was accepted."""


class SMSOperatorBackend(XMLBatchGateway):
    """SMS Operator: set PYMESS_SMS_OPERATOR_CONFIG."""

    name: ClassVar[str] = "SMS Operator"
    config_setting: ClassVar[str] = "PYMESS_SMS_OPERATOR_CONFIG"
    required: ClassVar[tuple[str, ...]] = ("USERNAME", "PASSWORD", "URL")
    content_type: ClassVar[str] = "text/xml; charset=utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.proved_login: tuple[str, str, str] | None = None
        self.lost_an_answer = False

    @property
    def config(self) -> SMSOperatorConfig:
        return conf.SMS_OPERATOR_CONFIG

    @property
    def deadline(self) -> timedelta:
        # Two calls at most, each with a time to connect, one to take what we say and one to answer.
        return timedelta(seconds=6 * self.config["TIMEOUT"])

    def submit_batch(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        self._prove_login(messages)
        try:
            answer = self.call(self.submission(messages))
            if not answer.strip():
                raise OutcomeUnknown(_t("The gateway's answer is empty."))
            return list(self._outcomes(messages, answer, self._of_submit))
        except OutcomeUnknown:
            self.proved_login, self.lost_an_answer = None, True
            raise

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        answer = self.call(self._question(messages))
        if not answer.strip():
            raise self._login_refused()
        return self._outcomes(messages, answer, self._of_status)

    def _prove_login(self, messages: Sequence[Message]) -> None:
        """Ask something before the first hand-over, and before the next one after a lost answer: a wrong login is told
        only by an empty answer (no code), and after a hand-over that would prove nothing."""
        login = (self.config["URL"], self.config["USERNAME"], self.config["PASSWORD"])
        if self.proved_login == login:
            return
        try:
            answer = self.call(self._question(messages[:1]))
            if not answer.strip():
                raise self._login_refused()
            read(answer)
        except OutcomeUnknown as error:
            if len(messages) == 1 and not self.lost_an_answer:
                # A gateway that tells no states may take messages all the same; one of them will show.
                return
            # A wrong login could look the same, and a batch in such a gateway's hands would be lost sight of.
            words = _t("Nothing was handed over, as the gateway did not answer a question first: %s")
            raise NotNow(words % error.words, error.code) from None
        self.proved_login, self.lost_an_answer = login, False

    def _login_refused(self) -> RefusedForUs:
        return RefusedForUs(
            _t(
                "SMS Operator answers with nothing, as it does to a wrong login. "
                "Check USERNAME and PASSWORD in PYMESS_SMS_OPERATOR_CONFIG."
            )
        )

    def submission(self, messages: Sequence[Message]) -> etree._Element:
        """The document that hands messages over."""
        root, items = self._envelope("SMS")
        template = child(items, "DataTemplate")
        for message in messages:
            item = child(template, "DataItem")
            if message.sender:
                child(item, "PhoneNumberMo", message.sender)
            child(item, "MobileTerminate", message.recipient)
            child(item, "Text", message.content)
            child(item, "SmsId", self.reference(message))
        return root

    def _question(self, messages: Sequence[Message]) -> etree._Element:
        root, items = self._envelope("SMS-Status")
        for message in messages:
            child(items, "SmsId", self.reference(message))
        return root

    def _envelope(self, data_type: str) -> tuple[etree._Element, etree._Element]:
        root = etree.Element("SmsServices")
        header = child(root, "DataHeader")
        child(header, "DataType", data_type)
        child(header, "UserName", self.config["USERNAME"])
        child(header, "Password", self.config["PASSWORD"])
        return root, child(root, "DataArray")

    def _outcomes(
        self, messages: Sequence[Message], answer: bytes, meaning: Callable[[str], Outcome]
    ) -> Iterator[tuple[int, Outcome]]:
        items = read(answer).iter("DataItem")
        told = ((item.findtext("SmsId"), meaning((item.findtext("Status") or "").strip())) for item in items)
        return self.by_key(messages, told)

    def _of_submit(self, code: str) -> Outcome:
        # The clients differ on 0 in the answer to a hand-over; “taken” is what all of them agree on.
        if code == "0":
            return Outcome(State.SENDING, code, _t("Taken by the gateway."))
        # An id that was handed over this moment cannot be unknown to who took it.
        return self._of_status(code) if code != "15" else Outcome(State.UNKNOWN, code, str(MEANINGS[code][1]))

    def _of_status(self, code: str) -> Outcome:
        return meaning_of(code, MEANINGS)
