"""What the check of a list found, counted while its rows go by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import phonenumbers

from smsoffice.models.sms import OutputSMSMessage

MOST_REASONS = 20
"""How many kinds of reasons are told apart; the rarer ones are counted together."""


class Refusal(NamedTuple):
    """A row that is not sent: its line in the list, the column and the cell to blame, and why."""

    line: int
    column: str
    cell: str
    reason: str


class Picked(NamedTuple):
    """A row that can be sent: which of them it is, from 1, its line in the list, and its unsaved message."""

    number: int
    line: int
    message: OutputSMSMessage


@dataclass(slots=True)
class Report:
    """What a check found.

    Args:
        total, sendable, refused: rows.
        parts: of all rows that can be sent.
        by_parts: rows by their number of parts, the fewest first.
        countries: rows by the region of their number (“CZ”, “001” for none), the most first.
        reasons: refused rows by the reason, the most first; the rest under "".
        refusals: the first of the refused rows.
        unused: columns that the text does not use.
        longest: the longest text; None while no row can be sent.
        picked: the row that was asked for; None where there are fewer.
    """

    total: int
    sendable: int
    refused: int
    parts: int
    by_parts: dict[int, int]
    countries: dict[str, int]
    reasons: dict[str, int]
    refusals: list[Refusal]
    unused: list[str]
    longest: Picked | None
    picked: Picked | None
    notes: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """What is stored with a bulk send: plain data, without texts and numbers of people."""
        longest = {"number": self.longest.number, "line": self.longest.line} if self.longest else None
        return {
            "parts": self.parts,
            "by_parts": {str(parts): rows for parts, rows in self.by_parts.items()},
            "countries": self.countries,
            "reasons": self.reasons,
            "unused": self.unused,
            "longest": longest,
        }


class Tally:
    """Counts rows as they are checked, in little memory.

    Args:
        keep: how many refused rows are kept.
        pick: which of the sendable rows is kept, from 1.
    """

    def __init__(self, keep: int = 0, pick: int = 0) -> None:
        self.total = self._sendable = self._parts = 0
        self._keep, self._pick = keep, pick
        self._by_parts: Counter[int] = Counter()
        self._countries: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._refusals: list[Refusal] = []
        self._lines: dict[bytes, int] = {}
        self._length = (0, 0)
        self._longest: Picked | None = None
        self._picked: Picked | None = None

    def same_as(self, line: int, message: OutputSMSMessage) -> int | None:
        """The line that said the same to the same number before, if one did."""
        said = f"{message.recipient} {message.content}".encode(errors="surrogatepass")
        first = self._lines.setdefault(blake2b(said, digest_size=16).digest(), line)
        return None if first == line else first

    def refuse(self, refusal: Refusal, kind: str) -> Refusal:
        """Count a row that is not sent; gives it back."""
        self.total += 1
        self._reasons[kind] += 1
        if len(self._refusals) < self._keep:
            self._refusals.append(refusal)
        return refusal

    def accept(self, line: int, message: OutputSMSMessage) -> None:
        """Count a row that can be sent."""
        self.total += 1
        self._sendable += 1
        self._parts += message.segments
        self._by_parts[message.segments] += 1
        self._countries[region_of(message.recipient)] += 1
        length = (message.segments, len(message.content))
        if length > self._length:
            self._length, self._longest = length, Picked(self._sendable, line, message)
        if self._sendable == self._pick:
            self._picked = Picked(self._sendable, line, message)

    def report(self, unused: list[str]) -> Report:
        """What was counted so far."""
        reasons = dict(self._reasons.most_common(MOST_REASONS))
        if rest := self._reasons.total() - sum(reasons.values()):
            reasons[""] = rest
        return Report(
            total=self.total,
            sendable=self._sendable,
            refused=self._reasons.total(),
            parts=self._parts,
            by_parts=dict(sorted(self._by_parts.items())),
            countries=dict(self._countries.most_common()),
            reasons=reasons,
            refusals=self._refusals,
            unused=unused,
            longest=self._longest,
            picked=self._picked,
        )


def region_of(e164: str) -> str:
    """The region that a number belongs to, as ISO 3166 calls it; “001” for a number of no country."""
    for end in (2, 3, 4):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(e164[1:end]), ())
        if len(regions) == 1:
            return regions[0]
        if regions:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
            return region or regions[0]
    return phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
