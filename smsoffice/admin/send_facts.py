"""What a checked draft comes to: the facts of its summary, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.common import gateway_title
from smsoffice.admin.send_words import countries_in_words, day_and_time, duration, grouped, parts_in_words, time_until
from smsoffice.admin.template_off import what_became
from smsoffice.conf import conf
from smsoffice.exceptions import SMSError
from smsoffice.models.batch import Batch
from smsoffice.models.batch_draft import refused_rows, sendable_row
from smsoffice.models.batch_report import Refusal
from smsoffice.models.batch_template import Fate, fate_of
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.preview import Look, look_at_sent

SHOWN = 50
"""Refused rows that the page lists; the file has them all."""

TYPED_ABOVE = 1_000
"""For more messages than that their number must be typed."""

LOOKED_AT = 10
"""Bulk sends whose pace is asked for."""


class Shown(NamedTuple):
    """A row as the phone will show it: which of the sendable ones, its line in the list, its message and its look."""

    row: int
    line: int
    message: OutputSMSMessage
    look: Look


class Summary:
    """A draft that was checked.

    Args:
        batch: the draft.
        row: the row that is asked for besides the first and the longest, from 1; 0 for the last.
    """

    def __init__(self, batch: Batch, row: int = 0) -> None:
        self.batch = batch
        self.row = row if 1 <= row <= batch.sendable else batch.sendable

    @property
    def is_single(self) -> bool:
        """Whether the list is one number, which is sent as a single message."""
        return self.batch.total == 1

    @property
    def is_scheduled(self) -> bool:
        """Whether it leaves later."""
        return self.batch.send_after is not None and self.batch.send_after > timezone.now()

    @property
    def fate(self) -> Fate:
        """What became of the template since the draft was checked."""
        return fate_of(self.batch)

    @property
    def problem(self) -> str:
        """Why nothing can be sent, whatever the rows are."""
        if self.batch.expires_at and self.batch.expires_at <= timezone.now():
            return _("The latest time of sending has passed. Set a later one.")
        return str(self.batch.summary.get("problem", ""))

    @property
    def can_be_sent(self) -> bool:
        """Whether there is anything to confirm."""
        return bool(self.batch.sendable) and not self.problem and self.fate == Fate.SAME

    @property
    def must_type(self) -> bool:
        """Whether there are so many that their number must be typed."""
        return self.batch.sendable > TYPED_ABOVE

    # --- In words

    @property
    def what_became(self) -> str:
        """That the template is off or gone, where it is."""
        return what_became(self.batch) if self.fate.sends_nothing else ""

    @property
    def count(self) -> str:
        """How many messages."""
        return grouped(self.batch.sendable)

    @property
    def question(self) -> str:
        """The title."""
        if not self.batch.sendable or self.fate.sends_nothing:
            return _("Nothing can be sent")
        if self.is_scheduled:
            words = ngettext("Schedule %(count)s message?", "Schedule %(count)s messages?", self.batch.sendable)
        else:
            words = ngettext("Send %(count)s message?", "Send %(count)s messages?", self.batch.sendable)
        return words % {"count": self.count}

    @property
    def button(self) -> str:
        """What is on the button."""
        if self.is_scheduled:
            words = ngettext("Schedule %(count)s message", "Schedule %(count)s messages", self.batch.sendable)
        else:
            words = ngettext("Send %(count)s message", "Send %(count)s messages", self.batch.sendable)
        return words % {"count": self.count}

    @property
    def people(self) -> str:
        """How many people are where."""
        return countries_in_words(self.batch.summary.get("countries", {}))

    @property
    def parts(self) -> str:
        """Parts in all."""
        parts = self.batch.summary.get("parts", 0)
        return ngettext("%(parts)s part", "%(parts)s parts", parts) % {"parts": grouped(parts)}

    @property
    def by_parts(self) -> str:
        """How many messages have how many parts, where they differ or have several."""
        counted = {int(parts): rows for parts, rows in self.batch.summary.get("by_parts", {}).items()}
        return "" if set(counted) <= {1} else parts_in_words(counted)

    @property
    def when(self) -> str:
        """The time of sending."""
        return day_and_time(self.batch.send_after) if self.batch.send_after and self.is_scheduled else _("now")

    @property
    def when_more(self) -> str:
        """How far away it is, or that it has passed."""
        if self.is_scheduled and self.batch.send_after:
            return time_until(self.batch.send_after)
        if self.batch.send_after:
            return _("The chosen time has passed: %(time)s.") % {"time": day_and_time(self.batch.send_after)}
        return ""

    @property
    def until(self) -> str:
        """The latest time."""
        return day_and_time(self.batch.expires_at) if self.batch.expires_at else ""

    @property
    def takes(self) -> str:
        """About how long it will take, where it is known."""
        return duration(self._span) if self._span else ""

    @property
    def is_too_slow(self) -> bool:
        """Whether not all may leave before the latest time."""
        if not (self._span and self.batch.expires_at):
            return False
        begins = max(self.batch.send_after or timezone.now(), timezone.now())
        return begins + self._span > self.batch.expires_at

    @property
    def gateway(self) -> str:
        """Through whom."""
        return gateway_title(str(conf.SMS_SENDER_BACKEND))

    @property
    def has_accents(self) -> bool:
        """Whether letters keep their accents."""
        return conf.SMS_USE_ACCENT

    @property
    def limit(self) -> int:
        """The share of failures at which it pauses."""
        return conf.SMS_FAILURE_LIMIT if self.batch.failure_limit is None else self.batch.failure_limit

    # --- Rows

    @cached_property
    def refused(self) -> list[Refusal]:
        """The first of the refused rows."""
        return list(islice(refused_rows(self.batch), SHOWN)) if self.batch.refused else []

    @property
    def more(self) -> int:
        """Refused rows that are not listed."""
        return self.batch.refused - len(self.refused)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """How many were refused for what, the most first; none where the list below shows them all anyhow."""
        if not self.more:
            return []
        return [(reason or _("other reasons"), rows) for reason, rows in self.batch.summary.get("reasons", {}).items()]

    @cached_property
    def previews(self) -> list[tuple[str, Shown]]:
        """The first and the longest, each with its name."""
        longest = (self.batch.summary.get("longest") or {}).get("number", 0)
        asked = [(_("The first"), 1)] + ([(_("The longest"), longest)] if longest > 1 else [])
        return [(name, found) for name, row in asked for found in self._rows(row)]

    @cached_property
    def any(self) -> Shown | None:
        """The row that was asked for; none where there is but one."""
        return next(self._rows(self.row), None) if self.batch.sendable > 1 else None

    def _rows(self, row: int) -> Iterator[Shown]:
        try:
            # As it will be written: in the site's language, whatever the reader's is.
            with translation.override(settings.LANGUAGE_CODE):
                found = sendable_row(self.batch, row)
        except SMSError:
            # The template is gone or off by now: the note on top says so.
            found = None
        if found:
            line, message = found
            yield Shown(row, line, message, look_at_sent(message.content))

    @cached_property
    def _span(self) -> timedelta | None:
        bounds = []
        if conf.SMS_RATE_LIMIT:
            bounds.append(self.batch.summary.get("parts", 0) / conf.SMS_RATE_LIMIT)
        if pace := _last_pace():
            bounds.append(self.batch.sendable / pace)
        return timedelta(seconds=max(bounds)) if bounds else None


def _last_pace() -> float | None:
    """Messages a second of the largest stretch that the last bulk sends measured within the hour; None without one."""
    hour_ago = (timezone.now() - timedelta(hours=1)).timestamp()
    confirmed = Batch.objects.exclude(status=Batch.Status.DRAFT).order_by("-created_at")
    measured = []
    for samples in confirmed.values_list("pace", flat=True)[:LOOKED_AT]:
        if len(samples) < 2 or samples[-1][0] < hour_ago:
            continue
        (since, before), (until, after) = samples[0], samples[-1]
        if until > since and after > before:
            measured.append((after - before, until - since))
    # One of a few messages may have waited for a single one of them.
    count, seconds = max(measured, default=(0, 1))
    return count / seconds or None
