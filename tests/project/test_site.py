"""What every visitor of the site meets, whoever asks and whatever they ask for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.test import Client

STRICT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/admin/login/", "/healthz", "/no-such-page", "/static/admin/css/base.css"])
def test_every_answer_carries_the_strict_policy(client: Client, path: str) -> None:
    answer = client.get(path)
    assert set(answer.headers["Content-Security-Policy"].split("; ")) == STRICT
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_the_front_of_the_site_is_the_admin(client: Client) -> None:
    assert client.get("/", follow=True).redirect_chain == [("/admin/", 302), ("/admin/login/?next=/admin/", 302)]


@pytest.mark.django_db
def test_the_admin_speaks_the_browsers_language(client: Client) -> None:
    assert "Přihlášení" in client.get("/admin/login/", headers={"accept-language": "cs"}).content.decode()


@pytest.mark.django_db
def test_healthz_says_ok_while_the_database_answers(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_healthz_is_answered_without_tls_where_all_else_is_sent_to_https(client: Client, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/admin/login/").headers["Location"] == "https://testserver/admin/login/"


ASK_WITHOUT_DATABASE = """
import django, os
django.setup()
from django.test import Client
answer = Client().get("/healthz")
print(answer.status_code, answer.json()["status"])
"""


def test_healthz_says_503_while_the_database_is_away_and_keeps_the_reason_to_itself() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK_WITHOUT_DATABASE],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": "postgres://sms:hunter2@127.0.0.1:1/sms",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.stdout.strip() == "503 The database does not answer.", asked.stderr
    assert "127.0.0.1" in asked.stderr
    assert "hunter2" not in asked.stderr
