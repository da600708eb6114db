"""Resend for messages chosen in the log: in groups by what is known of them, as a bulk send with its own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from smsoffice.admin.chosen import AT_ONCE, chosen, keys_of, sealed
from smsoffice.admin.common import gateway_title
from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.admin.when import WhenForm
from smsoffice.conf import conf
from smsoffice.models.batch import Batch
from smsoffice.models.batch_write import AlreadyConfirmed, batch_of_messages
from smsoffice.models.decisions import copy_of, relations_like, tell_of_resends
from smsoffice.models.lasting import is_lasting
from smsoffice.models.sms import PRIORITY_BULK, OutputSMSMessage
from smsoffice.states import State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

SHOWN = 5

AGAIN, HOPELESS, NOT_SENT, UNKNOWN, ON_ITS_WAY, DELIVERED, RESENT, WAITING, REMOVED = (
    *("again", "hopeless", "not_sent", "unknown", "on_its_way", "delivered", "resent", "waiting", "removed"),
)

KINDS: dict[str, tuple[State, Any, Any]] = {
    AGAIN: (State.ERROR, gettext_lazy("may work now"), gettext_lazy("What went wrong may be over by now.")),
    HOPELESS: (
        State.ERROR,
        gettext_lazy("will fail again"),
        gettext_lazy("The number or the text is at fault. Correct it and send a new message."),
    ),
    NOT_SENT: (
        State.DEBUG,
        gettext_lazy("not sent, on purpose"),
        gettext_lazy("The gateway of that time sends nothing."),
    ),
    UNKNOWN: (
        State.UNKNOWN,
        gettext_lazy("outcome not known"),
        gettext_lazy("They may have arrived: these people may get the text twice."),
    ),
    ON_ITS_WAY: (
        State.SENT,
        gettext_lazy("on the way"),
        gettext_lazy("They may still arrive: these people may get the text twice."),
    ),
    DELIVERED: (
        State.DELIVERED,
        gettext_lazy("have it already"),
        gettext_lazy("These people would get the text twice."),
    ),
    RESENT: (State.ERROR, gettext_lazy("resent already"), gettext_lazy("A newer copy exists.")),
    WAITING: (State.WAITING, gettext_lazy("not sent yet"), gettext_lazy("They leave by themselves.")),
    REMOVED: (State.ERROR, gettext_lazy("removed"), gettext_lazy("Their numbers and texts were removed.")),
}
"""What is known of a message: the state it is shown with, in words, and why it should or should not be resent."""

NEVER = frozenset({RESENT, WAITING, REMOVED})


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of which the same is known.

    Args:
        kind: one of KINDS.
        messages: how many were chosen.
        ticked: whether they are to be resent.
    """

    kind: str
    messages: int
    ticked: bool

    @property
    def state(self) -> State:
        return KINDS[self.kind][0]

    @property
    def label(self) -> str:
        return str(KINDS[self.kind][1])

    @property
    def why(self) -> str:
        return str(KINDS[self.kind][2])

    @property
    def never(self) -> bool:
        return self.kind in NEVER


def kind_of(message: OutputSMSMessage, *, resent: bool) -> str:
    """What is known of a chosen message."""
    if message.state == State.WAITING:
        return WAITING
    if not message.recipient:
        return REMOVED
    if resent:
        return RESENT
    if message.state == State.ERROR:
        return HOPELESS if is_lasting(message.error) else AGAIN
    return {State.DEBUG: NOT_SENT, State.UNKNOWN: UNKNOWN, State.DELIVERED: DELIVERED}.get(
        State(message.state), ON_ITS_WAY
    )


def resend_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Show what would be resent of the chosen messages."""
    keys = keys_of(queryset)
    if len(keys) > AT_ONCE:
        words = _("At most %(most)d messages can be resent at once. Narrow the filters.")
        page.message_user(request, words % {"most": AT_ONCE}, messages.ERROR)
        return back_to_the_list(page, request)
    return _drawn(page, request, keys, {AGAIN}, uuid4(), WhenForm())


def resend_many(page: MessagePages, request: HttpRequest) -> HttpResponse:
    """Recount, or resend what is ticked; the second time only lead to it."""
    if not (page.has_add_permission(request) and page.has_view_permission(request)):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    keys, token = chosen(request), _token(request)
    if keys is None or token is None:
        page.message_user(request, _("Nothing was sent: choose the messages again."), messages.ERROR)
        return back_to_the_list(page, request)
    ticked = set(request.POST.getlist("kind")) & KINDS.keys() - NEVER
    if "_send" not in request.POST:
        return _drawn(page, request, keys, ticked, token, WhenForm(initial=request.POST.dict()))
    when = WhenForm(request.POST)
    if not when.is_valid():
        return _drawn(page, request, keys, ticked, token, when)
    try:
        batch = _resent(request, keys, ticked, token, when)
    except AlreadyConfirmed as error:
        return _sent_before(page, request, error.batch)
    if batch is None:
        # What the button said is not what would be sent; it is said anew before anything is sent.
        words = _("Nothing was sent yet: the messages were counted anew. Look at the numbers, then press the button.")
        page.message_user(request, words, messages.WARNING)
        return _drawn(page, request, keys, ticked, token, when)
    sent = batch.total
    log_of_many(request, OutputSMSMessage, ngettext("Resent %d message.", "Resent %d messages.", sent) % sent)
    words = ngettext("%d message is sent again.", "%d messages are sent again.", sent) % sent
    page.message_user(request, words, messages.SUCCESS)
    return _to_the_bulk_send(page, batch)


def _token(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return None


def _sent_before(page: MessagePages, request: HttpRequest, batch: Batch) -> HttpResponse:
    page.message_user(request, _("This was sent before, and not a second time."), messages.WARNING)
    return _to_the_bulk_send(page, batch)


def _to_the_bulk_send(page: MessagePages, batch: Batch) -> HttpResponse:
    return HttpResponseRedirect(
        reverse("admin:smsoffice_batch_change", args=[batch.pk], current_app=page.admin_site.name)
    )


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
        "groups": [Group(kind, counts[kind], kind in ticked) for kind in KINDS if counts[kind]],
        "can_be_resent": any(counts[kind] for kind in KINDS.keys() - NEVER),
        "going": len(going),
        "parts": sum(size * number for size, number in parts.items()),
        "gateway": gateway_title(str(conf.SMS_SENDER_BACKEND)),
        "first": going if "_all" in request.POST else going[:SHOWN],
        "when": when,
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/resend_many.html", context)
