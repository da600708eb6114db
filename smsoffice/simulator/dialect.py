"""What every gateway's protocol has in common, so that a dialect is one small object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol

from smsoffice.simulator.faults import Fault


class Kind(StrEnum):
    """What a request is for."""

    SUBMIT = "submit"
    STATUS = "status"


class Outcome(Enum):
    """What an answer says of one message; each dialect has its own code for it."""

    TAKEN = "taken"
    REPEATED = "this id was taken before"
    PENDING = "unknown yet"
    SENT = "sent to the network operator"
    UNDETERMINED = "cannot be told"
    DELIVERED = "delivered"
    PARTLY_DELIVERED = "partly delivered"
    NOT_DELIVERED = "not delivered"
    NO_SUCH_NUMBER = "number does not exist"
    BAD_NUMBER = "bad number format"
    TOO_LONG = "text too long"
    NOT_FOUND = "id not found"
    UNKNOWN_CODE = "a code that no documentation has"
    NOT_A_CODE = "words where a number belongs"


class Submission(NamedTuple):
    """One message of a request, as the client wrote it. A gateway that mints ids does so while it parses."""

    id: str
    number: str
    text: str
    sender: str


class Item(NamedTuple):
    """What an answer says of one id."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, read whole."""

    method: str
    path: str
    headers: Message
    body: bytes
    query: str = ""


class Receipt(NamedTuple):
    """What a gateway posts to the address that a submitter gave, of its own accord."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the gateway understands it.

    Args:
        kind: whether it submits or asks.
        login: the username and password that it carried; None for a password that is not told but signed with.
        submissions: the messages to send, in their order.
        ids: the ids asked about, in their order.
        receipt: writes the delivery receipt of its message, for a gateway that pushes them.
        once: the gateway takes an id only once; one that comes again is told so and not accepted.
    """

    kind: Kind
    login: tuple[str, str | None]
    submissions: tuple[Submission, ...] = ()
    ids: tuple[str, ...] = ()
    once: bool = False
    receipt: Callable[[Item], Receipt | None] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; Content-Length is added where it is written."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Unreadable(Exception):
    """A request that breaks the protocol. Nothing of it is accepted.

    Args:
        words: what is wrong with it, for the one who wrote the client.
        status: the HTTP status to answer with.
        answer: what to answer, where the gateway has its own way of saying it.
    """

    def __init__(self, words: str, status: int = 400, answer: Answer | None = None) -> None:
        self.words, self.status = words, status
        self.answer = answer or Answer(words.encode(), status=status)
        super().__init__(words)


class Dialect(Protocol):
    """A gateway's protocol."""

    @property
    def name(self) -> str:
        """The gateway's name, for people."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The paths that it answers on, each with everything below it."""

    def parse(self, request: Request) -> Call:
        """Understand a request.

        Raises:
            Unreadable: it is not what the gateway's documentation asks for.
        """

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        """Write the answer to a call.

        Args:
            call: what was asked.
            items: what to say; not necessarily what was asked about.
            fault: where it is one of `faults.IN_THE_DOCUMENT` and the format knows it, the document has that fault.
            submit_status: the code of a message that was taken, where the gateway's meaning of it is disputed.
        """

    def refuse_login(self) -> Answer:
        """The answer to a wrong username or password."""
