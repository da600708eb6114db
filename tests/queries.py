"""What something costs in statements, by what they find their rows, and statements that cost time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from time import sleep

from django.db import connection
from django.test.utils import CaptureQueriesContext


def statements(job: Callable[[], object]) -> int:
    """How many statements `job` runs; the pieces into which Django cuts a long insert for SQLite count as one."""
    with CaptureQueriesContext(connection) as queries:
        job()
    kinds = [query["sql"].split("(")[0] for query in queries]
    return sum(1 if kind.startswith("INSERT") else len(list(same)) for kind, same in groupby(kinds))


def only_by_indexes() -> None:
    """Let PostgreSQL choose as it would with a million rows. SQLite is not told what is in the table: nobody does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE smsoffice_outputsmsmessage")
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")


def asleep(seconds: float) -> None:
    """A statement that takes so long."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.create_function("pg_sleep", 1, sleep)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
