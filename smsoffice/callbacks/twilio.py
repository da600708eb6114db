"""Twilio's status callbacks: what became of a message, pushed to STATUS_CALLBACK_URL of PYMESS_TWILIO_CONFIG.

Twilio signs each of them with our AUTH_TOKEN over the public address that it called and all that it posts; nothing is
believed, or answered but 403, without that signature. Callbacks are repeated and come in any order: what they say is
evidence like any other, guarded by the table of states.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from smsoffice.backend.sms.twilio import SID, meaning
from smsoffice.conf import conf
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.models.transitions import Evidence, Source, record
from smsoffice.states import State

logger = logging.getLogger("smsoffice.callbacks")

LONGEST_BODY = 64 * 1024
"""Bytes; Twilio posts some hundred."""


@csrf_exempt
@require_POST
def twilio_status(request: HttpRequest) -> HttpResponse:
    """Take a status callback.

    Returns:
        An empty answer: 200 to whatever Twilio signed, known to us or not; 403 to everybody else; 413 to a body that is
        too long, which is not read; 405 to another method.
    """
    length = _length(request)
    if length is not None and length > LONGEST_BODY:
        return HttpResponse(status=413)
    if length is None or (receipt := _signed_form(request)) is None:
        return HttpResponse(status=403)
    message = _message_of(receipt, request.GET.get("message", ""))
    if message is None:
        logger.info("A status callback of Twilio names a message that is not here (%s).", receipt["MessageSid"])
    else:
        # Words are kept in the site's language, not in that of whoever calls.
        with translation.override(settings.LANGUAGE_CODE):
            _record(message, receipt)
    return HttpResponse(status=200)


def _length(request: HttpRequest) -> int | None:
    """The bytes to come; None for a body that may have no end."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


def _signed_form(request: HttpRequest) -> Mapping[str, str] | None:
    """What the callback says, if Twilio says it, and to us."""
    config = conf.TWILIO_CONFIG
    signature = request.headers.get("X-Twilio-Signature", "")
    if not (config["AUTH_TOKEN"] and config["STATUS_CALLBACK_URL"] and signature):
        return None
    if request.content_type != "application/x-www-form-urlencoded":
        return None
    try:
        form = QueryDict(request.body, encoding="utf-8")
    except (RequestDataTooBig, SuspiciousOperation, UnreadablePostError, ValueError):
        return None
    if not RequestValidator(config["AUTH_TOKEN"]).validate(_public_url(request), form, signature):
        return None
    receipt = form.dict()
    is_ours = receipt.get("AccountSid") == config["ACCOUNT_SID"] and SID.fullmatch(receipt.get("MessageSid", ""))
    return receipt if is_ours else None


def _public_url(request: HttpRequest) -> str:
    """The address that Twilio called, which behind a proxy is not the one that we see; the query comes through."""
    scheme, host, path, _query, _fragment = urlsplit(conf.TWILIO_CONFIG["STATUS_CALLBACK_URL"])
    return urlunsplit((scheme, host, path, str(request.META.get("QUERY_STRING", "")), ""))


def _message_of(receipt: Mapping[str, str], key: str) -> OutputSMSMessage | None:
    """The message by the key in the address, as long as nothing contradicts it; else by Twilio's reference."""
    sid = receipt["MessageSid"]
    if key.isascii() and key.isdigit() and len(key) < 19:
        message = OutputSMSMessage.objects.filter(pk=int(key)).first()
        if message and message.external_id == sid:
            return message
        if message and not message.external_id and message.recipient == receipt.get("To"):
            return message
    return OutputSMSMessage.objects.filter(external_id=sid).first()


def _record(message: OutputSMSMessage, receipt: Mapping[str, str]) -> None:
    outcome = meaning(receipt.get("MessageStatus"), receipt.get("ErrorCode"))
    if _is_told_before(message, outcome.code):
        return
    state = outcome.state
    if state == State.UNKNOWN and message.state != State.WAITING:
        # A status that proves nothing takes nothing from what is known; but what waits must not leave again.
        state = State(message.state)
    evidence = Evidence(
        message.pk,
        state,
        Source.RECEIPT,
        code=outcome.code,
        words=outcome.words,
        error=outcome.words if outcome.state == State.ERROR else "",
        external_id=receipt["MessageSid"],
    )
    record([evidence], held=[message])


def _is_told_before(message: OutputSMSMessage, code: str) -> bool:
    """Whether a callback has said this of the present hand-over: Twilio repeats itself."""
    events = OutputSMSEvent.objects.filter(message=message, source=Source.RECEIPT, code=code)
    return events.filter(created_at__gte=message.sent_at or message.created_at).exists()
