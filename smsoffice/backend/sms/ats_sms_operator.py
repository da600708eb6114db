"""ATS (www.atspraha.cz): batches of XML, states by asking; an id is taken only once, and a repeated one is told.

Source: the open clients of this service; the provider publishes no description.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from lxml import etree

from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.batches import Meanings, XMLBatchGateway, meaning_of
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.xml import child, read
from smsoffice.conf import ATSConfig, conf
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.states import State

PRAGUE = ZoneInfo("Europe/Prague")

SUBMITTED: Meanings = {
    "0": (State.SENDING, _("Taken by the gateway.")),
    "1": (State.ERROR, _("The gateway failed with this message and does not say why.")),
    # Of a repeated hand-over this is proof that an earlier one was taken: ATS takes an id only once.
    "310": (State.SENDING, _("The gateway has taken this message before.")),
    "320": (State.ERROR, _("The project keyword is missing. Set PROJECT_KEYWORD in PYMESS_ATS_SMS_CONFIG.")),
    "321": (State.ERROR, _("The project keyword is not valid. Correct PROJECT_KEYWORD in PYMESS_ATS_SMS_CONFIG.")),
    "330": (State.ERROR, _("The sender is missing. Set OUTPUT_SENDER_NUMBER in PYMESS_ATS_SMS_CONFIG.")),
    "331": (State.ERROR, _("The sender is not valid. Correct OUTPUT_SENDER_NUMBER in PYMESS_ATS_SMS_CONFIG.")),
    "332": (State.ERROR, _("Premium SMS that are charged for on sending are not allowed to us.")),
    "333": (State.ERROR, _("Premium SMS that are charged for on receipt are not allowed to us.")),
    "334": (State.WAITING, _("The limit of premium SMS for this day is used up.")),
    "335": (State.ERROR, _("The limit of premium SMS is used up.")),
    "336": (State.ERROR, _("SMS to geographic numbers are not allowed to us.")),
    "337": (State.ERROR, _("SMS to Slovakia are not allowed to us.")),
    "338": (State.ERROR, _("Short codes are not allowed to us.")),
    "339": (State.ERROR, _("The sender is not known. Correct OUTPUT_SENDER_NUMBER in PYMESS_ATS_SMS_CONFIG.")),
    "340": (State.ERROR, _("The type of the message is missing.")),
    "341": (State.ERROR, _("The text is too long for the gateway.")),
    "342": (State.ERROR, _("The text has more parts than the gateway allows, which is ten.")),
    "343": (State.ERROR, _("This sender cannot send to this receiver.")),
    "350": (State.ERROR, _("The number is missing, or the gateway does not accept its form.")),
    "360": (State.ERROR, _("A text id is not allowed to us. Empty TEXTID in PYMESS_ATS_SMS_CONFIG.")),
    "361": (State.ERROR, _("The gateway does not accept the form of TEXTID in PYMESS_ATS_SMS_CONFIG.")),
    "362": (State.ERROR, _("A text id cannot go with a text of several parts.")),
}
"""The codes of single messages in the answer to a hand-over."""

OF_OUR_SETTING = frozenset({"320", "321", "330", "331", "339", "360", "361"})
"""Codes of single messages that the next ones would get too, until PYMESS_ATS_SMS_CONFIG is mended."""

ASKED: Meanings = {
    "1": (State.UNKNOWN, _("The gateway failed to tell and does not say why.")),
    "20": (State.WAITING, _("The gateway does not know this message.")),
    "21": (State.SENDING, _("Not sent yet.")),
    "22": (State.SENT, _("Sent to the network operator.")),
    "23": (State.DELIVERED, _("Delivered.")),
    "24": (State.ERROR, _("Not delivered.")),
    "25": (State.UNKNOWN, _("The gateway cannot tell what became of it.")),
}
"""The codes of single messages in the answer to a question; only 23 and 24 are final."""

REFUSALS: dict[str, tuple[type[GatewayError], Promise]] = {
    "1": (OutcomeUnknown, _("The gateway failed and does not say why; it may have taken it or not.")),
    "100": (RefusedForUs, _("ATS refuses our login. Check USERNAME and PASSWORD in PYMESS_ATS_SMS_CONFIG.")),
    "200": (NotNow, _("The gateway's database failed.")),
    "300": (NotNow, _("The gateway refuses the whole call: an id in it is not unique.")),
    "701": (RefusedForUs, _("Our request was not understood: the gateway finds no XML in it.")),
    "702": (RefusedForUs, _("Our request was not understood: the gateway cannot read its XML.")),
    "703": (RefusedForUs, _("Our request was not understood: to the gateway it is no POST.")),
    "705": (RefusedForUs, _("Our request was not understood: to the gateway its XML is not valid.")),
}
"""The codes of a whole call, which name no message."""

UNHEARD_OF = (OutcomeUnknown, _("The gateway answers the whole call with a code that has no known meaning."))


NOT_OURS = "id_of_another_message"
"""What a message is marked with whose id tells of another: nobody may ask about it, not even by hand."""


class ATSSMSBackend(XMLBatchGateway):
    """ATS: set PYMESS_ATS_SMS_CONFIG."""

    name: ClassVar[str] = "ATS"
    config_setting: ClassVar[str] = "PYMESS_ATS_SMS_CONFIG"
    required: ClassVar[tuple[str, ...]] = ("USERNAME", "PASSWORD", "URL")
    content_type: ClassVar[str] = "text/xml"

    @property
    def config(self) -> ATSConfig:
        return conf.ATS_SMS_CONFIG

    @property
    def deadline(self) -> timedelta:
        # A time to connect, one to take what we say and one to answer.
        return timedelta(seconds=3 * self.config["TIMEOUT"])

    def submit_batch(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        first_time = {message.pk for message in messages if message.send_attempts <= 1}
        told = self._outcomes(self.call(self.submission(messages)), SUBMITTED)
        for key, outcome in self.by_key(messages, told):
            yield key, _with_what_follows(outcome, is_first=key in first_time)

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        root, asked = self._envelope(), [m for m in messages if NOT_OURS not in m.extra_sender_data]
        for message in asked:
            child(root, "dlr", self.reference(message), uniq=self.reference(message))
        return self.by_key(asked, self._outcomes(self.call(root), ASKED)) if asked else []

    def submission(self, messages: Sequence[Message]) -> etree._Element:
        """The document that hands messages over."""
        config, root = self.config, self._envelope()
        textid = {"textid": str(config["TEXTID"])} if config["TEXTID"] else {}
        for message in messages:
            sms = child(
                root,
                "sms",
                type="text",
                uniq=self.reference(message),
                sender=message.sender or config["OUTPUT_SENDER_NUMBER"] or "",
                recipient=message.recipient,
                opmid=config["OPTID"] or "",
                dlr="1",
                validity=str(self._validity(message)),
                kw=config["PROJECT_KEYWORD"] or "",
                **textid,
            )
            child(sms, "body", message.content, order="0", billing="0")
        return root

    def _envelope(self) -> etree._Element:
        root = etree.Element("messages")
        auth = child(root, "auth")
        child(auth, "name", self.config["USERNAME"])
        child(auth, "password", self.config["PASSWORD"])
        return root

    def _validity(self, message: Message) -> int:
        """Minutes for which ATS tries to deliver; not past the time at which the message is worth nothing."""
        minutes = int(self.config["VALIDITY"])
        if message.expires_at:
            minutes = min(minutes, (message.expires_at - timezone.now()) // timedelta(minutes=1))
        return max(minutes, 1)

    def _outcomes(self, answer: bytes, meanings: Meanings) -> Iterator[tuple[str | None, Outcome]]:
        root = read(answer)
        if root.tag != "status":
            raise OutcomeUnknown(_t("The gateway's answer is not the XML that it should be."))
        whole = [code for code in root.iter("code") if code.get("uniq") is None]
        single = [code for code in root.iter("code") if code.get("uniq") is not None]
        refusal = _refusal([(code.text or "").strip() for code in whole]) if whole else None
        if refusal and not single:
            raise refusal
        for code in single:
            outcome = meaning_of(code.text, meanings)
            # Beside a refusal of the whole call neither “taken” nor “not taken” can be relied on; asking tells.
            if refusal and outcome.state in {State.SENDING, State.WAITING}:
                outcome = Outcome(State.UNKNOWN, outcome.code, refusal.words)
            yield code.get("uniq"), outcome


def _with_what_follows(outcome: Outcome, *, is_first: bool) -> Outcome:
    """The outcome of a hand-over, with what it means for other times and other messages."""
    if outcome.code == "334":
        return replace(outcome, retry_after=_until_tomorrow())
    if outcome.code in OF_OUR_SETTING:
        return replace(outcome, stops=RefusedForUs(outcome.words, outcome.code))
    if outcome.code == "310" and is_first:
        # No lost answer of ours explains it: more of our messages would be taken for those of somebody else.
        words = _t(
            "Another message of our account had this id at ATS before. Choose a new UNIQ_PREFIX in "
            "PYMESS_ATS_SMS_CONFIG. If a backup was restored, this message itself may have been sent before it was."
        )
        stops = RefusedForUs(words, outcome.code)
        return Outcome(State.UNKNOWN, outcome.code, words, extra={NOT_OURS: True}, ask=False, stops=stops)
    return outcome


def _until_tomorrow() -> timedelta:
    """The time until a new day of the gateway's, with some minutes for clocks that differ."""
    now = timezone.now()
    tomorrow = now.astimezone(PRAGUE).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0, 5), PRAGUE).astimezone(now.tzinfo) - now


def _refusal(codes: Sequence[str]) -> GatewayError:
    """What codes say of a whole call; of several, one that proves nothing counts."""
    code = next((code for code in codes if REFUSALS.get(code, UNHEARD_OF)[0] is OutcomeUnknown), codes[0])
    kind, words = REFUSALS.get(code, UNHEARD_OF)
    return kind(str(words), code)
