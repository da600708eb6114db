"""Check and cancel for messages chosen in the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.chosen import AT_ONCE, chosen, sealed
from smsoffice.admin.common import gateway_title
from smsoffice.admin.message_actions import cancelled_among, log_of_many, not_asked
from smsoffice.backend.sms import get_sms_backend
from smsoffice.exceptions import GatewayError
from smsoffice.models.decisions import cancel
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import OPEN, State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages

ASKED_AT_ONCE = 100
"""Messages that a gateway is asked about while the operator waits; the rest is asked about by the next round."""


def to_the_log(page: MessagePages) -> HttpResponseRedirect:
    """To the list of messages."""
    name = f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
    return HttpResponseRedirect(reverse(name, current_app=page.admin_site.name))


def back_to_the_list(page: MessagePages, request: HttpRequest) -> HttpResponseRedirect:
    """To the list as it was filtered, where the action was chosen."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{to_the_log(page).url}{'?' if query else ''}{query}")


def check_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Ask the gateways about the chosen messages now."""
    chosen_ones = queryset.filter(state__in=OPEN).exclude(backend="").order_by("pk")
    now = list(chosen_ones[:ASKED_AT_ONCE])
    later = chosen_ones.filter(check_after__isnull=False).exclude(pk__in=[m.pk for m in now])
    put_first = later.update(check_after=timezone.now())
    if not now:
        page.message_user(
            request, _("There is nothing to ask: the chosen messages are final or wait."), messages.WARNING
        )
        return back_to_the_list(page, request)
    states = _ask(page, request, now)
    if states:
        page.message_user(request, _("Asked. %s.") % _in_words(states), messages.SUCCESS)
        log_of_many(
            request, OutputSMSMessage, ngettext("Checked %d message.", "Checked %d messages.", len(now)) % len(now)
        )
    if put_first:
        words = ngettext(
            "%d more is asked about in the next round.", "%d more are asked about in the next round.", put_first
        )
        page.message_user(request, words % put_first, messages.INFO)
    return back_to_the_list(page, request)


def _ask(page: MessagePages, request: HttpRequest, asked: list[OutputSMSMessage]) -> Counter[str]:
    by_gateway: dict[str, list[OutputSMSMessage]] = defaultdict(list)
    for message in asked:
        by_gateway[message.backend].append(message)
    states: Counter[str] = Counter()
    for path, of_gateway in by_gateway.items():
        try:
            with translation.override(settings.LANGUAGE_CODE):
                told = get_sms_backend(path).check_now(of_gateway)
        except (GatewayError, ImproperlyConfigured) as error:
            page.message_user(request, not_asked(gateway_title(path), error), messages.ERROR)
            continue
        if told:
            states.update(str(message.state) for message in of_gateway)
        else:
            words = _("%s cannot be asked about single messages.") % gateway_title(path)
            page.message_user(request, words, messages.WARNING)
    return states


def _in_words(states: Counter[str]) -> str:
    return ", ".join(f"{State(state).label}: {count}" for state, count in sorted(states.items()))


def cancel_selected(page: MessagePages, request: HttpRequest, queryset: QuerySet[OutputSMSMessage]) -> HttpResponse:
    """Ask whether to cancel those of the chosen messages that still wait."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: AT_ONCE + 1])
    waiting = queryset.filter(state=State.WAITING).count()
    if len(keys) > AT_ONCE:
        words = _("At most %(most)d messages can be cancelled at once. Narrow the filters, or stop the bulk send.")
        page.message_user(request, words % {"most": AT_ONCE}, messages.ERROR)
        return back_to_the_list(page, request)
    if not waiting:
        page.message_user(request, _("None of the chosen messages waits any more."), messages.WARNING)
        return back_to_the_list(page, request)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Cancel the selected messages?"),
        "opts": page.opts,
        "chosen": sealed(keys),
        "count": len(keys),
        "waiting": waiting,
        "left": len(keys) - waiting,
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/cancel_many.html", context)


def cancel_many(page: MessagePages, request: HttpRequest) -> HttpResponse:
    """Cancel what was chosen and confirmed."""
    if not request.user.has_perm("smsoffice.change_outputsmsmessage"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    keys = chosen(request)
    if keys is None:
        page.message_user(request, _("Nothing was cancelled: choose the messages again."), messages.ERROR)
        return back_to_the_list(page, request)
    with translation.override(settings.LANGUAGE_CODE):
        cancelled = cancel(keys, request.user.pk)
    words = " ".join(_what_became(len(keys), cancelled, cancelled_among(keys) - cancelled))
    page.message_user(request, words, messages.SUCCESS if cancelled else messages.WARNING)
    if cancelled:
        said = ngettext("Cancelled %d message.", "Cancelled %d messages.", cancelled) % cancelled
        log_of_many(request, OutputSMSMessage, said)
    return back_to_the_list(page, request)


def _what_became(chosen_ones: int, cancelled: int, before: int) -> Iterator[str]:
    """How many were cancelled now, how many before, as after a double click, and how many could not be any more."""
    if cancelled or not before:
        yield ngettext("%d message is cancelled.", "%d messages are cancelled.", cancelled) % cancelled
    if before:
        yield ngettext("%d message was cancelled before.", "%d messages were cancelled before.", before) % before
    if late := chosen_ones - cancelled - before:
        yield ngettext("%d did not wait any more.", "%d did not wait any more.", late) % late
