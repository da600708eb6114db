"""The check beside the form: what would go to whom, drawn without storing anything."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.admin.send_form import SendForm
from smsoffice.admin.send_words import grouped, parts_in_words
from smsoffice.exceptions import SMSError
from smsoffice.models.batch_check import Report, check_rows
from smsoffice.models.batch_report import Picked
from smsoffice.preview import Look, look_at_sent

LIVE = 500
"""Lines that are checked while somebody types; more of them wait for the button."""

SHOWN = 50
"""Refused rows that are listed."""

LONGEST = "longest"

WHAT_IS_SENT = frozenset({"template", "own_text", "recipients", "file"})
"""The fields without which there is nothing to check; those of the variables are others."""


class Panel:
    """What the right column shows.

    Args:
        form: as it was typed.
        row: which of the sendable rows is shown, a number from 1 or LONGEST.
        live: whether somebody is just typing.
        has_file: whether a file is chosen that was not sent along.
    """

    def __init__(self, form: SendForm, row: str = "", *, live: bool = False, has_file: bool = False) -> None:
        self.form = form
        self.wants_longest = row == LONGEST
        # More digits than a list has rows are no row.
        self.row = int(row) if row.isdecimal() and len(row) < 8 else 1
        self.report: Report | None = None
        self.note = self._note(live, has_file)
        # Why nothing can be checked: what is wrong with the text, its values, or the list.
        self.problems = [] if self.note else list(_problems_of(form))
        if not (self.note or self.problems):
            self._check()

    def _note(self, live: bool, has_file: bool) -> str:
        """What stands in the place of the check while there is none."""
        if has_file or self.form.list.field == "file":
            return _("A file is read and checked when you continue to the summary.")
        if self.form.list.is_empty:
            return _("Paste numbers on the left.")
        if live and self.form.list.lines > LIVE:
            return _("More than %(most)d lines are not checked while you type. Press “Check”.") % {"most": LIVE}
        return "" if self.form.is_bound else _("Press “Check” to see what would be sent.")

    def _check(self) -> None:
        if self.form.plan is None:
            return
        try:
            sheet = self.form.list.open()
            self.report = check_rows(self.form.plan, sheet.rows, SHOWN, self.row)
        except SMSError as error:
            self.problems = [str(error)]
        else:
            # The notes are complete only now.
            self.report.notes = sheet.notes

    @property
    def shown(self) -> Picked | None:
        """The row on the phone."""
        if self.report is None:
            return None
        return self.report.longest if self.wants_longest else self.report.picked or self.report.longest

    @property
    def look(self) -> Look | None:
        """Its text."""
        return look_at_sent(self.shown.message.content) if self.shown else None

    @property
    def parts(self) -> str:
        """How many messages have how many parts."""
        return parts_in_words(self.report.by_parts) if self.report else ""

    @property
    def more(self) -> int:
        """Refused rows that are not listed."""
        return self.report.refused - len(self.report.refusals) if self.report else 0

    @property
    def said(self) -> str:
        """The check in one sentence, to be read aloud."""
        if self.report is None:
            return self.note or " ".join(self.problems)
        count = self.report.total
        words = ngettext(
            "%(count)s row read, %(sendable)s can be sent, %(refused)s refused, %(parts)s parts in all.",
            "%(count)s rows read, %(sendable)s can be sent, %(refused)s refused, %(parts)s parts in all.",
            count,
        )
        report = self.report
        told = {"sendable": report.sendable, "refused": report.refused, "parts": report.parts, "count": count}
        return words % {name: grouped(number) for name, number in told.items()}


def _problems_of(form: SendForm) -> Iterator[str]:
    for name, errors in form.errors.items():
        if name in WHAT_IS_SENT:
            yield from map(str, errors)
        elif name.startswith("v-"):
            yield from (f"{name.removeprefix('v-')}: {error}" for error in errors)
    if form.plan and (missing := form.plan.missing) and not any(name.startswith("v-") for name in form.errors):
        yield _("Fill in the values on the left: %(names)s.") % {"names": ", ".join(missing)}
