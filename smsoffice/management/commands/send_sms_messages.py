"""Hand over what waits."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from smsoffice import delivery
from smsoffice.management.rounds import RoundsCommand, Stopping, clock, in_words


class Command(RoundsCommand):
    help = "Hand over the messages that wait, by priority and age; several at once are harmless."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=int, metavar="N", help="Hand over at most N messages a round.")

    def handle(self, *args: Any, limit: int | None, interval: float | None, verbosity: int, **options: Any) -> None:
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1.")

        def one_round(stopping: Stopping) -> str:
            with tqdm(unit=" SMS", file=self.stderr, disable=None if interval is None and verbosity else True) as bar:
                try:
                    done = delivery.send_waiting(limit, knock=interval is None, stopping=stopping, progress=bar.update)
                except ImproperlyConfigured as error:
                    raise CommandError(str(error)) from error
            if interval is None or done.taken or done.out_of_time:
                late = f"; {done.out_of_time} ran out of time" if done.out_of_time else ""
                self.stdout.write(f"{clock()} Handed over: {in_words(done.states)}{late}.")
            if done.refusal:
                return f"The gateway refuses us: {done.refusal} Nothing is lost; the messages wait."
            return done.put_off if interval is not None else ""

        self.repeat(interval, one_round)
