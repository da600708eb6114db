"""Every address of the admin that is ours, walked by everybody: anonymous, staff without rights, each right alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone

from smsoffice.models.batch import Batch
from smsoffice.models.cancellation import Cancellation
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from smsoffice.states import State
from tests.admin.people import browser_of
from tests.factories import message, template

pytestmark = pytest.mark.django_db

VIEW, SEND, CHANGE, EXPORT = (f"{name}_outputsmsmessage" for name in ("view", "add", "change", "export"))
READ_T, ADD_T, CHANGE_T, DELETE_T = (f"{name}_smstemplate" for name in ("view", "add", "change", "delete"))
RIGHTS = (VIEW, SEND, CHANGE, EXPORT, READ_T, ADD_T, CHANGE_T, DELETE_T, "view_gatewaystatus")

CLOSED = {403, 405}
"""Answers that give nothing: not allowed, or not by this method."""

NOBODY: frozenset[str] = frozenset()

# Who may change may view, by Django's own rule.
OPENED_BY: dict[str, frozenset[str]] = {
    "smsoffice_outputsmsmessage_changelist": frozenset({VIEW, CHANGE}),
    "smsoffice_outputsmsmessage_add": frozenset({SEND}),
    "smsoffice_outputsmsmessage_history": frozenset({VIEW, CHANGE}),
    "smsoffice_outputsmsmessage_change": frozenset({VIEW, CHANGE}),
    "smsoffice_outputsmsmessage_delete": NOBODY,
    "smsoffice_outputsmsmessage_check": frozenset({CHANGE}),
    "smsoffice_outputsmsmessage_settle": frozenset({CHANGE}),
    "smsoffice_outputsmsmessage_cancel": frozenset({CHANGE}),
    "smsoffice_outputsmsmessage_cancel_many": frozenset({CHANGE}),
    "smsoffice_outputsmsmessage_cancellation": frozenset({CHANGE}),
    # To resend is to send what one may see.
    "smsoffice_outputsmsmessage_resend": NOBODY,
    "smsoffice_outputsmsmessage_resend_many": NOBODY,
    "smsoffice_outputsmsmessage_choose_failed": NOBODY,
    "smsoffice_outputsmsmessage_resend_all": NOBODY,
    "smsoffice_outputsmsmessage_summary": frozenset({SEND}),
    "smsoffice_outputsmsmessage_refused": frozenset({SEND}),
    # To export, or to download, is to take away what one may see.
    "smsoffice_outputsmsmessage_export": NOBODY,
    "smsoffice_batch_changelist": frozenset({VIEW, CHANGE}),
    "smsoffice_batch_change": frozenset({VIEW, CHANGE}),
    "smsoffice_batch_history": frozenset({VIEW, CHANGE}),
    # Who may start one may stop one.
    "smsoffice_batch_stop": frozenset({SEND, CHANGE}),
    "smsoffice_batch_refused": NOBODY,
    "smsoffice_batch_add": NOBODY,
    "smsoffice_batch_delete": NOBODY,
    "smsoffice_gatewaystatus_changelist": frozenset({"view_gatewaystatus"}),
    "smsoffice_gatewaystatus_change": frozenset({"view_gatewaystatus"}),
    "smsoffice_gatewaystatus_history": frozenset({"view_gatewaystatus"}),
    "smsoffice_gatewaystatus_add": NOBODY,
    "smsoffice_gatewaystatus_delete": NOBODY,
    "smsoffice_smstemplate_changelist": frozenset({READ_T, CHANGE_T}),
    "smsoffice_smstemplate_add": frozenset({ADD_T}),
    "smsoffice_smstemplate_change": frozenset({READ_T, CHANGE_T}),
    "smsoffice_smstemplate_history": frozenset({READ_T, CHANGE_T}),
    "smsoffice_smstemplate_delete": frozenset({DELETE_T}),
    "smsoffice_smstemplate_preview": frozenset({READ_T, ADD_T, CHANGE_T}),
    "smsoffice_smstemplate_export": frozenset({READ_T, CHANGE_T}),
    # It takes the right to add and the right to change.
    "smsoffice_smstemplate_import": NOBODY,
    "smsoffice_smstemplate_process_import": NOBODY,
}


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Our named addresses of the admin."""
    for model in admin.site._registry:
        if model._meta.app_label == "smsoffice":
            yield from _named(admin.site._registry[model].urls)


def _named(patterns: list[Any]) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _named(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name, pattern


NAMES = sorted({name for name, _ in addresses()})


@pytest.fixture
def stored(db: None) -> dict[str, Any]:
    """A row of each kind, by the start of the addresses that lead to it."""
    return {
        "smsoffice_outputsmsmessage": message(State.ERROR),
        "smsoffice_batch": Batch.objects.create(title="Voucher", status=Batch.Status.PAUSED),
        "smsoffice_smstemplate": template(),
        "cancellation": Cancellation.objects.create(total=1, keys=[0], started_at=timezone.now()),
    }


def address_of(name: str, stored: dict[str, Any]) -> str:
    """The address with this name, of a row that is there where it needs one."""
    from smsoffice.models.gateway import GatewayStatus

    pattern = dict(addresses())[name].pattern
    rows = {**stored, "smsoffice_gatewaystatus": GatewayStatus.of("tests.backends.ScriptedGateway")}
    row = rows[
        name.rpartition("_")[0] if name.rpartition("_")[0] in rows else next(k for k in rows if name.startswith(k))
    ]
    arguments = {argument: _value(argument, row, stored) for argument in pattern.converters}
    return reverse(f"admin:{name}", kwargs=arguments)


def _value(argument: str, row: Any, stored: dict[str, Any]) -> Any:
    if "batch" in argument or "uuid" in argument or "token" in argument:
        return stored["smsoffice_batch"].pk
    if "cancellation" in argument:
        return stored["cancellation"].pk
    return row.pk


def test_the_table_knows_every_address() -> None:
    assert set(NAMES) == set(OPENED_BY)


def statuses(browser: Client, address: str) -> set[int]:
    return {browser.get(address).status_code, browser.post(address, {}).status_code}


@pytest.mark.parametrize("name", NAMES)
def test_who_is_not_logged_in_is_asked_to_log_in(name: str, stored: dict[str, Any]) -> None:
    address = address_of(name, stored)
    for response in (Client().get(address), Client().post(address)):
        assert response.status_code == 302
        assert "/login/" in response["Location"]


@pytest.mark.parametrize("name", NAMES)
def test_staff_without_rights_get_nowhere(name: str, stored: dict[str, Any]) -> None:
    assert statuses(browser_of(), address_of(name, stored)) <= CLOSED


@pytest.mark.parametrize("right", RIGHTS)
def test_each_right_alone_opens_its_own_addresses(right: str, stored: dict[str, Any]) -> None:
    browser = browser_of(right)
    opened = {name for name in NAMES if not statuses(browser, address_of(name, stored)) <= CLOSED}
    assert opened == {name for name in NAMES if right in OPENED_BY.get(name, NOBODY)}


@pytest.mark.parametrize(
    ("rights", "opened"),
    [
        ((VIEW, SEND), {"smsoffice_outputsmsmessage_resend", "smsoffice_outputsmsmessage_resend_many"}),
        ((VIEW, EXPORT), {"smsoffice_outputsmsmessage_export", "smsoffice_batch_refused"}),
        ((ADD_T, CHANGE_T), {"smsoffice_smstemplate_import", "smsoffice_smstemplate_process_import"}),
    ],
)
def test_what_takes_two_rights_opens_with_both(
    rights: tuple[str, ...], opened: set[str], stored: dict[str, Any]
) -> None:
    browser = browser_of(*rights)
    assert all(not statuses(browser, address_of(name, stored)) <= CLOSED for name in opened)


def test_a_walk_with_every_right_alone_changed_nothing(stored: dict[str, Any]) -> None:
    for right in RIGHTS:
        browser = browser_of(right)
        for name in NAMES:
            browser.get(address_of(name, stored))
    assert OutputSMSMessage.objects.count() == 1
    assert SMSTemplate.objects.count() == 1
    assert Batch.objects.get().status == Batch.Status.PAUSED
