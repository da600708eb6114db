"""The office at 10,000 and at 1,000,000 messages: what its pages and its export cost, beside the stock ModelAdmin.

And accepting and sending beside 1,000,000 messages and beside none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from statistics import median

from django.contrib.auth.models import Permission, User
from django.core.cache import caches
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from tests.benchmarks import log_pages
from tests.benchmarks.harness import House, clocked, houses, tell_of_the_machine
from tests.benchmarks.log_export import export, tell_bare, verdict
from tests.benchmarks.log_pages import BARE, SLOW, Page, pages
from tests.benchmarks.log_rows import fill
from tests.benchmarks.log_sending import compare

FEW, MANY = 10_000, 1_000_000
ROUNDS = 9
MOST_MS, MOST_QUERIES, MOST_GROWTH = 60, 12, 1.5
"""What is promised of every page, and how much slower it may be at MANY than at FEW."""


@dataclass
class Office:
    """A house with so many messages, and somebody who looks at them."""

    house: House
    count: int
    client: Client = field(default_factory=Client)

    def furnish(self) -> None:
        """Fill it, and log in who has the rights of an operator by name, and so costs the questions for them."""
        self.house.enter()
        with clocked() as took:
            fill(self.count)
        user = User.objects.create_user("operator", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["smsoffice", "demo"]))
        self.client.force_login(user)
        print(f"{self.count:,} messages were written in {took[0]:.0f} s.", flush=True)

    def enter(self) -> None:
        """Go in; what another office remembers is of no use here."""
        self.house.enter()
        caches["default"].key_prefix = str(self.count)

    def milliseconds(self, page: Page, url: str) -> float:
        """Server time of a page, its template included; what came before it not."""
        page.before()
        started = time.perf_counter()
        answer = self.client.get(url)
        took = (time.perf_counter() - started) * 1000
        assert answer.status_code == 200, (url, answer.status_code)
        return took

    def queries(self, page: Page) -> int:
        """Its statements."""
        page.before()
        with CaptureQueriesContext(connection) as queries:
            self.client.get(page.url)
        return len(queries)


@dataclass
class Cost:
    """What one page costs in one office: our page several times, the stock one once, as that may take seconds."""

    office: Office
    page: Page
    took: list[float] = field(default_factory=list)
    stock: float = 0.0
    queries: int = 0

    def measure(self) -> None:
        self.office.enter()
        # The one before it warms what nobody remembers for long: plans, and what is offered to choose from.
        self.office.milliseconds(self.page, self.page.url)
        self.took.append(self.office.milliseconds(self.page, self.page.url))
        if not self.queries:
            self.queries = self.office.queries(self.page)
            self.stock = self.office.milliseconds(self.page, self.page.stock) if self.page.stock else 0.0

    @property
    def milliseconds(self) -> float:
        """In the middle of all times."""
        return median(self.took)


def costs(small: Office, large: Office) -> Iterator[tuple[Cost, Cost]]:
    """What each page costs in both, asked in turn, so that both meet the same moods of the machine."""
    both = [
        (Cost(small, of_small), Cost(large, of_large))
        for of_small, of_large in zip(pages(small.count), pages(large.count), strict=True)
    ]
    for _round in range(ROUNDS):
        for cost in chain.from_iterable(both):
            cost.measure()
    yield from both


def table(found: Iterator[tuple[Cost, Cost]]) -> None:
    """A line for each page, and whether it keeps what was promised."""
    heads = f"{'10,000':>9} {'1,000,000':>10} {'ratio':>6} {'queries':>8} {'stock at 10,000':>16} {'at 1,000,000':>13}"
    print(f"{'ms of server time':<28} {heads}")
    for few, many in found:
        growth, queries = many.milliseconds / few.milliseconds, max(few.queries, many.queries)
        holds = many.milliseconds <= MOST_MS and queries <= MOST_QUERIES and growth <= MOST_GROWTH
        said = {SLOW: "bounded apart", BARE: ""}.get(many.page.name, verdict(holds))
        beside = f"{few.stock:>16.0f} {many.stock:>13.0f}" if many.page.stock else ""
        print(
            f"{many.page.name:<28} {few.milliseconds:>9.1f} {many.milliseconds:>10.1f} {growth:>6.2f} {queries:>8}"
            f" {beside:<30}   {said}"
        )


def main() -> None:
    if connection.vendor != "postgresql":
        print("log: measured on PostgreSQL only; SQLite is for small sites. Set DATABASE_URL.")
        return
    with houses(3) as (empty, few, many), override_settings(DEBUG=False, ROOT_URLCONF=log_pages.__name__):
        small, large = Office(few, FEW), Office(many, MANY)
        small.furnish()
        large.furnish()
        tell_of_the_machine()
        table(costs(small, large))
        tell_of_the_machine()
        large.enter()
        tell_bare(100_000)
        export(large.client, MANY, "csv")
        export(large.client, MANY, "xlsx")
        compare(empty, many)
