"""What something costs in statements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from django.db import connection
from django.test.utils import CaptureQueriesContext


def statements(job: Callable[[], object]) -> int:
    """How many statements `job` runs; the pieces into which Django cuts a long insert for SQLite count as one."""
    with CaptureQueriesContext(connection) as queries:
        job()
    kinds = [query["sql"].split("(")[0] for query in queries]
    return sum(1 if kind.startswith("INSERT") else len(list(same)) for kind, same in groupby(kinds))
