"""What every kind of list gives: numbered rows of text, and notes on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.exceptions import SMSError
from smsoffice.plaindata import grouped

MAX_ROWS = 100_000
MAX_COLUMNS = 200

Row = tuple[int, list[str]]


class SheetError(SMSError):
    """The list cannot be read; the text says why and what to do."""


@dataclass
class Grid:
    """The rows of a list, its first one perhaps the names of the columns.

    Args:
        rows: the line in the user's list, and its cells.
        is_exact: cells cannot have slipped, as each has its place in a spreadsheet.
        hidden: rows that the spreadsheet hides, left out.
        dated: a date as it was written.
        digits: how many whole numbers of how many digits each column has as quantities.
    """

    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    notes: list[str] = field(default_factory=list)
    is_exact: bool = True
    hidden: int = 0
    dated: str = ""
    digits: dict[int, Counter[int]] = field(default_factory=dict)

    def count_digits(self, column: int, digits: str) -> None:
        """Note a whole number that was stored as a quantity."""
        self.digits.setdefault(column, Counter())[len(digits)] += 1

    def finish(self, names: Sequence[str], number_column: int) -> None:
        """Add what is known only at the end to the notes."""
        if self.hidden:
            words = ngettext(
                "%(count)s hidden row was left out. Show it in the spreadsheet if it is to be sent.",
                "%(count)s hidden rows were left out. Show them in the spreadsheet if they are to be sent.",
                self.hidden,
            )
            self.notes.append(words % {"count": grouped(self.hidden)})
        if self.dated:
            self.notes.append(_("Dates are written like “%(example)s”.") % {"example": self.dated})
        for column, lengths in self.digits.items():
            if column < len(names) and column != number_column and _lost_zeros(lengths):
                words = _(
                    "Some values in “%(name)s” have fewer digits than the others: the spreadsheet may have dropped "
                    "the zeros that they began with. Format that column as text."
                )
                self.notes.append(words % {"name": names[column]})


def _lost_zeros(lengths: Counter[int]) -> bool:
    """Whether nearly all numbers of a column have the same many digits, and the others fewer."""
    most = max(lengths)
    return len(lengths) > 1 and most >= 4 and lengths[most] >= 0.8 * lengths.total()


def too_many_rows() -> SheetError:
    words = _("The list has more than %(most)s rows. Divide it and send the parts one after the other.")
    return SheetError(words % {"most": grouped(MAX_ROWS)})


def too_many_columns() -> SheetError:
    words = _("The list has more than %(most)s columns. Leave out those that the text does not need.")
    return SheetError(words % {"most": grouped(MAX_COLUMNS)})


def too_much_text() -> SheetError:
    return SheetError(_("The list holds too much text to be read. Leave out columns that are not used."))
