"""The shop's own pages, as any Django project has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac
from django.utils.timezone import localtime

from project.demo.models import Customer, Order
from smsoffice.admin import SendSMSMixin, SMSMessagesInline

KEPT_FOR = timedelta(days=7)
"""How long an order waits at the shop."""


@admin.register(Customer)
class CustomerAdmin(SendSMSMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The people who buy."""

    list_display = ["name", "phone", "language", "email"]
    list_filter = ["language"]
    search_fields = ["name", "phone"]
    inlines = [SMSMessagesInline]

    def get_sms_recipient(self, customer: Customer) -> str:
        return customer.phone

    def get_sms_context(self, customer: Customer) -> dict[str, Any]:
        return {"customer": {"name": customer.name}, "code": code_for(customer)}


@admin.register(Order)
class OrderAdmin(SendSMSMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """What they bought."""

    list_display = ["number", "customer", "status", "total", "created_at"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__name"]
    autocomplete_fields = ["customer"]
    date_hierarchy = "created_at"
    inlines = [SMSMessagesInline]

    def get_sms_queryset(self, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.select_related("customer")

    def get_sms_recipient(self, order: Order) -> str:
        return order.customer.phone

    def get_sms_context(self, order: Order) -> dict[str, Any]:
        return {
            "customer": {"name": order.customer.name},
            "order": {"number": order.number, "total": int(order.total)},
            "code": code_for(order),
            "pickup_until": f"{localtime(order.created_at) + KEPT_FOR:%d.%m.}",
        }


def code_for(obj: Customer | Order) -> str:
    """Six digits, the same ones whenever they are asked for."""
    return f"{int(salted_hmac('demo', obj._meta.label + str(obj.pk)).hexdigest(), 16) % 1_000_000:06}"
