"""A host's admin site with trouble of every kind in it, and objects whose key is a text."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.sessions.models import Session
from django.urls import path

from project.demo.models import Customer
from smsoffice.admin import SendSMSMixin, SMSMessagesInline

site = admin.AdminSite(name="desk")


@admin.register(Customer, site=site)
class CustomerAdmin(SendSMSMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The name says what goes wrong."""

    inlines = [SMSMessagesInline]
    actions = None

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and not (obj and obj.name == "hidden")

    def get_sms_recipient(self, customer: Customer) -> str:
        if customer.name == "no number to be had":
            raise RuntimeError("The number 601 000 000 is nobody's to read.")
        return customer.phone

    def get_sms_context(self, customer: Customer) -> dict[str, Any]:
        if customer.name == "no data to be had":
            raise RuntimeError("out of order")
        name: Any = {"nobody": None, "an object": customer}.get(customer.name, customer.name)
        return {"customer": {"name": name}, "tags": ["new"]}


@admin.register(Session, site=site)
class SessionAdmin(SendSMSMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Objects with a text for a key."""

    inlines = [SMSMessagesInline]

    def get_sms_recipient(self, session: Session) -> str:
        return "+420777000111"

    def get_sms_context(self, session: Session) -> dict[str, Any]:
        return {"key": session.pk}


urlpatterns = [path("admin/", admin.site.urls), path("desk/", site.urls)]
