"""“Send SMS…” in any list of a host's admin: the same template to each of the chosen objects, with its own data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from smsoffice.admin.common import page_of
from smsoffice.admin.message_actions import log_of_many
from smsoffice.admin.selected_look import Chosen, Look
from smsoffice.admin.selected_rows import names_on_offer
from smsoffice.admin.way_back import back_to_the_list
from smsoffice.backend.sms import get_template_model
from smsoffice.models.accept import announce, relations_of
from smsoffice.models.batch import Batch
from smsoffice.models.batch_write import AlreadyConfirmed, batch_of_messages
from smsoffice.models.bulk import insert
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.uses import count_use

AT_ONCE = 500
"""Objects that can be sent to in one go."""

ONE_BY_ONE = 20
"""Messages up to which each goes by itself; more are a bulk send, which can be paused and stopped."""

A_PAGE = 25

SEND = "smsoffice.add_outputsmsmessage"


class SendSMSMixin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """Adds the action “Send SMS…” to the list of a host's ModelAdmin.

    The host says whom the text goes to and what it may say: `get_sms_recipient` and `get_sms_context`. Both are asked
    for the page that shows the texts and once more for the sending, so they must say the same of the same object.
    """

    def get_sms_recipient(self, obj: Any) -> Any:
        """The phone number of the object, in any spelling; None or empty where it has none."""
        raise NotImplementedError(f"{type(self).__name__} needs a get_sms_recipient(obj) to send SMS.")

    def get_sms_context(self, obj: Any) -> Mapping[str, Any]:
        """What a template may say of the object: plain data only, such as `{"customer": {"name": obj.name}}`."""
        raise NotImplementedError(f"{type(self).__name__} needs a get_sms_context(obj) to send SMS.")

    def get_sms_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Where to add `select_related` and `prefetch_related` for what the two methods read."""
        return queryset

    def has_send_sms_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send SMS, and see the objects."""
        return request.user.has_perm(SEND) and self.has_view_permission(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if IS_POPUP_VAR not in request.GET and self.has_send_sms_permission(request):
            actions["send_sms"] = self.get_action("send_sms")
        return actions

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_send_sms"
        return [path("send-sms/", self.admin_site.admin_view(self.send_sms_view), name=name), *super().get_urls()]

    @admin.action(description=gettext_lazy("Send SMS…"))
    def send_sms(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Lead from the chosen objects to the page that shows what each of them would get."""
        keys = list(queryset.values_list("pk", flat=True)[: AT_ONCE + 1])
        if len(keys) > AT_ONCE:
            words = _("SMS can be sent to at most %(most)d at once. Narrow the list, or choose fewer.")
            self.message_user(request, words % {"most": AT_ONCE}, messages.ERROR)
            return back_to_the_list(self, request)
        return _drawn(self, request, Chosen([key if isinstance(key, int) else str(key) for key in keys], uuid4()))

    def send_sms_view(self, request: HttpRequest) -> HttpResponse:
        """Show the texts; on the button that says so, send them once."""
        if not self.has_send_sms_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = Chosen.unsealed(self, request)
        if chosen is None:
            self.message_user(request, _("Nothing was sent: choose the rows in the list again."), messages.ERROR)
            return back_to_the_list(self, request)
        if "_send" in request.POST:
            return _send(self, request, chosen)
        return _drawn(self, request, chosen)


# --- Pages -----------------------------------------------------------------------------------------------------------


def _drawn(page: SendSMSMixin, request: HttpRequest, chosen: Chosen, look: Look | None = None) -> HttpResponse:
    is_ours = "chosen" in request.POST
    look = look or Look(page, request, chosen, request.POST if is_ours else None)
    going = look.going
    context = {
        **page.admin_site.each_context(request),
        "title": _("Send SMS to the selected %(objects)s") % {"objects": page.opts.verbose_name_plural},
        "opts": page.opts,
        "action": reverse(_name(page, "send_sms"), current_app=page.admin_site.name),
        "chosen": chosen.sealed(page, request),
        "look": look,
        "names": names_on_offer(look.rows),
        "count": len(chosen.keys),
        "gone": len(chosen.keys) - len(look.rows),
        "going": len(going),
        "left_out": len(look.rows) - len(going),
        "parts": sum(message.segments for message in going),
        "shown": Paginator(look.rows, A_PAGE).get_page(request.POST.get("page") if is_ours else 1),
        "templates_url": _page_of_templates(page, request),
        "back": back_to_the_list(page, request).url,
        "query": request.META.get("QUERY_STRING", ""),
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/smsoffice/send_selected.html", context)


def _send(page: SendSMSMixin, request: HttpRequest, chosen: Chosen) -> HttpResponse:
    if _sent_before(chosen):
        return _lead_to_the_first(page, request, chosen)
    look = Look(page, request, chosen, request.POST)
    if not look.can_be_sent:
        return _drawn(page, request, chosen, look)
    if request.POST.get("shown") != look.shown:
        words = _("Nothing was sent yet: the texts have changed since they were shown. Look at them, then send.")
        page.message_user(request, words, messages.WARNING)
        return _drawn(page, request, chosen, look)
    try:
        with translation.override(settings.LANGUAGE_CODE):
            batch = _accepted(page, request, look)
    except (AlreadyConfirmed, IntegrityError):
        # A double click: the other request was faster. Any other broken rule of the database is no matter of ours.
        if not _sent_before(chosen):
            raise
        return _lead_to_the_first(page, request, chosen)
    sent, later = len(look.going), look.when.send_after
    if later:
        words = ngettext("%(count)d message is scheduled.", "%(count)d messages are scheduled.", sent)
    else:
        words = ngettext("%(count)d message was accepted.", "%(count)d messages were accepted.", sent)
    page.message_user(request, words % {"count": sent}, messages.SUCCESS)
    return _to_the_bulk_send(page, request, batch) if batch else back_to_the_list(page, request)


def _accepted(page: SendSMSMixin, request: HttpRequest, look: Look) -> Batch | None:
    """Write the messages and who sent them, all or nothing; gives back the bulk send where there are many."""
    sending, batch = look.going, None
    relations = [relation for row in look.rows if row.message for relation in relations_of(row.message, [row.obj])]
    slug = look.template.slug if look.template else ""
    with transaction.atomic():
        if len(sending) > ONE_BY_ONE:
            title = _("“%(template)s” to selected %(objects)s")
            told = {"template": slug, "objects": page.opts.verbose_name_plural}
            times = {"tag": look.options["tag"], "send_after": look.options["send_after"]}
            user_id = cast(int, request.user.pk)
            batch = batch_of_messages(
                (title % told)[:200], user_id, sending, relations, token=look.chosen.token, **times
            )
        else:
            for place, message in enumerate(sending, start=1):
                message.idempotency_key = look.chosen.key(place)
            insert(sending, relations)
            count_use(slug, len(sending))
            announce(OutputSMSMessage.objects.filter(pk__in=[message.pk for message in sending]))
        words = ngettext("Sent %d message to selected objects.", "Sent %d messages to selected objects.", len(sending))
        log_of_many(request, OutputSMSMessage, words % len(sending))
    return batch


def _sent_before(chosen: Chosen) -> bool:
    one_by_one = OutputSMSMessage.objects.filter(idempotency_key=chosen.key(1))
    return one_by_one.exists() or Batch.objects.filter(pk=chosen.token).exists()


def _lead_to_the_first(page: SendSMSMixin, request: HttpRequest, chosen: Chosen) -> HttpResponse:
    words = _("This was sent before, and not a second time. To send more, choose the rows in the list again.")
    page.message_user(request, words, messages.WARNING)
    batch = Batch.objects.filter(pk=chosen.token).first()
    return _to_the_bulk_send(page, request, batch) if batch else back_to_the_list(page, request)


def _to_the_bulk_send(page: SendSMSMixin, request: HttpRequest, batch: Batch) -> HttpResponse:
    """To its page, for those who may see it where the site has one."""
    url = page_of(page.admin_site, request, batch)
    return HttpResponseRedirect(url) if url else back_to_the_list(page, request)


def _name(page: SendSMSMixin, view: str) -> str:
    return f"admin:{page.opts.app_label}_{page.opts.model_name}_{view}"


def _page_of_templates(page: SendSMSMixin, request: HttpRequest) -> str:
    model = get_template_model()
    if not page.admin_site.is_registered(model):
        return ""
    if not page.admin_site.get_model_admin(model).has_view_permission(request):
        return ""
    return reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", current_app=page.admin_site.name
    )
