"""What is exported of a message, and under which headings: defined once, for both formats, page and command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Expression, QuerySet
from django.db.models.functions import TruncSecond
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import Resource

from smsoffice.backend.sms.titles import gateway_title
from smsoffice.models.log import ORDER
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

CHUNK = 2_000
"""Rows that are fetched at a time."""

Cell = str | int | datetime
Show = Callable[[Any], Cell]


def _as_is() -> Show:
    def as_is(value: Any) -> Cell:
        return "" if value is None else value

    return as_is


def _words() -> Show:
    """Words that the program wrote, in the reader's language, which is no longer in force when the rows are made."""
    language = get_language()

    @cache
    def translated(words: str) -> str:
        with override(language):
            return said(words)

    return translated


def _state() -> Show:
    labels = {state.value: str(state.label) for state in State}

    def label(state: str) -> str:
        return labels.get(state, state)

    return label


def _gateway() -> Show:
    return gateway_title


class _OnTheClock(TruncSecond):
    """A time of the site's clock, to the second, told by the database: to read one with its zone takes Django longer
    than all the rest of a row.
    """

    def convert_value(self, value: datetime | None, expression: Any, connection: Any) -> datetime | None:
        # PostgreSQL gives no zone; what SQLite gives is read as of UTC, which it is not.
        return value.replace(tzinfo=None) if value and value.tzinfo else value


class Column(Field):  # type: ignore[misc]  # import-export has no types
    """A column of the file.

    Args:
        attribute: the model's field.
        heading: what stands above it.
        show: makes what turns the stored value into a cell, once for each file.
    """

    def __init__(self, attribute: str, heading: Any, show: Callable[[], Show] = _as_is) -> None:
        super().__init__(attribute, heading, readonly=True)
        self.show = show

    def stored(self) -> str | Expression:
        """What is asked of the database."""
        return self.attribute  # type: ignore[no-any-return]


class Moment(Column):
    """A column of times."""

    def stored(self) -> Expression:
        return _OnTheClock(self.attribute, tzinfo=get_current_timezone())


class MessageResource(Resource):  # type: ignore[misc]
    """The columns, in their order."""

    created = Moment("created_at", _("Created"))
    recipient = Column("recipient", _("Recipient"))
    text = Column("content", _("Text"))
    state = Column("state", _("State"), _state)
    error = Column("error", _("Reason"), _words)
    template = Column("template_slug", _("Template"))
    tag = Column("tag", _("Tag"))
    gateway = Column("backend", _("Gateway"), _gateway)
    parts = Column("segments", _("Parts"))
    sent = Moment("sent_at", _("Handed over"))
    id = Column("id", _("ID"))
    sender = Column("sender", _("Sender"))
    reference = Column("external_id", _("Gateway's reference"))
    attempts = Column("send_attempts", _("Attempts"))
    send_after = Moment("send_after", _("Send after"))
    expires = Moment("expires_at", _("Not later than"))
    bulk_send = Column("batch__title", _("Bulk send"))
    resend_of = Column("resend_of_id", _("Resend of"))


USUAL = ("created", "recipient", "text", "state", "error", "template", "tag", "gateway", "parts", "sent")
"""The columns of which nobody chose others."""


def columns() -> dict[str, str]:
    """All columns by name, with their headings."""
    return {name: str(column.column_name) for name, column in MessageResource.fields.items()}


def headings(names: Sequence[str]) -> list[str]:
    """The headings of some columns."""
    known = columns()
    return [known[name] for name in names]


def rows(messages: QuerySet[OutputSMSMessage], names: Sequence[str]) -> Iterator[list[list[Cell]]]:
    """The cells of messages, newest first, in chunks; closing the iterator early leaves nothing open.

    Args:
        names: of the columns, in their order.
    """
    chosen = [MessageResource.fields[name] for name in names]
    found = messages.order_by(*ORDER).values_list(*(column.stored() for column in chosen))
    return _chunks(found, [column.show() for column in chosen])


def _chunks(found: QuerySet[Any, Any], shows: Sequence[Show]) -> Iterator[list[list[Cell]]]:
    with _one_view(), closing(found.iterator(CHUNK)) as stored:  # type: ignore[type-var]  # it is a generator
        while chunk := [[show(value) for show, value in zip(shows, row, strict=True)] for row in islice(stored, CHUNK)]:
            yield chunk


def _one_view() -> AbstractContextManager[Any]:
    """A transaction where a cursor streams within one only; SQLite's would keep writers out all the while."""
    return transaction.atomic() if connection.vendor == "postgresql" else nullcontext()
