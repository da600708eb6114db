"""One live preview of a 700-character body, beside a bare render and measure of the same text."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from smsoffice import rendering
from smsoffice.encoding import apply_accent_policy, measure
from smsoffice.models.sms import SMSTemplate
from tests.benchmarks.harness import clocked, database, report

COUNT = 300
LOGIN = 2
"""Queries of every page of the site: the session, and whose it is."""

SENTENCE = "Dobrý den, {{ customer.name }}, objednávka č. {{ order.number }} je připravena na prodejně {{ shop }}. "
BODY = (SENTENCE * 8)[:700].rpartition(". ")[0].ljust(700, ".")
VARIABLES = [
    {"name": "customer.name", "example": "Petře", "longest": "Bartoloměji", "note": ""},
    {"name": "order.number", "example": "2026-1042", "longest": "2026-104217", "note": ""},
    {"name": "shop", "example": "Brno", "longest": "Frýdek-Místek", "note": ""},
]
DATA = {"customer": {"name": "Petře"}, "order": {"number": "2026-1042"}, "shop": "Brno"}


def operator() -> Client:
    """The browser of somebody who has the rights of an operator by name, and so costs the questions for them."""
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="smsoffice"))
    browser = Client()
    browser.force_login(user)
    return browser


def bodies(count: int) -> list[str]:
    """Bodies of 700 characters that differ, as somebody types: none of them was compiled before."""
    return [BODY[:-5] + f"{number:05d}" for number in range(count)]


def main() -> None:
    with database() as vendor, override_settings(DEBUG=False, ALLOWED_HOSTS=["testserver"]):
        stored = SMSTemplate.objects.create(slug="order-ready", body=BODY, variables=VARIABLES)
        url, browser = reverse("admin:smsoffice_smstemplate_preview"), operator()

        def ask(accept: str, **asked: Any) -> None:
            asked |= {"template": str(stored.pk)}
            assert browser.post(url, asked, "application/json", headers={"accept": accept}).status_code == 200

        kinds: dict[str, dict[str, Any]] = {
            "application/json": {"context": DATA},
            "text/html": {"variables": VARIABLES, "values": "example"},
        }
        for number, (accept, rest) in enumerate(kinds.items()):
            ask(accept, body=BODY, **rest)
            with CaptureQueriesContext(connection) as queries:
                ask(accept, body=BODY, **rest)
                own = len(queries) - LOGIN
            typed = bodies(COUNT * (number + 1))[COUNT * number :]
            with clocked() as took:
                for body in typed:
                    ask(accept, body=body, **rest)
            with clocked() as bare:
                for body in typed:
                    measure(apply_accent_policy(rendering.CompiledBody(body).render(DATA))[0])
            what = f"preview as {accept.rpartition('/')[2]}, {vendor}"
            report(what, COUNT / took[0], COUNT / bare[0], "render", "67/s")
            print(f"{'':<44} {took[0] / COUNT * 1000:>8.1f} ms a preview, {own} queries   promised 15 ms and 2 queries")
