"""Resend for messages chosen in the log: in groups by what is known of them, as a bulk send with its own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.chosen import AT_ONCE, chosen, keys_of, sealed
from smsoffice.admin.common import gateway_title
from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.resend_all import choose_all, sent_before, to_the_bulk_send
from smsoffice.admin.resend_groups import groups_of, ticked_in
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.admin.when import WhenForm
from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.batch_write import AlreadyConfirmed, batch_of_messages
from smsoffice.models.decisions import copy_of, relations_like, tell_of_resends
from smsoffice.models.resending import AGAIN, NEVER, kind_of
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

SHOWN = 5


def resend_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Show what would be resent of the chosen messages."""
    keys = keys_of(queryset)
    if len(keys) > AT_ONCE:
        return choose_all(page, request, queryset)
    return _drawn(page, request, keys, {AGAIN}, uuid4(), WhenForm())


def resend_many(page: MessagePages, request: HttpRequest) -> HttpResponse:
    """Recount, or resend what is ticked; the second time only lead to it."""
    if not page.has_resend_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    keys, token = chosen(request), _token(request)
    if keys is None or token is None:
        page.message_user(request, _("Nothing was sent: choose the messages again."), messages.ERROR)
        return back_to_the_list(page, request)
    ticked = ticked_in(request)
    if "_send" not in request.POST:
        return _drawn(page, request, keys, ticked, token, WhenForm(initial=request.POST.dict()))
    when = WhenForm(request.POST)
    if not when.is_valid():
        return _drawn(page, request, keys, ticked, token, when)
    try:
        batch = _resent(request, keys, ticked, token, when)
    except AlreadyConfirmed as error:
        return sent_before(page, request, error.batch)
    if batch is None:
        # What the button said is not what would be sent; it is said anew before anything is sent.
        words = _("Nothing was sent yet: the messages were counted anew. Look at the numbers, then press the button.")
        page.message_user(request, words, messages.WARNING)
        return _drawn(page, request, keys, ticked, token, when)
    sent = batch.total
    log_of_many(request, OutputSMSMessage, ngettext("Resent %d message.", "Resent %d messages.", sent) % sent)
    words = ngettext("%d message is sent again.", "%d messages are sent again.", sent) % sent
    page.message_user(request, words, messages.SUCCESS)
    return to_the_bulk_send(page, batch)


def _token(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return None


def _resent(request: HttpRequest, keys: Sequence[int], ticked: set[str], token: UUID, when: WhenForm) -> Batch | None:
    """The bulk send; None where it would not be what the button said.

    Raises:
        AlreadyConfirmed: this was sent before.
    """
    with transaction.atomic():
        # Who resends some of them at the same time is waited for, and seen.
        list(OutputSMSMessage.objects.filter(pk__in=keys).order_by("pk").select_for_update().values_list("pk"))
        if earlier := Batch.objects.filter(pk=token).first():
            raise AlreadyConfirmed(earlier)
        going = [message for message, kind in _sorted(keys) if kind in ticked]
        if not going or request.POST.get("count") != str(len(going)):
            return None
        return _written(request, going, token, when.send_after)


def _written(
    request: HttpRequest, originals: Sequence[OutputSMSMessage], token: UUID, send_after: datetime | None
) -> Batch:
    copies = [copy_of(message, PRIORITY_BULK, send_after) for message in originals]
    relations = [
        relation
        for original, copy in zip(originals, copies, strict=True)
        for relation in relations_like(original, copy)
    ]
    title = ngettext("Resend of %d message", "Resend of %d messages", len(copies)) % len(copies)
    with translation.override(settings.LANGUAGE_CODE):
        batch = batch_of_messages(
            title, cast(int, request.user.pk), copies, relations, token=token, send_after=send_after
        )
        tell_of_resends(copies, request.user.pk)
    return batch


def _sorted(keys: Sequence[int]) -> Iterator[tuple[OutputSMSMessage, str]]:
    resent = set(OutputSMSMessage.objects.filter(resend_of__in=keys).values_list("resend_of", flat=True))
    rows = OutputSMSMessage.objects.filter(pk__in=keys).order_by("-created_at", "-pk")
    for message in rows.prefetch_related("related_objects"):
        yield message, kind_of(message, resent=message.pk in resent)


def _drawn(
    page: MessagePages, request: HttpRequest, keys: Sequence[int], ticked: set[str], token: UUID, when: WhenForm
) -> HttpResponse:
    kinds = dict(_sorted(keys))
    counts = Counter(kinds.values())
    going = [message for message, kind in kinds.items() if kind in ticked]
    parts = Counter(message.segments for message in going)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Resend the selected messages?"),
        "opts": page.opts,
        "chosen": sealed(keys),
        "token": token,
        "count": len(kinds),
        "groups": groups_of(counts, ticked),
        "can_be_resent": bool(counts.keys() - NEVER),
        "going": len(going),
        "parts": sum(size * number for size, number in parts.items()),
        "gateway": gateway_title(str(conf.SMS_SENDER_BACKEND)),
        "first": going if "_all" in request.POST else going[:SHOWN],
        "when": when,
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/resend_many.html", context)
