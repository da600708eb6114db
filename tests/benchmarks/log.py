"""The log at 10,000 and at 1,000,000 messages: what its pages and its export cost, beside the stock ModelAdmin."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from project.urls import urlpatterns as of_the_site
from smsoffice.export.columns import USUAL
from smsoffice.models.log import OLDEST
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.harness import database

FEW, MANY = 10_000, 1_000_000
TIMES = 7
MOST_MS, MOST_QUERIES, MOST_GROWTH = 60, 12, 1.5
"""What is promised of every page, and how much slower it may be at MANY than at FEW."""

LIST = "/admin/smsoffice/outputsmsmessage/"
STOCK = "/stock/smsoffice/outputsmsmessage/"
SLOW = "words in the text"
"""What no index knows: it is promised an end, not a speed."""

ATS = "smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend"
SNS = "smsoffice.backend.sms.sns.SNSSMSBackend"


class Page(NamedTuple):
    """A page that is measured: what it is called, its address, and that of the stock page that answers the same."""

    name: str
    url: str
    stock: str = ""


class StockAdmin(ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The log as Django draws it by itself."""

    list_display = ("created_at", "recipient", "content", "state", "template_slug", "tag", "backend")
    list_filter = ("state",)
    search_fields = ("recipient", "content")
    ordering = ("-created_at",)
    list_per_page = 50


stock_site = AdminSite("stock")
stock_site.register(OutputSMSMessage, StockAdmin)
urlpatterns = [path("stock/", stock_site.urls), *of_the_site]


def pages(count: int) -> list[Page]:
    """The pages of a log of so many messages."""

    def log(**query: str | list[str]) -> str:
        return f"{LIST}?{urlencode(query, doseq=True)}"

    def stock(**query: str) -> str:
        return f"{STOCK}?{urlencode(query)}"

    middle = "2026-06-01 12:00"
    return [
        Page("list", LIST, STOCK),
        Page("last page", log(newer=str(OLDEST)), stock(p=str(count // 50))),
        Page("state, common", log(state="DELIVERED"), stock(state="DELIVERED")),
        Page("state, rare", log(state="UNKNOWN"), stock(state="UNKNOWN")),
        Page("states, rare and common", log(state=["UNKNOWN", "ERROR"]), stock(state__in="UNKNOWN,ERROR")),
        Page("tag, common", log(tag="december"), stock(tag="december")),
        Page("tag, rare", log(tag="vip"), stock(tag="vip")),
        Page("state + tag", log(state="ERROR", tag="december"), stock(state="ERROR", tag="december")),
        Page("state + tag, none", log(state="SENT", tag="vip"), stock(state="SENT", tag="vip")),
        Page("template, common", log(template="order-ready"), stock(template_slug="order-ready")),
        Page("template, rare, + states", log(template="gone", state=["ERROR", "UNKNOWN"]), stock(template_slug="gone")),
        Page("tag + template", log(tag="december", template="order-ready"), stock(tag="december")),
        Page("gateway, common", log(backend=ATS), stock(backend=ATS)),
        Page("gateway, rare", log(backend=SNS), stock(backend=SNS)),
        Page("gateway + state", log(backend=ATS, state="ERROR"), stock(backend=ATS, state="ERROR")),
        Page("number", log(recipient="601 004 711"), stock(q="+420601004711")),
        Page("number, its beginning", log(recipient="+420 601 0"), stock(q="+4206010")),
        Page("number, a short beginning", log(recipient="+420 60"), stock(q="+42060")),
        Page("beginning + state", log(recipient="+420 60", state="ERROR"), stock(q="+42060", state="ERROR")),
        Page("created from, before", log(created_after="2026-03-01", created_before=middle)),
        Page("handed over, three days", log(sent_after="2026-06-01", sent_before="2026-06-03 21:00")),
        Page("handed over before", log(sent_before=middle)),
        Page("belongs to one", log(related_object_type="auth.user", related_object_id="1")),
        Page("belongs to a rare type", log(related_object_type="auth.group")),
        Page("belongs to a common type", log(related_object_type="auth.user")),
        Page("reason, common", log(error="does not exist")),
        Page("reason, rare", log(error="refused by the network")),
        Page(SLOW, log(text="objednavka c. 777 ")),
    ]


RARE = 60
"""Messages of each rare kind, in the small log as in the large: the oldest ones, to which no walk comes soon."""


def fill(count: int) -> None:
    """So many messages of the year 2026, each related to an object."""
    rare, newest_rare = f"i > {count - RARE}", f"i <= {50 * RARE}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO smsoffice_outputsmsmessage (created_at, changed_at, recipient, sender, content, template_slug,
                state, backend, error, tag, extra_data, extra_sender_data, external_id, segments, encoding, priority,
                due_at, send_attempts, sent_at)
            SELECT moment, moment, '+42060' || (i % 10) || lpad((i::bigint * 7919 % 1000000)::text, 6, '0'), '',
                'Dobry den, objednavka c. ' || i || ' je pripravena k vyzvednuti na prodejne Brno.',
                CASE WHEN {rare} THEN 'gone' WHEN i % 3 = 0 THEN 'order-ready' ELSE '' END,
                CASE WHEN {rare} THEN 'UNKNOWN' WHEN i % 50 = 3 THEN 'ERROR' WHEN i % 20 = 4 THEN 'SENT'
                    ELSE 'DELIVERED' END,
                CASE WHEN {rare} THEN '{SNS}' ELSE '{ATS}' END,
                CASE WHEN i % 50 <> 3 THEN '' WHEN {newest_rare} THEN 'It was refused by the network.'
                    ELSE 'The number does not exist.' END,
                CASE WHEN {rare} THEN 'vip' WHEN i % 10 = 3 THEN 'december' ELSE '' END,
                '{{}}', '{{}}', 'r' || i, 1, 'GSM-7', 0, moment, 1, moment + interval '1 second'
            FROM (SELECT i, timestamptz '2026-11-01' - i * interval '300 days' / {count} AS moment
                FROM generate_series(1, {count}) AS i) AS numbers
            """
        )
        # The keys are those of the numbers above: the newest message has 1. Each object has sixty messages.
        cursor.execute(
            f"""
            INSERT INTO smsoffice_outputsmsrelatedobject
                (created_at, changed_at, output_sms_message_id, content_type_id, object_id_int, object_id)
            SELECT m.created_at, m.created_at, m.id, t.id, m.key, m.key::text
            FROM (SELECT created_at, id, id AS i, id % ({count} / {RARE}) + 1 AS key
                FROM smsoffice_outputsmsmessage) AS m
            JOIN django_content_type AS t
                ON (t.app_label, t.model) = ('auth', CASE WHEN {rare} THEN 'group' ELSE 'user' END)
            """
        )
        cursor.execute("VACUUM ANALYZE")


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE smsoffice_outputsmsmessage RESTART IDENTITY CASCADE")


class Cost(NamedTuple):
    """Milliseconds of server time, in the middle of several, and statements."""

    milliseconds: float
    queries: int


def cost(client: Client, url: str, times: int = TIMES) -> Cost:
    """What a page costs."""
    took = []
    for _time in range(times):
        started = time.perf_counter()
        answer = client.get(url)
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (url, answer.status_code)
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return Cost(statistics.median(took), len(queries))


@contextmanager
def browser() -> Iterator[Client]:
    """The browser of one who may do everything."""
    user = User.objects.create_superuser("bench")
    client = Client()
    client.force_login(user)
    yield client
    user.delete()


def measure(client: Client, found: Callable[[int], list[Page]], count: int) -> dict[str, tuple[Cost, Cost | None]]:
    """What the pages of a log cost, ours and stock; the stock ones once, as they may take seconds."""
    cache.clear()
    return {
        page.name: (cost(client, page.url), cost(client, page.stock, 1) if page.stock else None)
        for page in found(count)
    }


def table(small: dict[str, tuple[Cost, Cost | None]], large: dict[str, tuple[Cost, Cost | None]]) -> None:
    """A line for each page, and whether it keeps what was promised."""
    heads = f"{'10,000':>14} {'1,000,000':>15} {'growth':>7} {'stock at 10,000':>16} {'at 1,000,000':>13}"
    print(f"{'ms of server time, queries':<28} {heads}")
    for name, (ours, stock) in large.items():
        before, stock_before = small[name]
        growth = ours.milliseconds / before.milliseconds
        holds = ours.milliseconds <= MOST_MS and ours.queries <= MOST_QUERIES and growth <= MOST_GROWTH
        verdict = "bounded apart" if name == SLOW else "holds" if holds else "DOES NOT HOLD"
        beside = (
            f"{stock_before.milliseconds:>13.0f} ms {stock.milliseconds:>10.0f} ms" if stock and stock_before else ""
        )
        print(
            f"{name:<28} {before.milliseconds:>8.1f} {before.queries:>5} {ours.milliseconds:>9.1f} {ours.queries:>5}"
            f" {growth:>6.2f}× {beside:<30} {verdict}"
        )


def memory() -> float:
    """The memory that this process holds now, in MB; a peak would hide behind an earlier one."""
    pages_held = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_held * resource.getpagesize() / 1e6


def export(client: Client, count: int, file_format: str) -> None:
    """Rows a second of the whole log as a file, when its first byte comes, and the memory that it takes."""
    before, started = memory(), time.perf_counter()
    answer: Any = client.post(f"{LIST}export/", {"format": file_format, "column": list(USUAL)})
    stream = iter(answer.streaming_content)
    size = len(next(stream))
    first_byte = time.perf_counter() - started
    most = before
    for piece in stream:
        size += len(piece)
        most = max(most, memory())
    took = time.perf_counter() - started
    print(
        f"export of {count:,} as {file_format.upper()}: {count / took:,.0f} rows/s, "
        f"first byte after {first_byte:.3f} s, {most - before:.1f} MB more memory, "
        f"{size / 1e6:.0f} MB of file   promised 40,000/s, 0.5 s, 30 MB"
    )


def main() -> None:
    if connection.vendor != "postgresql":
        print("log: measured on PostgreSQL only; SQLite is for small sites. Set DATABASE_URL.")
        return
    with database(), override_settings(DEBUG=False, ROOT_URLCONF=__name__), browser() as client:
        fill(FEW)
        small = measure(client, pages, FEW)
        export(client, FEW, "csv")
        empty()
        fill(MANY)
        large = measure(client, pages, MANY)
        table(small, large)
        export(client, MANY, "csv")
        export(client, MANY, "xlsx")
