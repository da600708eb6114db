"""docs/gateways.md says what is so: its table is what the code does, its settings pass `check`, its links lead on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.utils.module_loading import import_string

from project.local_gateways import local_gateways
from smsoffice.backend.sms.base import Gateway, SMSBackend
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.callbacks import urls as callbacks
from smsoffice.conf import conf
from smsoffice.testing import BackendContract
from tests.backend import test_contract

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "gateways.md").read_text()
CONTRACTS = [
    one for one in vars(test_contract).values() if isinstance(one, type) and one.__module__ == test_contract.__name__
]
GATEWAYS = {import_string(one.backend): one for one in CONTRACTS if issubclass(one, BackendContract)}
"""The gateways with a wire, and what the contract tests of each."""

DUMMY = import_string("smsoffice.backend.sms.dummy.DummySMSBackend")


def table() -> dict[str, dict[str, str]]:
    """The rows by the gateway's name, each by the columns' heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def examples() -> dict[str, dict[str, Any]]:
    """The settings that each gateway's section shows, by its title."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        variables = dict(re.findall(r"^    (\w+)=(.*)$", section, re.MULTILINE))
        if variables:
            found[section.splitlines()[0]] = {
                name: json.loads(value) if value.startswith("{") else value for name, value in variables.items()
            }
    return found


def test_every_gateway_has_a_row_a_section_and_can_be_run() -> None:
    titles = {backend.title() for backend in (*GATEWAYS, DUMMY)}
    assert set(table()) == titles == set(examples())
    runnable = {f"smsoffice.backend.sms.{local.backend}" for local in local_gateways("", "").values()}
    assert runnable == {backend.path() for backend in (*GATEWAYS, DUMMY)}
    for name in local_gateways("", ""):
        assert re.search(rf"GATEWAY={name}|`{name}`", PAGE)


@pytest.mark.parametrize("backend", GATEWAYS, ids=lambda backend: backend.title())
def test_the_row_says_what_the_code_does(backend: type[SMSBackend], settings: Any) -> None:
    assert issubclass(backend, Gateway)
    row, contract, instance = table()[backend.title()], GATEWAYS[backend], backend()
    calls = f"1, {backend.threads} at once" if issubclass(backend, OneByOneGateway) else str(backend.batch_size)
    assert row["messages a call"] == calls
    assert row["states by asking"].startswith("yes") == contract.tells_states
    assert row["a lost answer is found again"].startswith("yes") == contract.resolves_lost
    assert row["a lost answer is found again"].startswith("yes, by our id") == (instance.own_prefix is not None)
    has_callbacks = any(backend.__module__.rpartition(".")[2] in str(url.pattern) for url in callbacks.urlpatterns)
    assert row["status callbacks"].startswith("yes") == has_callbacks
    asked = row["states by asking"]
    per_call = 1 if asked.endswith("1 a call") else int(re.findall(r"\d+", asked)[-1])
    assert per_call in {1, instance.check_size}


@pytest.mark.parametrize("gateway", examples())
def test_the_settings_shown_are_those_of_the_gateway_and_pass_the_check(gateway: str, settings: Any) -> None:
    given = examples()[gateway]
    for name, value in given.items():
        setattr(settings, name, value)
    backend = import_string(given["PYMESS_SMS_SENDER_BACKEND"])
    assert backend.title() == gateway
    said = [message.id for message in run_checks(tags=["smsoffice"], include_deployment_checks=True)]
    assert said == ([] if backend.sends else ["smsoffice.W009"])


def test_every_key_and_setting_that_is_named_is_known() -> None:
    known = {setting.name for setting in conf} | {
        key for setting in conf if isinstance(setting.default, dict) for key in setting.default
    }
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})`", PAGE))
    assert named
    assert named <= known


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_every_link_to_a_page_of_ours_leads_there(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).is_file()] == []
