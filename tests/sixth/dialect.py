"""Pigeon's side of the wire, for the simulator."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from smsoffice.simulator import Fault, Kind, Outcome
from smsoffice.simulator.dialect import Answer, Call, Item, Request, Submission, Unreadable

FATES = {
    Outcome.TAKEN: "taken",
    Outcome.PENDING: "taken",
    Outcome.SENT: "flying",
    Outcome.UNDETERMINED: "flying",
    Outcome.DELIVERED: "landed",
    Outcome.PARTLY_DELIVERED: "landed",
    Outcome.NOT_DELIVERED: "lost",
    Outcome.NO_SUCH_NUMBER: "refused",
    Outcome.BAD_NUMBER: "refused",
    Outcome.TOO_LONG: "refused",
    Outcome.NOT_FOUND: "unheard of",
    Outcome.UNKNOWN_CODE: "eaten",
    Outcome.NOT_A_CODE: 999,
}


class PigeonDialect:
    name = "Pigeon"
    prefixes = ("/pigeon",)

    def parse(self, request: Request) -> Call:
        login = (request.headers.get("X-Loft", ""), request.headers.get("X-Key", ""))
        if request.method == "GET":
            return Call(Kind.STATUS, login, ids=tuple(parse_qs(request.query).get("ref", ())))
        try:
            said = json.loads(request.body)
            letter = Submission(said["ref"], said["to"], said["text"], sender="")
        except (ValueError, TypeError, KeyError):
            raise Unreadable("A letter is JSON with ref, to and text.") from None
        return Call(Kind.SUBMIT, login, submissions=(letter,))

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        said = {"ref": items[0].id, "fate": FATES[items[0].outcome]} if items else {}
        return Answer(json.dumps(said).encode(), "application/json")

    def refuse_login(self) -> Answer:
        return Answer(b"Nobody knows this loft.", status=401)
