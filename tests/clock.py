"""Time that passes when a test says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone


class Clock:
    """The time of day for the program and for rows of `tests.factories`; the defaults of columns keep the real one."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def stopped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the clock until it is advanced; the pauses of the queue advance it."""
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", clock)
    monkeypatch.setattr("smsoffice.delivery.time", SimpleNamespace(sleep=clock.advance))
    return clock
