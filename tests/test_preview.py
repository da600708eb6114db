"""The values that a template is shown with: out of its declared variables, nested as the template reads them."""

from __future__ import annotations

from typing import Any

import pytest

from smsoffice.preview import declared, example_data, nested

NESTED = {
    "plain": ({"name": "Jana"}, {"name": "Jana"}),
    "dotted": ({"order.number": 7, "order.total": "1290"}, {"order": {"number": 7, "total": "1290"}}),
    "a list": ({"items.0.name": "Mug", "items.1.name": "Cup"}, {"items": [{"name": "Mug"}, {"name": "Cup"}]}),
    "no list without its first": ({"items.1": "Cup"}, {"items": {"1": "Cup"}}),
    "ten and more": (
        {f"items.{place}": place for place in range(12)},
        {"items": list(range(12))},
    ),
    "a value and a group": ({"order": "x", "order.number": 7}, {"order": {"number": 7}}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize(("values", "data"), NESTED.values(), ids=NESTED)
def test_names_with_dots_become_the_groups_that_a_template_reads(values: dict[str, Any], data: dict[str, Any]) -> None:
    assert nested(values) == data
    assert nested(dict(reversed(values.items()))) == data


def test_the_longest_values_stand_in_for_examples_and_examples_for_them() -> None:
    variables = [
        {"name": "both", "example": "Jan", "longest": "Bartoloměj"},
        {"name": "example", "example": "Brno", "longest": ""},
        {"name": "longest", "example": "", "longest": "Frýdek-Místek"},
        {"name": "neither", "example": "", "longest": ""},
        {"name": "number", "example": 0},
    ]
    assert example_data(variables) == {"both": "Jan", "example": "Brno", "longest": "Frýdek-Místek", "number": 0}
    assert example_data(variables, longest=True)["both"] == "Bartoloměj"


ODD: list[object] = [None, {}, "text", [1, None, "x"], [{"name": 7}], [{"name": ""}], [{"name": "x" * 101}]]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_declaration_is_passed_over(odd: object) -> None:
    assert declared(odd) == []
    assert example_data(odd) == {}
