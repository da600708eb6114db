"""The chart of the last days: bars of what was sent, and under them, on a scale of its own, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LEFT, WIDTH = 58, 1160
TOP, BASE = 22, 172
SHARE_BASE, SHARE_HEIGHT = 250, 34
BAR = 46

GRID_LINES = 3


@dataclass(frozen=True, slots=True)
class Day:
    """One day's messages.

    Args:
        day: the day.
        delivered, open, failed, other: how many are delivered; waiting or on the way; not delivered; anything else.
    """

    day: date
    delivered: int
    open: int
    failed: int
    other: int = 0

    @property
    def total(self) -> int:
        """All messages of the day."""
        return self.delivered + self.open + self.failed + self.other

    @property
    def share(self) -> float:
        """Percent that was not delivered."""
        return 100 * self.failed / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A day as it is drawn; all lengths in the chart's own units."""

    day: Day
    x: float
    middle: float
    delivered_y: float
    delivered_height: float
    open_y: float
    open_height: float
    label_y: float
    share_y: float
    share_height: float
    share_label_y: float
    is_high: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and the lines behind them: (height, number)."""

    bars: Sequence[Bar]
    grid: Sequence[tuple[float, int]]


def chart_of(days: Sequence[Day]) -> Chart:
    """The geometry of the chart."""
    top = _round_up(max((day.delivered + day.open + day.other for day in days), default=0))
    highest = max((day.share for day in days), default=0.0)
    scale, usual = (BASE - TOP) / top, sorted(day.share for day in days)[len(days) // 2] if days else 0
    step = (WIDTH - LEFT) / max(len(days), 1)
    bars = []
    for place, day in enumerate(days):
        middle = LEFT + step * (place + 0.5)
        delivered, rest = day.delivered * scale, (day.open + day.other) * scale
        share = SHARE_HEIGHT * day.share / max(highest, 5.0)
        bars.append(
            Bar(
                day=day,
                x=round(middle - BAR / 2, 1),
                middle=round(middle, 1),
                delivered_y=round(BASE - delivered, 1),
                delivered_height=round(delivered, 1),
                open_y=round(BASE - delivered - rest, 1),
                open_height=round(rest, 1),
                label_y=round(BASE - delivered - rest - 6, 1),
                share_y=round(SHARE_BASE - share, 1),
                share_height=round(share, 1),
                share_label_y=round(SHARE_BASE - share - 5, 1),
                is_high=day.share >= 5 and day.share > 2 * usual,
            )
        )
    return Chart(
        bars,
        [
            (round(BASE - line * top / GRID_LINES * scale, 1), line * top // GRID_LINES)
            for line in range(GRID_LINES + 1)
        ],
    )


def _round_up(highest: int) -> int:
    """The top of the scale: round, divided evenly by its lines, and no smaller than the highest bar."""
    steps = (int(f"{digit}{'0' * power}") * GRID_LINES for power in range(12) for digit in (1, 2, 3, 4, 5, 6, 8))
    return next((top for top in steps if top >= highest), highest)
