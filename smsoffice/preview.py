"""How a text will look on the phone: what every page that shows one shows, and the values that it is shown with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smsoffice.encoding import Encoding, Measured, Replacement, apply_accent_policy, measure

LONGEST_NAME = 100
"""How many characters the name of a variable may have."""


@dataclass(frozen=True, slots=True)
class Look:
    """A rendered text as it will be sent: the text, its segments, and what was replaced in it."""

    content: str
    measured: Measured
    replaced: list[Replacement]

    @property
    def parts(self) -> int:
        """How many segments the gateway counts."""
        return len(self.measured.segments)

    @property
    def capacity(self) -> int:
        """Units that its segments hold together."""
        return self.measured.capacity * self.parts

    @property
    def is_plain(self) -> bool:
        """Whether it is sent in GSM-7."""
        return self.measured.encoding is Encoding.GSM7


def look_at(text: str) -> Look:
    """The look of a rendered text under PYMESS_SMS_USE_ACCENT."""
    content, replaced = apply_accent_policy(text)
    return Look(content, measure(content), replaced)


def look_at_sent(content: str) -> Look:
    """The look of a message's stored text, whatever the settings are now."""
    return Look(content, measure(content), [])


def example_data(variables: object, *, longest: bool = False) -> dict[str, Any]:
    """The data that a template is shown with: the examples of its declared variables, or the longest of their values.

    Args:
        variables: `AbstractSMSTemplate.variables`, as stored or as somebody is just typing them.
        longest: whether the worst case is wanted. A variable with one of the two values only is shown with that one.
    """
    order = ("longest", "example") if longest else ("example", "longest")
    values: dict[str, Any] = {}
    for variable in declared(variables):
        given = next((variable[kind] for kind in order if variable.get(kind) not in (None, "")), None)
        if given is not None:
            values[variable["name"]] = given
    return nested(values)


def declared(variables: object) -> list[dict[str, Any]]:
    """Those of the declared variables that have a name, whatever else was written into the column."""
    rows = [row for row in variables if isinstance(row, dict)] if isinstance(variables, list) else []
    return [row for row in rows if isinstance(row.get("name"), str) and 0 < len(row["name"]) <= LONGEST_NAME]


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by their names as a template reads them: `{"order.number": 7}` becomes `{"order": {"number": 7}}`.

    Parts that count from 0 make a list. Where a name has a value and is a group too, it is the group.
    """
    tree: dict[str, Any] = {}
    for name in sorted(values, key=lambda name: name.count("."), reverse=True):
        *groups, last = name.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place.setdefault(last, values[name])
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if list(map(str, range(len(value)))) == sorted(value, key=lambda key: (len(key), key)):
        return [_listed(value[str(place)]) for place in range(len(value))]
    return {name: _listed(one) for name, one in value.items()}
