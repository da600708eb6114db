"""What became of a message, in words: the heading of its page, the reason, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from smsoffice.admin.common import clock, gateway_title, to_the_second
from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.decisions import decidable_from, may_be_decided
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.lasting import is_lasting
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State


class May(NamedTuple):
    """What the reader can do to the message.

    Args:
        act: cancel and decide.
        send: send.
        ask: ask the gateway, as far as it can be asked.
    """

    act: bool
    send: bool
    ask: bool


@dataclass(slots=True)
class Verdict:
    """Args:
    tint: the state whose colours and icon the verdict has.
    heading: what became of it.
    sentences: what is known, in order.
    advice: what the reader can do; empty where there is nothing to do.
    """

    tint: str
    heading: str
    sentences: list[str] = field(default_factory=list)
    advice: str = ""


def verdict_on(message: OutputSMSMessage, may: May) -> Verdict:
    """The verdict on a message as it stands now."""
    return {
        State.WAITING: _waiting,
        State.UNKNOWN: _unknown,
        State.SENDING: _sending,
        State.SENT: _sent,
        State.DELIVERED: _delivered,
        State.ERROR: _error,
        State.DEBUG: _debug,
    }[State(message.state)](message, may)


def _waiting(message: OutputSMSMessage, may: May) -> Verdict:
    verdict = Verdict("waiting", _("It waits to be sent"))
    batch, now = message.batch, timezone.now()
    if batch is not None and batch.status == Batch.Status.PAUSED:
        verdict.sentences.append(_("Its bulk send is paused, so it does not leave."))
        steps = {_("go on with the bulk send"): may.act or may.send, _("cancel this message"): may.act}
        verdict.advice = _advice(steps)
    elif message.send_after and message.send_after > now:
        verdict.sentences.append(_("It leaves on %s, not before.") % to_the_second(message.send_after))
    elif message.error:
        words = {"words": said(message.error), "time": to_the_second(message.due_at)}
        verdict.sentences.append(_("The gateway put it off: %(words)s It is tried again after %(time)s.") % words)
    elif refusal := GatewayStatus.of(str(conf.SMS_SENDER_BACKEND)).refusal:
        verdict.sentences.append(_("The gateway refuses us: %s Nothing is lost; the messages wait.") % said(refusal))
    else:
        verdict.sentences.append(_("The queue takes it next, by priority and age."))
    if message.expires_at:
        latest = date_format(timezone.localtime(message.expires_at), "DATETIME_FORMAT")
        verdict.sentences.append(_("What has not left by %s is not sent at all.") % latest)
    return verdict


def _unknown(message: OutputSMSMessage, may: May) -> Verdict:
    told = {"gateway": _gateway(message), "time": _handed_over(message)}
    if message.sent_at and not may_be_decided(message) and not message.error:
        return Verdict(
            "unknown",
            _("Waiting for the gateway's answer"),
            [_("The text was handed to %(gateway)s at %(time)s. The answer is about to come.") % told],
        )
    verdict = Verdict("unknown", _("We do not know whether this text was sent"))
    verdict.sentences.append(
        _("The text was handed to %(gateway)s at %(time)s. It may have reached the phone, or not.") % told
    )
    if message.error:
        verdict.sentences.append(said(message.error))
    verdict.sentences.append(_("Nothing is sent again by itself.") + " " + _questions(message))
    steps = {
        _("ask the gateway"): may.ask,
        _decision(message): may.act,
        _("resend, knowing that the text may arrive twice"): may.send,
    }
    verdict.advice = _advice(steps)
    return verdict


def _decision(message: OutputSMSMessage) -> str:
    if may_be_decided(message):
        return _("ask the customer, and decide below")
    return _("ask the customer, and decide here from %s on") % clock(decidable_from(message))


def _advice(steps: Mapping[str, bool]) -> str:
    """What can be done, of the steps that the reader may take; empty where there is none."""
    possible = [step for step, is_possible in steps.items() if is_possible]
    return _("; or ").join(possible) + "." if possible else ""


def _questions(message: OutputSMSMessage) -> str:
    if message.check_after is None:
        return _("The gateway is not asked about it any more.")
    until = (message.sent_at or message.created_at) + timedelta(seconds=conf.SMS_CHECK_MAX_AGE)
    times = {"gateway": _gateway(message), "until": to_the_second(until)}
    return _("%(gateway)s is asked about it until %(until)s; a receipt ends the doubt at once.") % times


def _sending(message: OutputSMSMessage, may: May) -> Verdict:
    told = {"gateway": _gateway(message), "time": _handed_over(message)}
    verdict = Verdict("sending", _("The gateway has it"))
    verdict.sentences.append(
        _("%(gateway)s took it at %(time)s, and has not told yet that it reached the phone.") % told
    )
    if message.error:
        verdict.sentences.append(said(message.error))
    verdict.sentences.append(_questions(message))
    return verdict


def _sent(message: OutputSMSMessage, may: May) -> Verdict:
    told = {"gateway": _gateway(message), "time": _handed_over(message)}
    words = _("It was handed to %(gateway)s at %(time)s and is on its way to the phone.") % told
    return Verdict("sent", _("On its way to the phone"), [words, _questions(message)])


def _delivered(message: OutputSMSMessage, may: May) -> Verdict:
    told = {"gateway": _gateway(message), "time": _handed_over(message)}
    words = [_("It was handed to %(gateway)s at %(time)s, and the receiver has it.") % told] if message.sent_at else []
    return Verdict("delivered", _("Delivered"), words)


def _error(message: OutputSMSMessage, may: May) -> Verdict:
    verdict = Verdict("error", _("Not delivered") if message.sent_at else _("Not sent"))
    reason = said(message.error)
    verdict.sentences.append(
        reason if reason.rstrip(".") not in {"", verdict.heading} else _("The reason is not known.")
    )
    if not message.recipient:
        steps = {}
    elif is_lasting(message.error):
        steps = {_("correct the number or the text, and send a new message; a resend would fail again"): may.send}
    elif message.sent_at:
        steps = {_("check the number with the customer"): True, _("resend"): may.send}
    else:
        steps = {_("resend it, if it is still wanted"): may.send}
    verdict.advice = _advice(steps)
    return verdict


def _debug(message: OutputSMSMessage, may: May) -> Verdict:
    words = _("The gateway in force when it was its turn sends nothing: it is there for trying things out.")
    return Verdict("debug", _("Not sent, on purpose"), [words])


def _gateway(message: OutputSMSMessage) -> str:
    return gateway_title(message.backend) or _("the gateway")


def _handed_over(message: OutputSMSMessage) -> str:
    return to_the_second(message.sent_at or message.changed_at)
