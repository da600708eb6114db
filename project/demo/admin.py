"""The shop's own pages, as any Django project has them."""

from __future__ import annotations

from django.contrib import admin

from project.demo.models import Customer, Order


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The people who buy."""

    list_display = ["name", "phone", "language", "email"]
    list_filter = ["language"]
    search_fields = ["name", "phone"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """What they bought."""

    list_display = ["number", "customer", "status", "total", "created_at"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__name"]
    autocomplete_fields = ["customer"]
    date_hierarchy = "created_at"
