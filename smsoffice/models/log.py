"""Reading the log, newest first, at a price that does not grow with it.

Filters leave messages of one of two kinds. Some stand in one index in the order of the list: it is walked, state by
state, and the walks are merged, as an index keeps the order within one state only. All others lie scattered: few of
them are collected and sorted; of more, walking what is in order finds a page's worth soon. Where it does not, as
all of them are old, they are collected and sorted after all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from itertools import starmap
from math import ceil
from time import monotonic
from typing import Any, NamedTuple, Self

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F, OrderBy, Q, QuerySet, Value
from django.utils.translation import gettext as _

from smsoffice.exceptions import SMSError
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

MANY = 10_000
"""Messages that are counted one by one; beyond it the list says “more than”."""

FEW = 1_000
"""The same of messages that no index has in order, as each of them has to be looked up; as many can be acted on."""

ORDER = ("-created_at", "-id")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Messages = QuerySet[OutputSMSMessage]


class TookTooLong(SMSError):
    """A question to the log was given up; the text says what to do."""


class Position(NamedTuple):
    """A place in the list: that of one message. Its text is what the addresses of pages carry."""

    created_at: datetime
    id: int

    @classmethod
    def of(cls, message: OutputSMSMessage) -> Self:
        return cls(message.created_at, message.pk)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote.

        Raises:
            ValueError: it is no position.
        """
        read = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,18})", text)
        # Beyond that year some databases and clocks give up.
        if not read or int(read[1]) * MICROSECOND >= datetime(9999, 1, 1, tzinfo=UTC) - EPOCH:
            raise ValueError(f"“{text}” is no place in the list.")
        return cls(EPOCH + int(read[1]) * MICROSECOND, int(read[2]))

    def __str__(self) -> str:
        return f"{(self.created_at - EPOCH) // MICROSECOND}-{self.id}"

    # Written so that the index is entered at the time; a row comparison would need no second half, but is not Django's.
    def older(self) -> Q:
        return Q(created_at__lte=self.created_at) & (Q(created_at__lt=self.created_at) | Q(id__lt=self.id))

    def newer(self) -> Q:
        return Q(created_at__gte=self.created_at) & (Q(created_at__gt=self.created_at) | Q(id__gt=self.id))


OLDEST = Position(EPOCH, 0)
"""Before the first message."""


class Known(Enum):
    """How well a number of messages is known."""

    EXACTLY = "exactly"
    MORE_THAN = "more than"
    ABOUT = "about"


class Count(NamedTuple):
    """How many messages there are, as far as it is known."""

    number: int
    known: Known = Known.EXACTLY


@dataclass(frozen=True)
class Found:
    """The messages that filters leave.

    Args:
        rows: those of every state.
        states: the states asked for; empty for all.
        everything: whether there is no filter at all.
        by_state: whether an index has the rows by state, and those of a state in the order of the list; of scattered
            ones, the rows and others.
        scattered: whether no index has them alone in that order.
        columns: what is read of each message; empty for all.
        walk: whether the scattered are met on a walk; else all of them are collected and sorted.
    """

    rows: Messages
    states: tuple[State, ...] = ()
    everything: bool = False
    by_state: bool = False
    scattered: bool = False
    columns: tuple[str, ...] = ()
    walk: bool = True

    @property
    def messages(self) -> Messages:
        """All of them, in no order."""
        return self.rows.filter(state__in=self.states) if self.states else self.rows

    @property
    def at_hand(self) -> Messages:
        """The same; of few scattered ones by their keys, so that they are not searched a second time."""
        if self.scattered and len(self._few) <= FEW:
            return OutputSMSMessage.objects.filter(pk__in=[place.id for place in self._few])
        return self.messages

    def count(self) -> Count:
        """Their number; exact to MANY, or to FEW."""
        if self.scattered:
            return Count(len(self._few), Known.EXACTLY) if len(self._few) <= FEW else Count(FEW, Known.MORE_THAN)
        estimate = _estimate() if self.everything else 0
        if estimate > 2 * MANY:
            return Count(estimate, Known.ABOUT)
        number = self.messages.order_by()[: MANY + 1].count()
        return Count(number) if number <= MANY else Count(MANY, Known.MORE_THAN)

    def older(self, position: Position | None, limit: int) -> list[OutputSMSMessage]:
        """The newest of those older than a position, newest first."""
        if self.scattered and len(self._few) <= FEW:
            return self._listed([one for one in self._few if not position or one < position][:limit])
        return self._in_order(position.older() if position else Q(), ORDER, limit)

    def newer(self, position: Position, limit: int) -> list[OutputSMSMessage]:
        """The oldest of those newer than a position, newest first."""
        if self.scattered and len(self._few) <= FEW:
            return self._listed([one for one in self._few if one > position][-limit:])
        order = tuple(name.removeprefix("-") for name in ORDER)
        return self._in_order(position.newer(), order, limit)[::-1]

    @cached_property
    def _few(self) -> list[Position]:
        """The places of the first that are met, sorted as the list: of all of them, if these are no more than FEW."""
        rows = self.messages.order_by().values_list("created_at", "id")[: FEW + 1]
        return sorted(starmap(Position, rows), reverse=True)

    def _listed(self, places: Sequence[Position]) -> list[OutputSMSMessage]:
        keys = [place.id for place in places]
        return list(OutputSMSMessage.objects.only(*self.columns).filter(pk__in=keys).order_by(*ORDER)) if keys else []

    def _in_order(self, place: Q, order: tuple[str, ...], limit: int) -> list[OutputSMSMessage]:
        if not self.walk:
            return list(self.messages.only(*self.columns).filter(place).order_by(*map(_sum, order))[:limit])
        walks = self._walks() if connection.features.supports_slicing_ordering_in_compound else []
        if len(walks) < 2:
            return list(self.messages.only(*self.columns).filter(place).order_by(*order)[:limit])
        first, *others = (walk.filter(place).order_by(*order)[:limit] for walk in walks)
        return list(first.union(*others, all=True).order_by(*order)[:limit])

    def _walks(self) -> list[Messages]:
        if not (self.by_state or self.states):
            return []
        return [self.rows.only(*self.columns).filter(state=state) for state in self.states or State]


def _sum(name: str) -> OrderBy:
    """The same order by a sum to which nothing is added: there is no index of it to be walked."""
    column = F(name.removeprefix("-"))
    nothing = Value(timedelta(0)) if "created_at" in name else Value(0)
    return OrderBy(column + nothing, descending=name.startswith("-"))


_ESTIMATES = {
    "postgresql": "SELECT reltuples::bigint FROM pg_class WHERE oid = '{table}'::regclass",
    # It keeps no number. Of a thousand keys between the oldest and the newest, evenly apart, so many are there as of
    # all; what is short for certain, whatever its keys, is not guessed.
    "sqlite": """
        WITH RECURSIVE
            ends (oldest, span) AS (
                SELECT oldest, (SELECT max(id) FROM {table}) - oldest + 1 FROM (SELECT min(id) AS oldest FROM {table})
            ),
            places (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM places WHERE number < 999)
        SELECT span * (
            SELECT count(*) FROM places CROSS JOIN {table} AS m ON m.id = oldest + span * (2 * number + 1) / 2000
        ) / 1000
        FROM ends WHERE EXISTS (SELECT 1 FROM {table} LIMIT 1 OFFSET {many})
    """,
}


def _estimate() -> int:
    """About how many messages there are in all, at no price; -1 or 0 where the database does not know."""
    if not (statement := _ESTIMATES.get(connection.vendor)):
        return 0
    table = connection.ops.quote_name(OutputSMSMessage._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=table, many=MANY))
        found = cursor.fetchone()
    return int(found[0]) if found else 0


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Give up what the block asks of the database when all its questions together take too long.

    Raises:
        TookTooLong: it was given up.
    """
    words = _("The search was given up after %(seconds)d seconds. Narrow it: set “Created from”, or add a filter.")
    sentence, end = words % {"seconds": ceil(seconds)}, monotonic() + seconds

    def in_time(ask: Callable[..., Any], *question: Any) -> Any:
        left = end - monotonic()
        if left <= 0:
            raise TookTooLong(sentence)
        if connection.vendor == "postgresql":
            _set_timeout(f"{ceil(left * 1000)}")
        return ask(*question)

    limited = _on_postgresql() if connection.vendor == "postgresql" else _on_sqlite(end)
    try:
        with limited, connection.execute_wrapper(in_time):
            yield
    except OperationalError as error:
        if not _was_stopped(error):
            raise
        raise TookTooLong(sentence) from error


@contextmanager
def _on_postgresql() -> Iterator[None]:
    is_of_the_caller = connection.in_atomic_block
    with transaction.atomic():
        yield
        if is_of_the_caller:
            # The caller's transaction goes on without our limit.
            _set_timeout("DEFAULT")


def _set_timeout(milliseconds: str) -> None:
    """Bound the transaction's next statement: each has the time anew, so that it is told before each what is left."""
    # Django's own cursor would ask in_time() about this one too.
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout TO {milliseconds}")


@contextmanager
def _on_sqlite(end: float) -> Iterator[None]:
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(lambda: monotonic() > end, 10_000)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _was_stopped(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == "57014" or str(error) == "interrupted"
