"""A host's own template model, in a process of its own: from an empty database to a message and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def database_url(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """An empty database of the kind that the suite runs on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'host.sqlite3'}"
        return
    at, name = connection.settings_dict, f"host_{os.getpid()}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT'] or 5432}/{name}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def run(database_url: str) -> Run:
    """Run Python with the host's settings."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.hostapp.settings"}
        done = subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def test_a_hosts_own_template_model_is_migrated_from_zero_sends_and_is_unmigrated(run: Run) -> None:
    run("-m", "django", "migrate", "--verbosity=0")
    told = json.loads(run("-m", "tests.hostapp.story").stdout)

    assert "hostapp_companytemplate" in told["tables"]
    assert "smsoffice_smstemplate" not in told["tables"]
    assert told["content"] == "Order 7 is ready. Your Shop."
    assert (told["template"], told["template_slug"], told["tag"]) == (True, "ready", "company")
    assert told["state"] == "DEBUG"
    assert told["refused"]
    assert told["bulk"] == 1
    assert told["of_template"] == 2
    assert told["of_parcel"] == 1

    run("-m", "django", "migrate", "smsoffice", "zero", "--verbosity=0")


def test_a_host_with_its_own_template_model_has_no_migration_to_make_and_nothing_to_mend(run: Run) -> None:
    run("-m", "django", "makemigrations", "--check", "--dry-run")
    assert "no issues" in run("-m", "django", "check").stdout
