"""Rows that an operator chose in a list: carried through the pages in one signed field, fixed when they were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from django.core import signing
from django.http import HttpRequest

AT_ONCE = 1000
"""Messages that are acted on in one go."""

SALT = "smsoffice.chosen"


def sealed(keys: Iterable[int]) -> str:
    """The value of the hidden field."""
    return signing.dumps(sorted(keys), salt=SALT, compress=True)


def chosen(request: HttpRequest) -> list[int] | None:
    """The keys that were sealed into the form's field `chosen`; None where it is missing or was changed."""
    try:
        keys: list[int] = signing.loads(request.POST.get("chosen", ""), salt=SALT)
    except signing.BadSignature:
        return None
    return keys
