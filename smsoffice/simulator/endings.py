"""What the last three digits of a number make of its message, so that one batch can hold good and bad ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from smsoffice.simulator.dialect import Item, Outcome, Submission
from smsoffice.simulator.faults import Fault


def unknown_code(item: Item) -> list[Item]:
    return [Item(item.id, Outcome.UNKNOWN_CODE)]


def not_a_code(item: Item) -> list[Item]:
    return [Item(item.id, Outcome.NOT_A_CODE)]


def missing(item: Item) -> list[Item]:
    return []


def foreign(item: Item) -> list[Item]:
    # Digits at the end, so that a client which reads a number out of its ids finds one here too.
    return [Item(f"{item.id}999999", item.outcome)]


def own(item: Item) -> list[Item]:
    return [item]


@dataclass(frozen=True)
class Ending:
    """The fate of a message.

    Args:
        words: it, for people.
        refused: why the message is not accepted; None: it is.
        becomes: what its status is at last.
        early: the status is at first "id not found", although the message was accepted.
        fault: what the whole request that submits it meets.
        says: what every answer, to a submit and to a question, has in the place of its item.
    """

    words: str
    refused: Outcome | None = None
    becomes: Outcome = Outcome.DELIVERED
    early: bool = False
    fault: Fault = Fault.NONE
    says: Callable[[Item], list[Item]] = own


NORMAL = Ending("delivered")

ENDINGS: dict[str, Ending] = {
    "001": Ending("refused: the number does not exist", refused=Outcome.NO_SUCH_NUMBER),
    "002": Ending("not delivered", becomes=Outcome.NOT_DELIVERED),
    "003": Ending("refused: the text is too long", refused=Outcome.TOO_LONG),
    "004": Ending("accepted, but the answer to the whole request comes late", fault=Fault.LATE),
    "005": Ending("accepted, but the request is not answered until the client leaves", fault=Fault.HANG_AFTER),
    "006": Ending("accepted, but the connection is reset without an answer", fault=Fault.CUT_AFTER),
    "007": Ending("nothing of the request accepted: the connection is reset", fault=Fault.CUT_BEFORE),
    "008": Ending("every answer has an unknown code for it", says=unknown_code),
    "009": Ending("every answer lacks it", says=missing),
    "010": Ending("every answer has a foreign id in its place", says=foreign),
    "011": Ending("every answer has words in the place of its code", says=not_a_code),
    "012": Ending("accepted; its status stays “unknown yet” for ever", becomes=Outcome.UNDETERMINED),
    "013": Ending("partly delivered", becomes=Outcome.PARTLY_DELIVERED),
    "014": Ending("accepted, but “id not found” for the first seconds; then delivered", early=True),
}
"""By the last three digits; a number with any other ending is delivered."""


def ending_of(number: str) -> Ending:
    """The fate of messages to a number."""
    return ENDINGS.get(number[-3:], NORMAL)


def fault_of(submissions: Iterable[Submission]) -> Fault:
    """What a request with these messages meets: of several faults, the one that leaves the least behind."""
    met = {ending_of(submission.number).fault for submission in submissions}
    order = (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HANG_AFTER, Fault.LATE)
    return next((fault for fault in order if fault in met), Fault.NONE)


def contradicted(item: Item) -> Item:
    """The item with an outcome that cannot be true beside its own."""
    is_lost = item.outcome is Outcome.NOT_DELIVERED
    return Item(item.id, Outcome.DELIVERED if is_lost else Outcome.NOT_DELIVERED)


def spoiled(items: list[Item], fault: Fault) -> list[Item]:
    """What an answer with this fault says in the place of `items`."""
    match fault:
        case Fault.UNKNOWN_CODES:
            return [spoilt for item in items for spoilt in unknown_code(item)]
        case Fault.MISSING_ITEMS:
            # The first goes too, so that an answer about a single message lacks it.
            return items[1::2]
        case Fault.FOREIGN_ITEMS:
            return [said for item in items for said in (item, *foreign(Item(item.id, Outcome.NOT_DELIVERED)))]
        case Fault.DUPLICATE_ITEMS:
            return [*items[:1], *map(contradicted, items[:1]), *items[1:]]
        case Fault.REORDERED:
            return items[::-1]
        case _:
            return items
