"""The messages of a host's object, shown on its own page: `inlines = [SMSMessagesInline]`."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.checks import InlineModelAdminChecks
from django.contrib.admin.options import InlineModelAdmin
from django.core.checks import CheckMessage
from django.db.models import Model
from django.forms import BaseFormSet, Form, Media, formset_factory
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from smsoffice.models.log import ORDER
from smsoffice.models.sms import OutputSMSMessage

SHOWN = 10
"""The newest messages that the panel shows; the log has all."""


class _Checks(InlineModelAdminChecks):
    """Messages belong to objects of any kind, so there is no foreign key to look for."""

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: type[Model]) -> list[CheckMessage]:
        return []

    def _check_relation(self, obj: Any, parent_model: type[Model]) -> list[CheckMessage]:
        return []


class MessagesOfObject(BaseFormSet):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The messages in the place of an inline's forms: there is nothing to fill in, and nothing to save.

    Args:
        instance: the host's object.
    """

    site = ""
    """The name of the admin site."""

    new_objects: tuple[Model, ...] = ()
    changed_objects: tuple[Model, ...] = ()
    deleted_objects: tuple[Model, ...] = ()

    def __init__(self, *, instance: Model, prefix: str = "", **_given: Any) -> None:
        super().__init__(prefix=prefix)
        self.instance = instance

    @classmethod
    def get_default_prefix(cls) -> str:
        return "sms_messages"

    @property
    def messages(self) -> list[OutputSMSMessage]:
        """The newest messages of the object."""
        return list(OutputSMSMessage.objects.filter_related_object(self.instance).order_by(*ORDER)[:SHOWN])

    @property
    def log_url(self) -> str:
        """The log of all its messages; empty where the host's site does without the log."""
        kind = self.instance._meta.concrete_model._meta.label_lower  # type: ignore[union-attr]
        try:
            url = reverse("admin:smsoffice_outputsmsmessage_changelist", current_app=self.site)
        except NoReverseMatch:
            return ""
        of_object = urlencode({"related_object_type": kind, "related_object_id": self.instance.pk})
        return f"{url}?{of_object}"

    def get_queryset(self) -> tuple[Model, ...]:
        # The admin pairs forms with rows, and there are no forms.
        return ()

    def is_valid(self) -> bool:
        return True

    def save(self, commit: bool = True) -> list[Model]:
        return []


class SMSMessagesInline(InlineModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """A panel with the newest messages of an object, for those who may see messages."""

    model = OutputSMSMessage
    verbose_name_plural = _("SMS messages")
    template = "admin/smsoffice/includes/messages_of_object.html"
    checks_class = _Checks

    @property
    def media(self) -> Media:
        return Media(css={"all": ["smsoffice/office.css"]})

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = formset_factory(Form, formset=MessagesOfObject, extra=0)
        formset.site = self.admin_site.name
        return formset

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return []

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A new object has none yet.
        may_view = any(request.user.has_perm(f"smsoffice.{name}_outputsmsmessage") for name in ("view", "change"))
        return obj is not None and may_view

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
