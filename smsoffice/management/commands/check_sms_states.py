"""Ask the gateways what became of messages."""

from __future__ import annotations

from typing import Any

from smsoffice import delivery
from smsoffice.management.rounds import RoundsCommand, Stopping, clock, in_words
from smsoffice.models.rounds import CommandRun, Heartbeat


class Command(RoundsCommand):
    help = "Ask the gateways about messages that are not final; several at once are harmless."

    def handle(self, *args: Any, interval: float | None, **options: Any) -> None:
        heartbeat = Heartbeat(CommandRun.Name.CHECK, interval)

        def one_round(stopping: Stopping) -> str:
            done = delivery.check_states(stopping)
            heartbeat(in_words(done.states) if done.states else "")
            if interval is None or done.states or done.given_up:
                given_up = f"; {done.given_up} are no longer asked about" if done.given_up else ""
                self.stdout.write(f"{clock()} Asked: {in_words(done.states)}{given_up}.")
            return " ".join(f"{path}: {words}" for path, words in done.errors.items())

        self.repeat(interval, one_round)
