"""The send page: a form with its check beside it, then a summary, and only then something is sent."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from smsoffice.admin.common import NobodyEdits
from smsoffice.admin.send_form import SendForm, as_typed
from smsoffice.admin.send_list import LARGEST_FILE, PASTED, too_large
from smsoffice.admin.send_panel import Panel
from smsoffice.admin.send_summary import check, refused_file, summary_page
from smsoffice.admin.send_words import time_until
from smsoffice.backend.sms import get_template_model
from smsoffice.conf import conf
from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_draft import draft_text, store_draft

FOLDER = "admin/smsoffice/outputsmsmessage"

SPARE = 5 * 1024 * 1024
"""Bytes that a form with a file may have beside the file."""

READ_AWAY = 64 * 1024 * 1024
"""Bytes of a refused upload that are read, as a browser shows no answer before it has sent all."""


class SendPages(NobodyEdits):
    """The stock add page, on which nothing is added before it was shown."""

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path("add/<uuid:batch_id>/", self.admin_site.admin_view(self.summary_view), name=f"{prefix}_summary"),
            path(
                "add/<uuid:batch_id>/refused/",
                self.admin_site.admin_view(self.refused_view),
                name=f"{prefix}_refused",
            ),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    # The token is checked below, once it is known that what was posted can be read at all.
    @method_decorator(csrf_exempt)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Draw the form and its check; “Continue” stores a draft and leads to its summary."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if words := _too_much(request):
            return self._refused_upload(request, words)
        return self._send_view(request, extra_context)

    def summary_view(self, request: HttpRequest, batch_id: UUID) -> HttpResponse:
        """What a draft would send, and the button that sends it."""
        return summary_page(self, request, batch_id)

    def refused_view(self, request: HttpRequest, batch_id: UUID) -> HttpResponse:
        """The rows of a draft that are not sent, as a file."""
        return cast(HttpResponse, refused_file(self, request, batch_id))

    def summary_url(self, batch_id: UUID) -> str:
        """Where the summary of a draft is."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_summary"
        return reverse(name, args=[batch_id], current_app=self.admin_site.name)

    @method_decorator(csrf_protect)
    def _send_view(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        if request.method != "POST":
            return self._opened(request, extra_context)
        kept = None if "_drop" in request.POST else _draft_of(request, request.POST.get("draft", ""))
        form = SendForm(request.POST, request.FILES, kept=kept if kept and kept.file_name else None)
        row = request.POST.get("_row") or request.POST.get("row", "")
        if "panel" in request.GET:
            panel = Panel(form, row, live="_check" not in request.POST, has_file="has_file" in request.POST)
            return TemplateResponse(request, f"{FOLDER}/send_pieces.html", self._context(request, form, panel))
        if "_continue" in request.POST and form.is_valid() and (batch := self._stored(request, form)):
            return HttpResponseRedirect(self.summary_url(batch.pk))
        context = self._context(request, form, Panel(form, row))
        context["is_refused"] = bool(form.errors)
        return self._page(request, {**context, **(extra_context or {})})

    def _opened(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        draft = _draft_of(request, request.GET.get("draft", ""))
        if request.GET.get("draft") and draft is None:
            words = _("This list is not kept any more: it was sent, or it is too old. Begin anew.")
            messages.warning(request, words)
        initial = as_typed(draft, draft_text(draft)) if draft else {}
        form = SendForm(initial=initial, kept=draft if draft and draft.file_name else None)
        return self._page(request, {**self._context(request, form, Panel(form)), **(extra_context or {})})

    def _stored(self, request: HttpRequest, form: SendForm) -> Batch | None:
        """The draft of a valid form, checked unless it is long; None where its list cannot be read to its end."""
        data = form.cleaned_data
        try:
            batch = store_draft(
                user_id=cast(int, request.user.pk),
                template=form.chosen,
                own_text=form.text,
                values=form.typed_values,
                sheet=form.list.open(),
                file_name=form.list.file_name,
                tag=data["tag"],
                send_after=form.send_after,
                expires_at=form.expires_at,
                first=form.first_rows,
                failure_limit=data["failure_limit"],
                title=_title_of(form),
            )
        except SMSError as error:
            form.add_error(form.list.field, str(error))
            return None
        check(batch)
        return batch

    def _context(self, request: HttpRequest, form: SendForm, panel: Panel) -> dict[str, Any]:
        return {
            "form": form,
            "panel": panel,
            "opts": self.opts,
            "most_lines": PASTED,
            "when_said": time_until(form.send_after) if form.send_after else "",
            "templates_url": _page_of_templates(request, self.admin_site.name),
            "default_code": conf.SMS_DEFAULT_PHONE_CODE,
        }

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        site = {**self.admin_site.each_context(request), "title": _("Send SMS")}
        site["has_view_permission"] = self.has_view_permission(request)
        return TemplateResponse(request, f"{FOLDER}/send.html", {**site, **context})

    def _refused_upload(self, request: HttpRequest, words: str) -> HttpResponse:
        """Say why what was posted is not even read; the browser's Back brings back what was typed."""
        if "panel" in request.GET:
            return HttpResponse(status=413)
        messages.error(request, words)
        return HttpResponseRedirect(request.path)


def _too_much(request: HttpRequest) -> str:
    """Why a post is too large to be read, else nothing; such a one would be a bare 400 otherwise."""
    if request.method != "POST":
        return ""
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    if size > LARGEST_FILE + SPARE:
        _read_away(request)
        return too_large()
    try:
        len(request.POST)
    except RequestDataTooBig:
        _read_away(request)
        return _("The pasted list is too large. Put it in a file: CSV, XLSX or ODS.")
    return ""


def _read_away(request: HttpRequest) -> None:
    left = READ_AWAY
    while left > 0 and (piece := request.read(1 << 16)):
        left -= len(piece)


def _draft_of(request: HttpRequest, key: str) -> Batch | None:
    """The user's own draft, if it is one still."""
    try:
        drafts = Batch.objects.filter(pk=UUID(key), status=Batch.Status.DRAFT)
    except ValueError:
        return None
    return drafts.first() if request.user.is_superuser else drafts.filter(user=request.user.pk).first()


def _title_of(form: SendForm) -> str:
    """How the bulk send is called in lists: never by words or numbers of its people."""
    with translation.override(settings.LANGUAGE_CODE):
        own_text = _("Own text")
    return form.cleaned_data["tag"] or form.list.file_name or (form.chosen.slug if form.chosen else own_text)


def _page_of_templates(request: HttpRequest, site: str) -> str:
    """The list of templates, for who may see it."""
    model = get_template_model()._meta
    if not request.user.has_perm(f"{model.app_label}.view_{model.model_name}"):
        return ""
    try:
        return reverse(f"admin:{model.app_label}_{model.model_name}_changelist", current_app=site)
    except NoReverseMatch:
        return ""
