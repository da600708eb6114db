"""Accepting and sending beside 1,000,000 messages and beside none, in turn: what is there already must not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from typing import Any

from django.test import override_settings

from smsoffice import delivery
from smsoffice.backend.sms import bulk_send_template, send_template
from smsoffice.backend.sms.sms_operator import SMSOperatorBackend
from smsoffice.models.batch import Batch
from smsoffice.models.sms import SMSTemplate
from smsoffice.states import State
from tests.benchmarks.accept import BODY
from tests.benchmarks.harness import House, clocked, gateway
from tests.benchmarks.log_export import verdict

ROUNDS = 11
SINGLE, BULK = 100, 2_000
"""Messages of a round: accepted one by one, and in bulk."""

MOST_GROWTH = 1.2
SLUG = "growth"


class Sender:
    """Who sends from one house; no number is used twice."""

    def __init__(self, house: House, numbers: Iterator[int]) -> None:
        self.house, self.numbers = house, numbers
        self.took: dict[str, list[float]] = {}
        house.enter()
        SMSTemplate.objects.create(slug=SLUG, body=BODY)
        # What waited before is not part of what is measured.
        Batch.objects.update(status=Batch.Status.PAUSED)

    def rows(self, how_many: int) -> Iterator[dict[str, Any]]:
        """Rows to numbers of which the local gateway delivers all."""
        for _row in range(how_many):
            n = next(self.numbers)
            data = {"customer": {"name": f"Petře {n}"}, "order": n, "shop": "Brno", "until": "23. 11."}
            yield {"recipient": f"+420{602_000 + n // 900}{100 + n % 900}", "context_data": data}

    def round(self) -> None:
        """Accept some messages one by one and many at once, and hand all of them over."""
        self.house.enter()
        self._clock(f"accept {SINGLE} one by one", self._accept_one_by_one)
        self._clock(f"accept {BULK:,} in bulk", self._accept_in_bulk)
        self._clock(f"hand over {SINGLE + BULK:,}", self._hand_over)

    def _clock(self, what: str, job: Callable[[], None]) -> None:
        with clocked() as took:
            job()
        self.took.setdefault(what, []).append(took[0])

    def _accept_one_by_one(self) -> None:
        for row in self.rows(SINGLE):
            send_template(row["recipient"], SLUG, row["context_data"])

    def _accept_in_bulk(self) -> None:
        assert bulk_send_template(SLUG, self.rows(BULK)).accepted == BULK

    def _hand_over(self) -> None:
        done = delivery.send_waiting()
        assert done.states == {State.SENDING: SINGLE + BULK}, done


def compare(empty: House, full: House) -> None:
    """A line for each of the three, and whether it costs the same in both."""
    with gateway(0) as base:
        config = {"URL": f"{base}/sms-operator", "USERNAME": "simulator", "PASSWORD": "simulator", "TIMEOUT": 10}
        chosen = {"PYMESS_SMS_SENDER_BACKEND": SMSOperatorBackend.path(), "PYMESS_SMS_OPERATOR_CONFIG": config}
        with override_settings(**chosen, PYMESS_SMS_BATCH_SENDING=True):
            numbers = count()
            senders = [Sender(house, numbers) for house in (empty, full)]
            for _round in range(ROUNDS):
                for sender in senders:
                    sender.round()
    beside_none, beside_many = (sender.took for sender in senders)
    print(f"{'ms':<28} {'beside 0':>9} {'1,000,000':>10} {'ratio':>6}")
    for what in beside_none:
        few, many = (1000 * median(took[what]) for took in (beside_none, beside_many))
        print(f"{what:<28} {few:>9.0f} {many:>10.0f} {many / few:>6.2f}   {verdict(many / few <= MOST_GROWTH)}")
