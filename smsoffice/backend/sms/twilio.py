"""Twilio (www.twilio.com): a call a message, states by asking and by status callbacks.

Source: Twilio's Message resource, API 2010-04-01, by its own client. Twilio has no reference of ours and no protection
against repeated calls: a lost answer is looked for by number, text and time, or told by the status callback, whose
address carries our key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _t
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance, MessageList

from smsoffice.backend.sms import lost
from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.lost import UNSEEN, Found
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.backend.sms.twilio_codes import FAILURES, REFUSALS, STATUSES, Scope
from smsoffice.backend.sms.twilio_http import Transport
from smsoffice.conf import TwilioConfig, conf
from smsoffice.exceptions import NotNow, OutcomeUnknown, RefusedForUs
from smsoffice.states import State

SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
PHONE_NUMBER = re.compile(r"\+?[0-9]{9,15}")
LONGEST_VALIDITY = 36_000
LISTED = 1000
"""Messages to one number that are asked for: a page of Twilio's, the newest first."""
COMPARED = 100
"""Messages to one number since the hand-over that are told apart."""

NOT_OUTGOING = {"inbound", "outbound-call", "outbound-reply"}
UNREADABLE = (TwilioException, ValueError, TypeError, KeyError, AttributeError)
"""What Twilio's client raises where an answer is not what Twilio answers."""


class TwilioSMSBackend(OneByOneGateway):
    """Twilio: set PYMESS_TWILIO_CONFIG."""

    name: ClassVar[str] = "Twilio"
    config_setting: ClassVar[str] = "PYMESS_TWILIO_CONFIG"
    required: ClassVar[tuple[str, ...]] = ("ACCOUNT_SID", "AUTH_TOKEN")

    def __init__(self) -> None:
        self.transport = Transport(self.threads)

    @property
    def config(self) -> TwilioConfig:
        return conf.TWILIO_CONFIG

    @property
    def call_deadline(self) -> timedelta:
        # A time to connect, one to take what we say and one to answer.
        return timedelta(seconds=3 * self.config["TIMEOUT"])

    @property
    def messages(self) -> MessageList:
        """Twilio's Messages of our account."""
        sid, token = self.config["ACCOUNT_SID"], self.config["AUTH_TOKEN"]
        if not (sid and token):
            raise RefusedForUs(_t("ACCOUNT_SID or AUTH_TOKEN is missing in PYMESS_TWILIO_CONFIG."))
        return Client(sid, token, http_client=self.transport).messages

    def submit_one(self, message: Message) -> Outcome:
        try:
            outcome = outcome_of(self.messages.create(**self.submission(message)))
        except (TwilioRestException, TwilioServiceException) as error:
            return self._refused(error, message)
        except UNREADABLE:
            raise OutcomeUnknown(_t("The gateway's answer is not one of Twilio's.")) from None
        if not outcome.external_id:
            raise OutcomeUnknown(_t("The gateway's answer does not mention this message."))
        return outcome

    def submission(self, message: Message) -> dict[str, Any]:
        """What the call that hands a message over says."""
        config = self.config
        said: dict[str, Any] = {"to": message.recipient, "body": message.content}
        if sender := message.sender or config["SENDER"]:
            said["from_"] = sender
        if config["MESSAGING_SERVICE_SID"]:
            said["messaging_service_sid"] = config["MESSAGING_SERVICE_SID"]
        if not said.keys() & {"from_", "messaging_service_sid"}:
            raise RefusedForUs(str(REFUSALS["21603"][1]))
        if address := config["STATUS_CALLBACK_URL"]:
            said["status_callback"] = f"{address}{'&' if '?' in address else '?'}message={message.pk}"
        if message.expires_at:
            left = math.ceil((message.expires_at - timezone.now()).total_seconds())
            if left < LONGEST_VALIDITY:
                said["validity_period"] = max(left, 1)
        return said

    def _refused(self, error: TwilioRestException | TwilioServiceException, message: Message) -> Outcome:
        """The outcome of a call that Twilio refused (4xx), and that so created nothing."""
        code = _plain(error.code)
        scope, words = REFUSALS.get(code, (Scope.MESSAGE, _t("Twilio refuses it: %s") % _words_of(error)))
        if error.status == 401:
            scope, words = REFUSALS["20003"]
        elif error.status == 429 and scope is Scope.MESSAGE:
            scope, words = REFUSALS["20429"]
        if scope is Scope.LATER:
            raise NotNow(str(words), code)
        # A short code, a name or a sender chosen for this message may be wrong for this recipient alone.
        is_our_number = not message.sender and PHONE_NUMBER.fullmatch(self.config["SENDER"] or "")
        if scope is Scope.US or (scope is Scope.SENDER and is_our_number):
            raise RefusedForUs(str(words), code)
        return Outcome(State.ERROR, code, str(words))

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        searched: list[tuple[Message, list[Found]]] = []
        for message, told in self.answers(self._look_up, messages):
            if isinstance(told, Outcome):
                yield message.pk, told
            elif told is not None:
                searched.append((message, told))
        if not searched:
            return
        sids = {one.outcome.external_id for _message, found in searched for one in found} - {""}
        neighbours = self.neighbours([message for message, _found in searched], sids, lost.SKEW)
        for message, found in searched:
            if outcome := lost.tell_apart(message, found, neighbours):
                yield message.pk, outcome

    def _look_up(self, message: Message) -> Outcome | list[Found] | None:
        """What Twilio says of a message; of one whose answer was lost, what it has for the number."""
        try:
            if not message.external_id:
                return self._search(message)
            fetched = self.messages(message.external_id).fetch()
        except TwilioRestException as error:
            if error.status == 404:
                return None
            raise OutcomeUnknown(_t("Twilio does not tell: %s") % _words_of(error), _plain(error.code)) from None
        except UNREADABLE:
            raise OutcomeUnknown(_t("The gateway's answer is not one of Twilio's.")) from None
        return outcome_of(fetched) if fetched.sid == message.external_id else None

    def _search(self, message: Message) -> list[Found]:
        """What Twilio took for the number since then. Not asked for by time: what still waits there has none."""
        senders = {message.sender or self.config["SENDER"], self.config["MESSAGING_SERVICE_SID"]} - {"", None}
        listed = self.messages.list(to=message.recipient, limit=LISTED)
        found = []
        for one in listed:
            at = one.date_created if isinstance(one.date_created, datetime) else None
            if one.direction not in NOT_OUTGOING and (at is None or lost.near(message, at)):
                from_us = bool(senders & {one.from_, one.messaging_service_sid})
                found.append(Found(outcome_of(one), str(one.body or ""), at, from_us))
        return found[:COMPARED] + [UNSEEN] * (len(found) > COMPARED or len(listed) == LISTED)


def outcome_of(message: MessageInstance) -> Outcome:
    """What a message as Twilio has it proves."""
    sid = message.sid if isinstance(message.sid, str) and SID.fullmatch(message.sid) else ""
    told = {name: getattr(message, name) for name in ("num_segments", "price", "price_unit")}
    extra = {name: _plain(value) for name, value in told.items() if value is not None}
    outcome = meaning(message.status, message.error_code)
    return Outcome(outcome.state, outcome.code, outcome.words, sid, extra)


def meaning(status: object, error_code: object) -> Outcome:
    """What a status with its error code proves, as an answer or a status callback gives them."""
    status, code = _plain(status or ""), _plain(error_code or "")
    state, words = STATUSES.get(status, (State.UNKNOWN, _t("Twilio's status “%s” has no known meaning.") % status))
    if state != State.ERROR or not code:
        return Outcome(state, status, str(words))
    return Outcome(state, code, str(FAILURES.get(code, words)))


def _words_of(error: TwilioRestException | TwilioServiceException) -> str:
    """Twilio's own words: not the exception as text, which is written for a terminal."""
    if isinstance(error, TwilioServiceException):
        return _plain(error.detail or error.title, 300)
    return _plain(error.msg.partition(" record: ")[2] or error.msg, 300)


def _plain(said: object, longest: int = 50) -> str:
    """What can be kept in a database and shown in a line, of what Twilio says."""
    return re.sub(r"[\s\x00-\x1f\x7f\ud800-\udfff]+", " ", str(said)).strip()[:longest]
