"""The pages that are measured, and the stock ModelAdmin of the same model, which answers the same beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.cache import cache
from django.urls import path
from django.utils import timezone

from project.urls import urlpatterns as of_the_site
from smsoffice.models.counts import DayCount, keep_up
from smsoffice.models.log import OLDEST
from smsoffice.models.sms import OutputSMSMessage
from tests.benchmarks.log_rows import ATS, BULK_SENDS, DAYS, REFUSED, SNS, bulk_send, phone_of

LIST = "/admin/smsoffice/outputsmsmessage/"
STOCK = "/stock/smsoffice/outputsmsmessage/"
FRONT = "/admin/"
BARE = "bare limit: a stock form"
"""A page of Django's own with three fields and nothing of a log: what no page of an admin is faster than."""
SLOW = "words in the text"
"""What no index knows: it is promised an end, not a speed."""


class StockAdmin(ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The log as Django draws it by itself."""

    list_display = ("created_at", "recipient", "content", "state", "template_slug", "tag", "backend")
    list_filter = ("state",)
    search_fields = ("recipient", "content")
    ordering = ("-created_at",)
    list_per_page = 50
    # Else its page of a message would offer each of the million to choose from, and never end.
    raw_id_fields = ("resend_of",)


stock_site = AdminSite("stock")
stock_site.register(OutputSMSMessage, StockAdmin)
urlpatterns = [path("stock/", stock_site.urls), *of_the_site]


def nothing() -> None:
    """What most pages need before them."""


def a_minute_later() -> None:
    """Nothing of what the front page counted is fresh but the days that are over, which the checks of states keep."""
    cache.delete_many(["smsoffice.figures", "smsoffice.days"])
    keep_up()


def nothing_is_kept() -> None:
    """The front page is opened for the first time ever, and nobody has checked states."""
    cache.delete_many(["smsoffice.figures", "smsoffice.days"])
    DayCount.objects.all().delete()


class Page(NamedTuple):
    """A page that is measured: what it is called, its address, that of the stock page, and what comes before it."""

    name: str
    url: str
    stock: str = ""
    before: Callable[[], None] = nothing


def pages(count: int) -> Iterator[Page]:
    """The pages of an office with so many messages."""
    yield Page(BARE, "/admin/password_change/")
    yield Page("list", LIST, STOCK)
    yield Page("last page", _log(newer=str(OLDEST)), _stock(p=str(count // 50)))
    for name, ours, stock in (*_by_column(), *_by_place_and_time(count)):
        yield Page(name, _log(**ours), _stock(**stock) if stock else "")
    message, unknown = f"{count // 2}/change/", "7/change/"
    yield Page("message", f"{LIST}{message}", f"{STOCK}{message}")
    yield Page("message, not known", f"{LIST}{unknown}", f"{STOCK}{unknown}")
    yield Page("message of a bulk send", f"{LIST}{count}/change/", f"{STOCK}{count}/change/")
    # The stock admin counts nothing on its own.
    yield Page("front page", FRONT)
    yield Page("front page, a minute later", FRONT, before=a_minute_later)
    yield Page("front page, nothing kept", FRONT, before=nothing_is_kept)


def _log(**query: str | list[str]) -> str:
    return f"{LIST}?{urlencode(query, doseq=True)}"


def _stock(**query: str) -> str:
    return f"{STOCK}?{urlencode(query)}"


Filtered = tuple[str, Mapping[str, str | list[str]], Mapping[str, str]]
"""A name, our filters, and those of the stock page that leave the same, if it has such."""


def _by_column() -> list[Filtered]:
    newest = f"voucher-{BULK_SENDS - 1}"
    return [
        ("state, common", {"state": "DELIVERED"}, {"state": "DELIVERED"}),
        ("state, rare", {"state": "UNKNOWN"}, {"state": "UNKNOWN"}),
        ("states, rare and common", {"state": ["UNKNOWN", "ERROR"]}, {"state__in": "UNKNOWN,ERROR"}),
        ("tag, common", {"tag": "reminders"}, {"tag": "reminders"}),
        ("tag, rare", {"tag": "vip"}, {"tag": "vip"}),
        ("state + tag", {"state": "ERROR", "tag": "reminders"}, {"state": "ERROR", "tag": "reminders"}),
        ("state + tag, none", {"state": "SENT", "tag": "vip"}, {"state": "SENT", "tag": "vip"}),
        ("template, common", {"template": "order-ready"}, {"template_slug": "order-ready"}),
        ("template, rare, + states", {"template": "gone", "state": ["ERROR", "UNKNOWN"]}, {"template_slug": "gone"}),
        ("tag + template", {"tag": "reminders", "template": "order-ready"}, {"tag": "reminders"}),
        ("tag + template, recent", {"tag": newest, "template": "voucher"}, {"tag": newest}),
        ("tag + template, old", {"tag": "voucher-0", "template": "voucher"}, {"tag": "voucher-0"}),
        ("tag + template, none", {"tag": "vip", "template": "order-ready"}, {"tag": "vip"}),
        ("gateway, common", {"backend": ATS}, {"backend": ATS}),
        ("gateway, rare", {"backend": SNS}, {"backend": SNS}),
        ("gateway + state", {"backend": ATS, "state": "ERROR"}, {"backend": ATS, "state": "ERROR"}),
        ("gateway + tag", {"backend": ATS, "tag": "orders"}, {"backend": ATS, "tag": "orders"}),
        ("bulk send", {"batch": str(bulk_send(0))}, {"batch__id__exact": str(bulk_send(0))}),
    ]


def _by_place_and_time(count: int) -> list[Filtered]:
    number = phone_of(count // 120)
    beginning, customers = phone_of(1)[:7], {"related_object_type": "demo.customer"}
    now = timezone.localtime()
    middle, later = (f"{now - timedelta(days=DAYS * part):%Y-%m-%d %H:%M}" for part in (0.5, 0.45))
    return [
        ("number", {"recipient": f"{number[4:7]} {number[7:]}"}, {"q": number}),
        ("number, its beginning", {"recipient": f"{beginning}0"}, {"q": f"{beginning}0"}),
        ("number, a short beginning", {"recipient": "+420 60"}, {"q": "+42060"}),
        ("beginning + state", {"recipient": beginning, "state": "ERROR"}, {"q": beginning, "state": "ERROR"}),
        ("created from, before", {"created_after": middle, "created_before": later}, {}),
        ("created before + state", {"created_before": middle, "state": "ERROR"}, {}),
        ("handed over, two weeks", {"sent_after": middle, "sent_before": later}, {}),
        ("handed over before", {"sent_before": middle}, {}),
        ("belongs to one", {**customers, "related_object_id": "1"}, {}),
        ("belongs to a rare type", {"related_object_type": "demo.order"}, {}),
        ("belongs to a common type", customers, {}),
        ("belongs to a type + state", {**customers, "state": "ERROR"}, {}),
        ("reason, common", {"error": REFUSED[4:-1]}, {}),
        ("reason, rare", {"error": "refused by the network"}, {}),
        (SLOW, {"text": "objednavka c. 777 "}, {}),
    ]
