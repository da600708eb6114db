"""What the host does with smsoffice; `python -m tests.hostapp.story` prints what became of it, as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import django


def story() -> dict[str, Any]:
    from django.db import connection

    from smsoffice.backend.sms import bulk_send_template, send_template
    from smsoffice.models.sms import OutputSMSMessage
    from tests.hostapp.models import CompanyTemplate, Parcel

    ready = CompanyTemplate._default_manager.create(slug="ready", body="Order {{ number }} is ready.")
    CompanyTemplate._default_manager.create(slug="off", body="Nobody gets this.", is_active=False)
    data, parcel = {"number": 7, "company": "Shop"}, Parcel._default_manager.create()
    sent = send_template("777 123 456", "ready", data, [parcel])
    refused = send_template("777 123 456", "off", data)
    bulk = bulk_send_template("ready", [{"recipient": "777 123 457", "context_data": data, "idempotency_key": "1"}])
    assert sent is not None
    stored = OutputSMSMessage.objects.get(pk=sent.pk)
    return {
        "tables": connection.introspection.table_names(),
        "state": stored.state,
        "content": stored.content,
        "tag": stored.tag,
        "template": stored.template_id == ready.pk,
        "template_slug": stored.template_slug,
        "refused": refused is None,
        "bulk": bulk.accepted,
        "of_template": OutputSMSMessage.objects.filter(template_id=ready.pk).count(),
        "of_parcel": OutputSMSMessage.objects.filter_related_object(parcel).count(),
    }


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.hostapp.settings"
    django.setup()
    print(json.dumps(story()))  # noqa: T201
