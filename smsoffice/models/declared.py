"""What an operator may declare of a template's variables, typed into the editor or brought by a file."""

from __future__ import annotations

import math
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from smsoffice.models.common import storable
from smsoffice.preview import LONGEST_NAME

MAX_VARIABLES = 50
LONGEST_VALUE = 1000

_NAME = re.compile(r"[^\W\d_]\w*(\.\w+)*")


def clean_declared(rows: object) -> list[dict[str, Any]]:
    """The declared variables as the column keeps them; rows in which nothing is written are left out.

    Raises:
        ValidationError: they are no list of such rows; the text names the row.
    """
    if not isinstance(rows, list):
        raise ValidationError(_("Write the variables as a list."))
    if len(rows) > MAX_VARIABLES:
        raise ValidationError(_("At most %(most)d variables can be declared.") % {"most": MAX_VARIABLES})
    clean = [_clean_row(number, row) for number, row in enumerate(rows, start=1)]
    named = [row for row in clean if any(value != "" for value in row.values())]
    _refuse_doubles([row["name"] for row in named])
    return named


def _clean_row(number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValidationError(_("Variable %(number)d: write it as a group of values.") % {"number": number})
    clean = {key: _clean_value(number, row.get(key)) for key in ("name", "example", "longest", "note")}
    clean["name"], clean["note"] = str(clean["name"]).strip(), str(clean["note"]).strip()
    if any(value != "" for value in clean.values()) and not _may_be_named(str(clean["name"])):
        words = _("Variable %(number)d: “%(name)s” is no name. Write letters, digits and “_”, with dots between.")
        raise ValidationError(words % {"number": number, "name": clean["name"]})
    return clean


def _may_be_named(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and len(name) <= LONGEST_NAME and name.count(".") < 5


def _clean_value(number: int, value: Any) -> str | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    if value is not None and not isinstance(value, str):
        raise ValidationError(_("Variable %(number)d: write its values as texts or numbers.") % {"number": number})
    if len(value or "") > LONGEST_VALUE:
        words = _("Variable %(number)d: a value has at most %(most)d characters.")
        raise ValidationError(words % {"number": number, "most": LONGEST_VALUE})
    return str(storable(value or ""))


def _refuse_doubles(names: list[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValidationError(_("“%(name)s” is declared twice.") % {"name": name})
        if group := next((other for other in names if other.startswith(f"{name}.")), None):
            words = _("“%(name)s” cannot have a value, as “%(other)s” makes it a group. Remove one of them.")
            raise ValidationError(words % {"name": name, "other": group})
