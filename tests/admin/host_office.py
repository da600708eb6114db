"""A host's own template model in the admin; `python -m tests.admin.host_office` prints what became of it, as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import django


def settings_of_host() -> None:
    """The suite's settings, with the host's model in force and a database in memory."""
    from django.conf import settings

    from tests import settings as ours

    names = {name: getattr(ours, name) for name in dir(ours) if name.isupper()}
    names["INSTALLED_APPS"] = [*names["INSTALLED_APPS"], "tests.hostapp"]
    names["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    names |= {"PYMESS_SMS_TEMPLATE_MODEL": "hostapp.CompanyTemplate", "DEBUG": True}
    settings.configure(**names)


def story() -> dict[str, Any]:
    """Write a template of the host's by its pages, change it, preview it, and send a test."""
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from smsoffice.admin import AbstractSMSTemplateAdmin
    from smsoffice.models.sms import OutputSMSMessage
    from tests.hostapp.models import CompanyTemplate

    class CompanyTemplateAdmin(AbstractSMSTemplateAdmin):
        list_display = [*AbstractSMSTemplateAdmin.list_display, "created_at"]

    admin.site.register(CompanyTemplate, CompanyTemplateAdmin)
    call_command("migrate", verbosity=0)
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    variables = json.dumps([{"name": "number", "example": "7"}, {"name": "company", "example": "Shop"}])
    typed = {"slug": "ready", "body": "Order {{ number }}.", "variables": variables, "is_active": "on"}

    added = browser.post(reverse("admin:hostapp_companytemplate_add"), typed)
    template = CompanyTemplate._default_manager.get()
    change = reverse("admin:hostapp_companytemplate_change", args=[template.pk])
    preview = reverse("admin:hostapp_companytemplate_preview")
    asked = {"body": "Parcel {{ number }}.", "context": {"number": 1, "company": "Shop"}, "template": template.pk}
    shown = browser.post(preview, asked, content_type="application/json").json()
    token = {"test_to": "601 000 900", "test_token": "00000000-0000-4000-8000-000000000001", "_send_test": ""}
    browser.post(change, {**typed, **token})
    browser.post(change, {**typed, "body": "Changed {{ number }}.", "based_on": 1})
    pages = {
        "list": browser.get(reverse("admin:hostapp_companytemplate_changelist")),
        "page": browser.get(change),
        "copy": browser.get(reverse("admin:hostapp_companytemplate_add"), {"copy": template.pk}),
        "versions": browser.get(reverse("admin:hostapp_companytemplate_history", args=[template.pk])),
        "delete": browser.get(reverse("admin:hostapp_companytemplate_delete", args=[template.pk])),
    }
    return {
        "added": added.status_code,
        "statuses": {name: page.status_code for name, page in pages.items()},
        "preview_url_in_page": preview in pages["page"].content.decode(),
        "page_shows": "Changed 7. Your Shop." in pages["page"].content.decode(),
        "preview": shown["content"],
        "tested": OutputSMSMessage.objects.get().content,
        "versions": list(template.history.values_list("version", "body")),
    }


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    settings_of_host()
    django.setup()
    print(json.dumps(story()))  # noqa: T201
