"""The summary before sending: what goes to whom, and the one button that sends. Its draft is the one-time token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import page_of
from smsoffice.admin.send_facts import Summary
from smsoffice.admin.send_list import PASTED
from smsoffice.admin.send_one import send_one, sent_before
from smsoffice.admin.send_words import grouped
from smsoffice.exceptions import SMSError
from smsoffice.export.columns import Cell
from smsoffice.export.files import csv_file
from smsoffice.models.batch import Batch
from smsoffice.models.batch_check import check_draft
from smsoffice.models.batch_draft import refused_rows
from smsoffice.models.batch_template import Fate, fate_of
from smsoffice.models.batch_write import AlreadyConfirmed, confirm
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.send import SendPages

FOLDER = "admin/smsoffice/outputsmsmessage"


def summary_page(page: SendPages, request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Show what a draft would send; on POST check it anew, or send it, the second time only say that it was sent."""
    batch = the_batch(page, request, batch_id)
    if batch is None or batch.status != Batch.Status.DRAFT:
        return _said_that_it_was_sent(page, request, batch_id, batch)
    if request.method != "POST":
        return _drawn(page, request, batch)
    if "_check" in request.POST:
        # A list that was checked stays so while its template is off, for the time when it is on again.
        if batch.checked_at is None or not fate_of(batch).sends_nothing:
            check_again(batch)
    elif "_confirm" in request.POST and batch.checked_at:
        return _confirmed(page, request, batch)
    return _to_summary(page, batch)


def the_batch(page: SendPages, request: HttpRequest, batch_id: UUID) -> Batch | None:
    """The user's own draft, or what became of it; None where it is gone, or another one's.

    Raises:
        PermissionDenied: the user may not send.
    """
    if not page.has_add_permission(request):
        raise PermissionDenied
    found = Batch.objects.select_related("template").filter(pk=batch_id)
    return found.first() if request.user.is_superuser else found.filter(user=request.user.pk).first()


def check(batch: Batch) -> None:
    """Check a draft; a long one is left to the queue."""
    if batch.total <= PASTED:
        for _rows in check_draft(batch):
            pass


def check_again(batch: Batch) -> None:
    """Check a draft with its template as it is now, for who reads it now."""
    summary = {**batch.summary, "language": translation.get_language()}
    changes: dict[str, Any] = {"checked_at": None, "check_progress": 0, "summary": summary}
    if batch.template:
        changes |= {"body": batch.template.body, "template_version": batch.template.version}
    if Batch.objects.filter(pk=batch.pk, status=Batch.Status.DRAFT).update(**changes):
        batch.refresh_from_db()
        check(batch)


def refused_file(page: SendPages, request: HttpRequest, batch_id: UUID) -> StreamingHttpResponse:
    """The rows that are not sent, as CSV."""
    batch = the_batch(page, request, batch_id)
    if batch is None:
        raise Http404
    rows: list[list[Cell]] = [[row.line, row.column, row.cell, row.reason] for row in refused_rows(batch)]
    headings = [_("Line"), _("Column"), _("Cell"), _("Refused because")]
    answer = StreamingHttpResponse(csv_file(headings, [rows]), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="refused-{str(batch.pk)[:8]}.csv"'
    return answer


# --- Drawing ---------------------------------------------------------------------------------------------------------


def _drawn(
    page: SendPages, request: HttpRequest, batch: Batch, errors: dict[str, str] | None = None
) -> TemplateResponse:
    context = {**page.admin_site.each_context(request), "opts": page.opts, "batch": batch, "errors": errors or {}}
    context["has_view_permission"] = page.has_view_permission(request)
    if batch.checked_at is None:
        # Its rows, or the check of them, are still under way.
        context |= {"title": _("Checking the list"), "is_left": 0 < batch.total <= PASTED}
        return TemplateResponse(request, f"{FOLDER}/send_checking.html", context)
    asked = request.GET.get("row", "")
    summary = Summary(batch, int(asked) if asked.isdecimal() and len(asked) < 8 else 0)
    context |= {
        "title": summary.question,
        "summary": summary,
        "template_url": page_of(page.admin_site, request, batch.template) if batch.template else None,
        "typed": request.POST.get("count", ""),
        "ticked": "leave_out" in request.POST,
    }
    return TemplateResponse(request, f"{FOLDER}/send_summary.html", context)


def _said_that_it_was_sent(page: SendPages, request: HttpRequest, batch_id: UUID, batch: Batch | None) -> HttpResponse:
    message = None if batch else sent_before(batch_id)
    if not (batch or message):
        raise Http404
    url = batch_url(page, request, batch) if batch else message_url(page, request, cast(OutputSMSMessage, message))
    if request.method == "POST":
        page.message_user(request, _("This was sent before, and not a second time."), messages.WARNING)
        return HttpResponseRedirect(url)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "has_view_permission": page.has_view_permission(request),
        "title": _("Sent before"),
        "started_at": batch.started_at if batch else cast(OutputSMSMessage, message).created_at,
        "url": url,
    }
    return TemplateResponse(request, f"{FOLDER}/send_before.html", context)


# --- Sending ---------------------------------------------------------------------------------------------------------


def _confirmed(page: SendPages, request: HttpRequest, batch: Batch) -> HttpResponse:
    summary = Summary(batch)
    if summary.fate != Fate.SAME:
        return _overtaken(page, request, summary)
    if errors := _refused(request, summary):
        return _drawn(page, request, batch, errors)
    try:
        if summary.is_single:
            return _sent_one(page, request, batch)
        with translation.override(settings.LANGUAGE_CODE):
            started = confirm(batch.pk, cast(int, request.user.pk))
    except AlreadyConfirmed as error:
        page.message_user(request, _("This was sent before, and not a second time."), messages.WARNING)
        return HttpResponseRedirect(batch_url(page, request, error.batch))
    except SMSError as error:
        page.message_user(request, str(error), messages.ERROR)
        return _to_summary(page, batch)
    _log(request, started)
    count = started.sendable
    if summary.is_scheduled:
        words = ngettext("%(count)s message is scheduled.", "%(count)s messages are scheduled.", count)
    else:
        words = ngettext("%(count)s message is being sent.", "%(count)s messages are being sent.", count)
    page.message_user(request, words % {"count": grouped(count)}, messages.SUCCESS)
    return HttpResponseRedirect(batch_url(page, request, started))


def _overtaken(page: SendPages, request: HttpRequest, summary: Summary) -> HttpResponse:
    """Send nothing, as the template is no longer what the page showed; say what it is now."""
    if summary.fate.sends_nothing:
        page.message_user(request, " ".join((_("Nothing was sent."), summary.what_became)), messages.ERROR)
        return _to_summary(page, summary.batch)
    if summary.fate == Fate.REWRITTEN:
        words = _("The template was changed meanwhile. Nothing was sent; this is the summary of the new text.")
    else:
        words = _("The template was changed meanwhile, but not its text. Nothing was sent; the list was checked again.")
    check_again(summary.batch)
    page.message_user(request, words, messages.WARNING)
    return _to_summary(page, summary.batch)


def _refused(request: HttpRequest, summary: Summary) -> dict[str, str]:
    """What is still missing before it may be sent, by the inputs' names."""
    errors = {}
    if summary.batch.refused and "leave_out" not in request.POST:
        errors["leave_out"] = _("Tick the box: the refused lines will not be sent.")
    typed = "".join(filter(str.isdecimal, request.POST.get("count", "")))
    if summary.must_type and typed != str(summary.batch.sendable):
        errors["count"] = _("Type %(count)s, the number of messages.") % {"count": summary.count}
    return errors if summary.can_be_sent else {}


def _sent_one(page: SendPages, request: HttpRequest, batch: Batch) -> HttpResponse:
    message = send_one(batch, cast(int, request.user.pk))
    if message is None:
        again = the_batch(page, request, batch.pk)
        return _said_that_it_was_sent(page, request, batch.pk, again)
    # What the gateway said right after the commit is in the row.
    message.refresh_from_db()
    words = _("The message was accepted. Its state: %(state)s.") % {"state": message.get_state_display()}
    page.message_user(request, words, messages.ERROR if message.failed else messages.SUCCESS)
    return HttpResponseRedirect(message_url(page, request, message))


def _log(request: HttpRequest, batch: Batch) -> None:
    count = batch.sendable
    told = {"count": grouped(count)}
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(batch),
        object_id=str(batch.pk),
        object_repr=ngettext("bulk send of %(count)s message", "bulk send of %(count)s messages", count) % told,
        action_flag=ADDITION,
        change_message=_("Sent."),
    )


# --- Where it leads --------------------------------------------------------------------------------------------------


def _to_summary(page: SendPages, batch: Batch) -> HttpResponseRedirect:
    return HttpResponseRedirect(page.summary_url(batch.pk))


def batch_url(page: SendPages, request: HttpRequest, batch: Batch) -> str:
    """The page of a running bulk send; the front page for who may not see it."""
    site = page.admin_site.name
    if not page.has_view_permission(request):
        return reverse("admin:index", current_app=site)
    try:
        return reverse("admin:smsoffice_batch_change", args=[batch.pk], current_app=site)
    except NoReverseMatch:
        # A host may leave the page of bulk sends out of its site.
        return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist", current_app=site)


def message_url(page: SendPages, request: HttpRequest, message: OutputSMSMessage) -> str:
    """The page of a message; the front page for who may not see it."""
    url = page_of(page.admin_site, request, message)
    return url or reverse("admin:index", current_app=page.admin_site.name)
