"""What the commands that work in rounds share: staying until SIGTERM, and surviving a database that is away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone


class Stopping:
    """Whether SIGTERM or SIGINT has asked to end; what is in flight is finished first."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()

    def __call__(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until asked to end."""
        self._asked.wait(seconds)


class RoundsCommand(BaseCommand):
    """A command of one round, or with --interval of rounds until SIGTERM."""

    _told = ""
    _database_is_away = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--interval", type=float, metavar="SECONDS", help="Stay, and begin a round this long after the last."
        )

    def repeat(self, interval: float | None, one_round: Callable[[Stopping], str]) -> None:
        """Run rounds; `one_round` gives back what is wrong, in words, or nothing.

        Raises:
            CommandError: the interval makes no sense, or the only round went wrong.
        """
        if interval is not None and not 0 < interval <= threading.TIMEOUT_MAX:
            raise CommandError("--interval must be more than 0 seconds, and not endless.")
        stopping = Stopping()
        if interval is None:
            self._once(one_round, stopping)
            return
        while not stopping():
            self._tell(self._surviving(one_round, stopping))
            stopping.wait(interval)

    def database_answers(self) -> None:
        """Say in the middle of a round that it is back, for a round may last for hours."""
        if self._database_is_away:
            self._tell("")

    def _once(self, one_round: Callable[[Stopping], str], stopping: Stopping) -> None:
        try:
            trouble = one_round(stopping)
        except (InterfaceError, OperationalError) as error:
            words = f"The database does not answer ({type(error).__name__}). Nothing is lost; --traceback tells more."
            raise CommandError(words) from error
        if trouble:
            raise CommandError(trouble)

    def _surviving(self, one_round: Callable[[Stopping], str], stopping: Stopping) -> str:
        try:
            trouble = one_round(stopping)
        except DatabaseError as error:
            close_old_connections()
            self._database_is_away = True
            return f"The database does not answer ({type(error).__name__}). Waiting for it."
        self._database_is_away = False
        return trouble

    def _tell(self, trouble: str) -> None:
        """Say what has changed since it was last told."""
        if trouble and trouble != self._told:
            self.stderr.write(self.style.ERROR(f"{clock()} {trouble}"))
        elif self._told and not trouble:
            self.stdout.write(self.style.SUCCESS(f"{clock()} All is well again."))
        self._told = trouble
        # Into a file or a journal it would else be written only when there is a page of it.
        self.stdout.flush()


def clock() -> str:
    """The time of day for a line of output."""
    return timezone.localtime().strftime("%H:%M:%S")


def in_words(states: dict[str, int]) -> str:
    """Counts by state as a list: “3 SENDING, 1 ERROR”."""
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing to do"
