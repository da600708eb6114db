"""What pages say of a template that is off: since when and by whom, and which bulk sends pause for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import clock, number, page_of
from smsoffice.models.batch import Batch
from smsoffice.models.batch_template import Fate, fate_of, switched_off, unwritten_of, written_of
from smsoffice.models.sms import AbstractSMSTemplate

NAMED = 10
"""Bulk sends that are named; of the others only the number is told."""


class Named(NamedTuple):
    """A bulk send, its page, and how far it is."""

    batch: Batch
    url: str
    how_far: str


class Told(NamedTuple):
    """Bulk sends that fare alike: a sentence without its end, those that are named, and how many are not."""

    words: str
    named: list[Named]
    more: int

    @property
    def in_one_line(self) -> SafeString:
        """The sentence, with the names that it has."""
        if not self.named:
            return format_html("{}.", self.words)
        links = format_html_join(", ", '<a href="{}">{}</a>', ((one.url, str(one.batch)) for one in self.named))
        return format_html("{}: {}{}.", self.words, links, f" {self.and_more}" if self.more else "")

    @property
    def and_more(self) -> str:
        """How many are not named."""
        return ngettext("and %s more", "and %s more", self.more) % number(self.more)


def what_became(batch: Batch) -> str:
    """That its template is gone, or off: since when and by whom, as far as it is known."""
    told = {"slug": batch.template_slug}
    template = batch.template
    if template is None:
        return _("The template “%(slug)s” was deleted.") % told
    off = switched_off(template) if fate_of(batch) == Fate.OFF else None
    if off is None:
        return _("The template “%(slug)s” is switched off.") % told
    told |= {"day": date_format(localtime(off.at), "DATE_FORMAT"), "time": clock(off.at), "who": off.by}
    if not off.by:
        return _("The template “%(slug)s” was switched off on %(day)s at %(time)s.") % told
    return _("The template “%(slug)s” was switched off on %(day)s at %(time)s by %(who)s.") % told


def stays_paused(batch: Batch) -> str:
    """Why it cannot go on, and what to do; empty where it can."""
    fate = fate_of(batch)
    if batch.is_written or not fate.sends_nothing:
        return ""
    if fate == Fate.DELETED:
        words = _("Press Stop…, and send the rest anew with another template.")
    else:
        words = _("Switch it on, then press Go on; or press Stop…, and the rows that are no messages yet are left out.")
    return f"{what_became(batch)} {words}"


def will_pause(page: ModelAdmin[Any], request: HttpRequest, templates: Iterable[AbstractSMSTemplate]) -> Told | None:
    """The bulk sends that will pause once these templates are off; None where there are none."""

    def words(count: int) -> str:
        return ngettext(
            "%s bulk send will pause, as its rows are not all messages yet",
            "%s bulk sends will pause, as their rows are not all messages yet",
            count,
        )

    return _told(page, request, unwritten_of(templates), words)


def pause_now(page: ModelAdmin[Any], request: HttpRequest, templates: Iterable[AbstractSMSTemplate]) -> Told | None:
    """As `will_pause`, once the templates are off."""

    def words(count: int) -> str:
        return ngettext(
            "%s bulk send pauses, as its rows are not all messages yet",
            "%s bulk sends pause, as their rows are not all messages yet",
            count,
        )

    return _told(page, request, unwritten_of(templates), words)


def go_on(page: ModelAdmin[Any], request: HttpRequest, templates: Iterable[AbstractSMSTemplate]) -> Told | None:
    """The bulk sends that go on without these templates; None where there are none."""

    def words(count: int) -> str:
        return ngettext(
            "%s bulk send goes on, as its messages are written already",
            "%s bulk sends go on, as their messages are written already",
            count,
        )

    return _told(page, request, written_of(templates), words)


def _told(
    page: ModelAdmin[Any], request: HttpRequest, found: QuerySet[Batch], words: Callable[[int], str]
) -> Told | None:
    """What is said of the bulk sends that were found; `words` gives the sentence for a number of them."""
    count = found.count()
    if not count:
        return None
    pages = ((batch, page_of(page.admin_site, request, batch)) for batch in found[:NAMED])
    # Who may not see bulk sends is told no title.
    named = [Named(batch, url, _how_far(batch)) for batch, url in pages if url]
    return Told(words(count) % number(count), named, count - len(named) if named else 0)


def _how_far(batch: Batch) -> str:
    rows = _("%(done)s of %(total)s rows are messages.")
    words = [rows % {"done": number(batch.accepted), "total": number(batch.sendable)}]
    if batch.status == Batch.Status.PAUSED:
        words.append(_("It is paused now."))
    return " ".join(words)
