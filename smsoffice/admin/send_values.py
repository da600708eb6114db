"""The variables of a template, as the send page asks for their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from smsoffice import rendering
from smsoffice.exceptions import SMSError
from smsoffice.models.sms import AbstractSMSTemplate
from smsoffice.preview import declared


def variables_of(template: AbstractSMSTemplate) -> Iterator[tuple[str, str]]:
    """The declared variables with their hints, then those that the text uses without a declaration."""
    names: list[str] = []
    for variable in declared(template.variables):
        if variable["name"] not in names:
            names.append(variable["name"])
            yield variable["name"], _hint_of(variable)
    for name in _used_by(template):
        if not _is_declared(name, names):
            yield name, ""


def _hint_of(variable: Mapping[str, Any]) -> str:
    note, example = str(variable.get("note") or ""), variable.get("example")
    hints = [note] if example in (None, "") else [note, gettext("e.g. %s") % example]
    return ", ".join(filter(None, hints))


def _used_by(template: AbstractSMSTemplate) -> list[str]:
    try:
        return [use.name for use in rendering.variables(template.get_body())]
    except SMSError:
        # A broken text, or a host's own language: what is wrong with it is said elsewhere.
        return []


def _is_declared(name: str, names: Sequence[str]) -> bool:
    """Whether it, the group that it is in, or a part of it is declared."""
    return any(name == one or name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in names)
