"""The bulk sends: their list, the page of one with its progress and its red button, and its refused lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, override
from django.utils.translation import gettext_lazy as _

from smsoffice.admin.bulk_send_shown import in_words, shown
from smsoffice.admin.common import NobodyEdits, number, page_of
from smsoffice.admin.message_actions import may_act
from smsoffice.admin.template_off import stays_paused
from smsoffice.export.columns import Cell
from smsoffice.export.files import MEDIA_TYPES, csv_file
from smsoffice.models.batch import Batch
from smsoffice.models.batch_control import BatchOver, Moved, go_on, pause, stop
from smsoffice.models.batch_draft import refused_rows
from smsoffice.models.batch_numbers import LEFT_OUT, NOT_SENT, numbers
from smsoffice.models.cancellation import UNDER_WAY, Cancellation
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

Status = Batch.Status

ALREADY = {Status.PAUSED: _("It was paused already."), Status.RUNNING: _("It was running already.")}

TEMPLATES = "admin/smsoffice/batch"
LISTED = 50
LINES = 1000
"""Refused lines that are written at once."""


def may_look(request: HttpRequest) -> bool:
    """Whether the user may see messages; who may change them may."""
    return any(request.user.has_perm(f"smsoffice.{may}_outputsmsmessage") for may in ("view", "change"))


def may_steer(request: HttpRequest) -> bool:
    """Whether the user may pause, go on and stop: who may start a bulk send may stop one."""
    allowed = ("smsoffice.add_outputsmsmessage", "smsoffice.change_outputsmsmessage")
    return any(request.user.has_perm(permission) for permission in allowed)


@admin.register(Batch)
class BatchAdmin(NobodyEdits):
    """Permissions are those of messages; a draft is its owner's."""

    list_display = ["named", "who", "when", "progress", "state"]
    list_display_links = ["named"]
    list_per_page = LISTED
    list_max_show_all = LISTED
    list_select_related = ["user"]
    ordering = ["-created_at"]
    sortable_by = ()
    actions = None
    show_full_result_count = False
    change_list_template = f"{TEMPLATES}/change_list.html"

    # --- Who may what

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_look(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        own_drafts = ~Q(status=Status.DRAFT) | Q(user_id=request.user.pk)
        return super().get_queryset(request).filter(own_drafts).select_related("user", "paused_by", "stopped_by")

    def get_urls(self) -> list[URLPattern]:
        views = {"stop": self.stop_view, "refused": self.refused_view}
        own = [
            path(f"<uuid:batch_id>/{name}/", self.admin_site.admin_view(view), name=f"smsoffice_batch_{name}")
            for name, view in views.items()
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    # --- The list

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context: dict[str, Any] = {"title": capfirst(str(self.opts.verbose_name_plural))}
        if may_act(request):
            context["cancellations"] = Cancellation.objects.filter(UNDER_WAY).defer("keys").order_by("started_at")
        return super().changelist_view(request, context | (extra_context or {}))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        found = super().get_changelist_instance(request)
        batches: list[Any] = list(found.result_list)
        gone = _gone([batch for batch in batches if not batch.finished_at and batch.status != Status.DRAFT])
        for batch in batches:
            batch.gone = gone.get(batch.pk, 0) if not batch.finished_at else _gone_at_the_end(batch)
        found.result_list = batches
        return found

    @admin.display(description=_("title"))
    def named(self, batch: Batch) -> SafeString:
        """The title, and under it what tells one from another of the same title."""
        under = " · ".join(part for part in (batch.template_slug, batch.tag, batch.file_name) if part)
        return format_html('{}<span class="so-sub">{}</span>', str(batch), under) if under else format_html("{}", batch)

    @admin.display(description=_("who"), empty_value="–")
    def who(self, batch: Batch) -> str:
        return str(batch.user) if batch.user else ""

    @admin.display(description=_("when"))
    def when(self, batch: Batch) -> SafeString:
        return render_to_string(
            "admin/smsoffice/includes/moment.html", {"moment": batch.started_at or batch.created_at}
        )

    @admin.display(description=_("done"))
    def progress(self, batch: Any) -> str:
        if batch.status == Status.DRAFT:
            return ngettext("%s line", "%s lines", batch.total) % number(batch.total)
        total = max(batch.sendable, batch.accepted)
        return gettext("%(done)s of %(total)s") % {"done": number(batch.gone), "total": number(total)}

    @admin.display(description=_("state"))
    def state(self, batch: Batch) -> SafeString:
        is_scheduled = bool(batch.send_after and batch.send_after > timezone.now())
        return render_to_string(f"{TEMPLATES}/status.html", {"batch": batch, "is_scheduled": is_scheduled})

    # --- The page of one

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not (may_steer(request) if request.method == "POST" else self.has_view_permission(request)):
            raise PermissionDenied
        batch = cast("Batch | None", self.get_object(request, unquote(object_id)))
        if batch is None:
            return self._not_there(request)
        if batch.status == Status.DRAFT:
            page = "resend_all" if batch.is_resend else "summary"
            return HttpResponseRedirect(reverse(f"admin:smsoffice_outputsmsmessage_{page}", args=[batch.pk]))
        if request.method == "POST":
            return self._steered(request, batch)
        context = {
            **self.admin_site.each_context(request),
            **shown(batch, partial(page_of, self.admin_site, request)),
            "opts": self.opts,
            "may_steer": may_steer(request),
            "may_export": request.user.has_perm("smsoffice.export_outputsmsmessage"),
        }
        # The page itself asks for its numbers alone.
        name = "numbers" if "numbers" in request.GET else "progress"
        return TemplateResponse(request, f"{TEMPLATES}/{name}.html", context)

    def _steered(self, request: HttpRequest, batch: Batch) -> HttpResponse:
        user = cast(int, request.user.pk)
        if "_pause" in request.POST:
            self._move(request, batch, lambda: pause(batch.pk, user), gettext("Paused."), Status.PAUSED)
        elif "_go_on" in request.POST and batch.status == Status.PAUSED and (why := stays_paused(batch)):
            self.message_user(request, gettext("It stays paused. %s") % why, messages.ERROR)
        elif "_go_on" in request.POST:
            self._move(request, batch, lambda: go_on(batch.pk, user), gettext("It goes on."), Status.RUNNING)
        elif "_stop" in request.POST:
            if self._paused_to_ask(request, batch):
                return HttpResponseRedirect(reverse("admin:smsoffice_batch_stop", args=[batch.pk]))
        else:
            raise PermissionDenied
        return self._back(request, batch)

    def _move(self, request: HttpRequest, batch: Batch, move: Callable[[], Moved], done: str, wanted: Status) -> None:
        """Make a move, and answer with the four numbers."""
        try:
            fresh, by_this_press = move()
        except BatchOver as over:
            self.message_user(request, f"{over} {in_words(numbers(over.batch))}", messages.WARNING)
            return
        told = in_words(numbers(fresh))
        if not by_this_press:
            self.message_user(request, f"{ALREADY[wanted]} {told}", messages.INFO)
            return
        self.log_change(request, batch, f"{done} {told}")
        self.message_user(request, f"{done} {told}", messages.SUCCESS)

    def _paused_to_ask(self, request: HttpRequest, batch: Batch) -> bool:
        """Pause, so that nothing leaves while the question is read; False where it is over."""
        try:
            fresh, by_this_press = pause(batch.pk, request.user.pk)
        except BatchOver as over:
            self.message_user(request, f"{over} {in_words(numbers(over.batch))}", messages.WARNING)
            return False
        if by_this_press:
            self.log_change(request, batch, " ".join((gettext("Paused."), in_words(numbers(fresh)))))
        return True

    def _back(self, request: HttpRequest, batch: Batch) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.admin_site.name))
        return HttpResponseRedirect(reverse("admin:smsoffice_batch_change", args=[batch.pk]))

    def _not_there(self, request: HttpRequest) -> HttpResponse:
        words = gettext("This bulk send is not there. It may have been removed.")
        self.message_user(request, words, messages.WARNING)
        name = "smsoffice_batch_changelist" if self.has_view_permission(request) else "index"
        return HttpResponseRedirect(reverse(f"admin:{name}", current_app=self.admin_site.name))

    def _confirmed(self, request: HttpRequest, batch_id: UUID) -> Batch | None:
        return self.get_queryset(request).exclude(status=Status.DRAFT).filter(pk=batch_id).first()

    def stop_view(self, request: HttpRequest, batch_id: UUID) -> HttpResponse:
        """Ask whether to stop for good, and on POST do so."""
        if not may_steer(request):
            raise PermissionDenied
        batch = self._confirmed(request, batch_id)
        if batch is None:
            return self._not_there(request)
        if request.method == "POST":
            user = cast(int, request.user.pk)
            self._move(request, batch, lambda: stop(batch.pk, user), gettext("Stopped for good."), Status.STOPPED)
            return self._back(request, batch)
        if batch.status not in {Status.RUNNING, Status.PAUSED}:
            return self._back(request, batch)
        told = numbers(batch)
        asked = ngettext("%s has not left. Stop for good?", "%s have not left. Stop for good?", told.to_go)
        context = {
            **self.admin_site.each_context(request),
            "title": asked % number(told.to_go),
            "opts": self.opts,
            "batch": batch,
            "told": told,
            "is_paused": batch.status == Status.PAUSED,
            "may_view": self.has_view_permission(request),
        }
        return TemplateResponse(request, f"{TEMPLATES}/stop.html", context)

    def refused_view(self, request: HttpRequest, batch_id: UUID) -> HttpResponseBase:
        """The refused lines as a file."""
        may_export = request.user.has_perm("smsoffice.export_outputsmsmessage")
        if not (may_export and self.has_view_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        batch = self._confirmed(request, batch_id)
        if batch is None:
            return self._not_there(request)
        if not batch.chunks.exists():
            words = gettext("The refused lines are not kept any more. Their number stays on this page.")
            self.message_user(request, words, messages.WARNING)
            return self._back(request, batch)
        exported = ngettext("Downloaded %d refused line.", "Downloaded %d refused lines.", batch.refused)
        self.log_change(request, batch, exported % batch.refused)
        headings = [gettext("Line"), gettext("Column"), gettext("Value"), gettext("Why it was refused")]
        return StreamingHttpResponse(
            csv_file(headings, _lines(batch, get_language())),
            content_type=MEDIA_TYPES["csv"],
            headers={"Content-Disposition": 'attachment; filename="refused-lines.csv"'},
        )


def _gone(batches: list[Batch]) -> dict[UUID, int]:
    """How many messages of each have left us; one query, over those only that are not over."""
    if not batches:
        return {}
    left = OutputSMSMessage.objects.filter(batch__in=batches).exclude(state=State.WAITING).exclude(LEFT_OUT)
    return dict(left.order_by().values_list("batch").annotate(Count("pk")))


def _gone_at_the_end(batch: Batch) -> int:
    """As `final_states` keeps it, of which nothing is counted any more."""
    states: dict[str, int] = {name: count for name, count in batch.final_states.items() if name != NOT_SENT}
    return sum(states.values()) - states.get(State.WAITING, 0) - int(batch.final_states.get(NOT_SENT, 0))


def _lines(batch: Batch, language: str) -> Iterator[list[list[Cell]]]:
    rows = refused_rows(batch)
    while chunk := list(islice(rows, LINES)):
        # The reader's language is no longer in force when the rows are made. Fixed sentences of ours have it too.
        with override(language):
            lines: list[list[Cell]] = [[row.line, row.column, row.cell, gettext(row.reason)] for row in chunk]
        yield lines
