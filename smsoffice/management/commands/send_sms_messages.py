"""Hand over what waits."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from smsoffice import delivery
from smsoffice.management.rounds import RoundsCommand, Stopping, clock, in_words
from smsoffice.models.batch_work import BatchWork
from smsoffice.models.rounds import CommandRun, Heartbeat


class Command(RoundsCommand):
    help = "Hand over the messages that wait, by priority and age; several at once are harmless."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=int, metavar="N", help="Hand over at most N messages a round.")

    def handle(self, *args: Any, limit: int | None, interval: float | None, verbosity: int, **options: Any) -> None:
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1.")

        heartbeat = Heartbeat(CommandRun.Name.SEND, interval)
        background = None if interval is None else BatchWork()

        def one_round(stopping: Stopping) -> str:
            with tqdm(unit=" SMS", file=self.stderr, disable=None if interval is None and verbosity else True) as bar:
                try:

                    def progress(handed_over: int) -> None:
                        bar.update(handed_over)
                        self.database_answers()
                        # A round may last for hours.
                        heartbeat()

                    done = delivery.send_waiting(
                        limit,
                        knock=interval is None,
                        stopping=stopping,
                        progress=progress,
                        background=background,
                    )
                except ImproperlyConfigured as error:
                    raise CommandError(str(error)) from error
            heartbeat(in_words(done.states) if done.states else "")
            if interval is None or done.taken or done.out_of_time:
                # Who stays says on stderr that the gateway is not well, and when it is again.
                why = f" {done.put_off}" if done.put_off and interval is None else ""
                self.stdout.write(f"{clock()} {_summary(done)}{why}")
            if done.refusal:
                return f"The gateway refuses us: {done.refusal} Nothing is lost; the messages wait."
            return done.put_off if interval is not None else ""

        self.repeat(interval, one_round)


def _summary(done: delivery.SendRound) -> str:
    handed_over = in_words(done.states) if done.states or not done.put_back else "nothing"
    back = f"; put back: {done.put_back}" if done.put_back else ""
    late = f"; {done.out_of_time} ran out of time" if done.out_of_time else ""
    return f"Handed over: {handed_over}{back}{late}."
