"""The send page with a host's own template model; `python -m tests.admin.host_send` prints what became of it."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import django

from tests.admin.host_office import settings_of_host


def story() -> dict[str, Any]:
    """Send one message and three from a template of the host's."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from smsoffice.models.sms import OutputSMSMessage
    from tests.admin.sending import ADD, a_draft, confirm
    from tests.hostapp.models import CompanyTemplate

    call_command("migrate", verbosity=0)
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    CompanyTemplate._default_manager.create(slug="ready", body="Order {{ number }}.")
    page = browser.post(ADD, {"kind": "template", "template": "ready", "_check": ""}).content.decode()
    given = {"template": "ready", "v-company": "Shop"}
    confirm(browser, a_draft(browser, **given, **{"v-number": "7"}))
    rows = "phone;number\n777123457;8\n777123458;9\n777123459;10"
    confirm(browser, a_draft(browser, **given, recipients=rows))
    return {
        "fields": re.findall(r'name="v-(\w+)"', page),
        "sent": list(OutputSMSMessage.objects.order_by("pk").values_list("content", flat=True)),
    }


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    settings_of_host()
    django.setup()
    print(json.dumps(story()))  # noqa: T201
