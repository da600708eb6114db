"""Who opens the pages, and what lies in them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from smsoffice.models.sms import OutputSMSMessage, SMSTemplate

VIEW, SEND, CHANGE = "view_outputsmsmessage", "add_outputsmsmessage", "change_outputsmsmessage"


def browser_of(*permissions: str, staff: bool = True, **client: Any) -> Client:
    """The browser of a user who has logged in with these permissions, each `codename` or `app_label.codename`."""
    user = User.objects.create_user(f"user-{User.objects.count()}", is_staff=staff)
    for permission in permissions:
        app, _, codename = permission.rpartition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app or "smsoffice", codename=codename))
    browser = Client(**client)
    browser.force_login(user)
    return browser


def superuser() -> Client:
    """The browser of one who may do everything."""
    browser = Client()
    browser.force_login(User.objects.create_superuser(f"root-{User.objects.count()}"))
    return browser


def a_message(**fields: Any) -> OutputSMSMessage:
    """A stored message."""
    return OutputSMSMessage.objects.create(**{"recipient": "+420777123456", "content": "Hello.", **fields})


def a_template(slug: str = "ready", body: str = "Order {{ number }} is ready.") -> SMSTemplate:
    """A stored template."""
    return SMSTemplate.objects.create(slug=slug, body=body)
