"""README.md says what is so: its settings are the program's, its code runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from project.demo.models import Customer, Order
from smsoffice.backend.sms import dummy
from smsoffice.conf import Setting, conf
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def shown(default: Any) -> str:
    """A default as an administrator would write it."""
    if isinstance(default, dict):
        return f"`{json.dumps({key: value for key, value in default.items() if value not in ('', None)})}`"
    return {None: "none", "": "empty", False: "`0`", True: "`1`"}.get(default, f"`{default}`")


@pytest.mark.parametrize("setting", list(conf), ids=lambda setting: setting.name)
def test_every_setting_stands_in_the_table_with_its_default_and_meaning(setting: Setting[Any]) -> None:
    assert f"| `{setting.name}` | {shown(setting.default)} | {setting.meaning} |" in README.splitlines()


def test_the_table_has_no_setting_that_the_program_does_not_know() -> None:
    assert set(re.findall(r"PYMESS_\w*\w", README)) - {setting.name for setting in conf} == set()


def test_every_variable_of_the_site_stands_in_the_table() -> None:
    source = (ROOT / "project" / "settings.py").read_text()
    read = set(re.findall(r'os\.environ(?:\.get\(|, )"(\w+)"', source))
    assert read
    assert [name for name in sorted(read) if f"| `{name}` |" not in README] == []


def test_the_states_are_all_told() -> None:
    assert [state for state in State if f"| {state} |" not in README] == []


@pytest.mark.django_db(transaction=True)
def test_the_code_runs_as_it_stands(settings: Any) -> None:
    settings.DEBUG = True
    settings.PYMESS_SMS_SENDER_BACKEND = dummy.DummySMSBackend.path()
    call_command("load_demo", verbosity=0)
    (code,) = re.findall(r"## In code\n\n```python\n(.*?)```", README, re.DOTALL)
    order = Order.objects.select_related("customer").first()
    assert order
    about_it = OutputSMSMessage.objects.filter_related_object(order).count()

    known: dict[str, Any] = {"order": order, "customer": order.customer, "customers": Customer.objects.all()}
    exec(code, known)
    assert known["result"].accepted == Customer.objects.count()
    assert known["result"].refused == []
    assert OutputSMSMessage.objects.filter_related_object(order).count() == about_it + 2
