"""The list of templates: what each costs, how much it is used, and whether it is alive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from smsoffice.admin.template_guard import recent
from smsoffice.admin.template_off import go_on, will_pause
from smsoffice.admin.template_preview import Panel
from smsoffice.models.sms import AbstractSMSTemplate
from smsoffice.models.uses import TemplateUse

TEMPLATES = "admin/smsoffice/smstemplate"
DELETE: Any = vars(delete_selected)["short_description"]
"""What Django calls its action."""


class ListPages(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The list, its actions, and the question before a template is deleted."""

    list_display: Any = ["named", "first_line", "costs", "recent_uses", "last_used", "active"]
    search_fields = ["slug", "description", "body"]
    search_help_text = _("Slug, description or text")
    ordering = ["slug"]
    list_per_page = 100
    show_full_result_count = False
    actions = ["switch_on", "switch_off", "delete_selected"]
    change_list_template = f"{TEMPLATES}/change_list.html"
    delete_confirmation_template = f"{TEMPLATES}/delete_confirmation.html"
    delete_selected_confirmation_template = f"{TEMPLATES}/delete_selected_confirmation.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        uses = TemplateUse.objects.filter(template_slug=OuterRef("slug"))
        counted = uses.filter(recent()).order_by().values("template_slug").values(total=Sum("count"))
        rows: QuerySet[Any] = super().get_queryset(request)
        counted_rows: QuerySet[Any] = rows.annotate(
            recent_uses=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
            last_used_at=Subquery(uses.order_by("-day").values("last_used_at")[:1]),
        )
        return counted_rows

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = self.model._default_manager.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
        tabs = {"chosen": request.GET.get("is_active__exact", ""), "off": counts["all"] - counts["active"], **counts}
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, "tabs": tabs, **(extra_context or {})})

    @admin.display(description=_("slug"), ordering="slug")
    def named(self, template: AbstractSMSTemplate) -> SafeString:
        """The slug, and under it what the template is for."""
        words = format_html('<span class="so-mono">{}</span>', template.slug)
        if not template.description:
            return words
        return format_html('{}<span class="so-sub">{}</span>', words, template.description)

    @admin.display(description=_("text"))
    def first_line(self, template: AbstractSMSTemplate) -> SafeString:
        line = next((line for line in template.body.splitlines() if line.strip()), "")
        return format_html('<span class="so-clip">{}</span>', Truncator(line.strip()).chars(160))

    @admin.display(description=_("costs"))
    def costs(self, template: AbstractSMSTemplate) -> SafeString:
        """How many parts the examples make; or why it cannot be told, or sent."""
        return render_to_string(f"{TEMPLATES}/costs.html", {"panel": Panel(template)})

    @admin.display(description=_("used, 30 days"), ordering="recent_uses")
    def recent_uses(self, template: Any) -> SafeString:
        return render_to_string(f"{TEMPLATES}/uses.html", {"uses": template.recent_uses})

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, template: Any) -> SafeString:
        return render_to_string(f"{TEMPLATES}/last_used.html", {"last": template.last_used_at})

    @admin.display(description=_("active"), ordering="is_active")
    def active(self, template: AbstractSMSTemplate) -> SafeString:
        return render_to_string(f"{TEMPLATES}/active.html", {"is_active": template.is_active})

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let calls to the templates send again."""
        done = self._switch(request, queryset.filter(is_active=False), on=True)
        words = ngettext("%(count)d template was switched on.", "%(count)d templates were switched on.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    @admin.action(description=_("Switch off…"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let calls to the templates send nothing, after a look at when they were used last."""
        chosen = queryset.filter(is_active=True)
        if "confirmed" in request.POST:
            done = self._switch(request, chosen, on=False)
            words = ngettext("%(count)d template was switched off.", "%(count)d templates were switched off.", done)
            self.message_user(request, words % {"count": done}, messages.SUCCESS)
            return None
        if not chosen:
            self.message_user(request, gettext("These templates are off already."), messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Switch off?"),
            "opts": self.opts,
            "chosen": chosen,
            **self._depending(request, chosen),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"{TEMPLATES}/switch_off.html", context)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Any], *, on: bool) -> int:
        with transaction.atomic():
            chosen = list(queryset)
            for template in chosen:
                template.is_active = on
                template._history_user = request.user
                template.save(update_fields=["is_active"])
                self.log_change(request, template, [{"changed": {"fields": [str(_("active"))]}}])
        return len(chosen)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        chosen = [obj] if obj else []
        told = {"chosen": chosen, **self._depending(request, chosen)} if request.method != "POST" else {}
        return super().delete_view(request, object_id, {**told, **(extra_context or {})})

    @admin.action(description=DELETE, permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Django's own, whose question names the bulk sends that depend on the templates."""
        answer = delete_selected(self, request, queryset)
        if answer is not None:
            answer.context_data = {**(answer.context_data or {}), **self._depending(request, queryset)}
        return answer

    def _depending(self, request: HttpRequest, templates: Iterable[Any]) -> dict[str, Any]:
        """The bulk sends that pause without the templates, and those that go on."""
        return {"pausing": will_pause(self, request, templates), "going_on": go_on(self, request, templates)}
