"""Rows that an operator chose in a list: carried through the pages in one signed field, fixed when they were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest

from smsoffice.models.log import at_most
from smsoffice.models.sms import OutputSMSMessage

AT_ONCE = 1000
"""Messages that are acted on in one go; more of them are fixed in the database, and acted on in the background."""

PATIENCE = 15
"""Seconds after which finding the messages of an action is given up: less than the patience of web servers."""

SALT = "smsoffice.chosen"


def keys_of(messages: QuerySet[OutputSMSMessage]) -> list[int]:
    """The keys of chosen messages, in no order; one more than AT_ONCE where they are too many.

    Raises:
        TookTooLong: their filters are too slow.
    """
    with at_most(PATIENCE):
        return list(messages.order_by().values_list("pk", flat=True)[: AT_ONCE + 1])


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
