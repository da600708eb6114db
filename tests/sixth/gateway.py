"""Pigeon (an invented gateway): JSON, a call a message, which it knows by the reference that we give it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings

from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.http import HTTPClient, check_status
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.exceptions import OutcomeUnknown
from smsoffice.states import State

FATES = {
    "taken": (State.SENDING, "Taken by the loft."),
    "flying": (State.SENT, "On its way."),
    "landed": (State.DELIVERED, "Delivered."),
    "lost": (State.ERROR, "The pigeon did not arrive."),
    "refused": (State.ERROR, "Pigeon does not fly to this number."),
    "unheard of": (State.WAITING, "Pigeon does not know this message."),
}
"""What Pigeon says of a message: the state that it proves, and the words for the operator."""


class PigeonSMSBackend(OneByOneGateway):
    """Pigeon: set PIGEON_CONFIG."""

    name: ClassVar[str] = "Pigeon"
    config_setting: ClassVar[str] = "PIGEON_CONFIG"
    required: ClassVar[tuple[str, ...]] = ("URL", "LOFT", "KEY", "PREFIX")

    def __init__(self) -> None:
        self.http = HTTPClient(self.threads)

    @property
    def config(self) -> dict[str, Any]:
        return {"TIMEOUT": 10, **getattr(settings, self.config_setting)}

    @property
    def call_deadline(self) -> timedelta:
        # A time to connect, one to take what we say and one to answer.
        return timedelta(seconds=3 * self.config["TIMEOUT"])

    @property
    def own_prefix(self) -> str:
        return f"{self.config['PREFIX']}-"

    def submit_one(self, message: Message) -> Outcome:
        letter = {"ref": message.external_id, "to": message.recipient, "text": message.content}
        return self._fate(message, self._call("POST", json=letter))

    def ask_one(self, message: Message) -> Outcome:
        return self._fate(message, self._call("GET", params={"ref": message.external_id}))

    def _call(self, method: str, **request: Any) -> bytes:
        config = self.config
        headers = {"X-Loft": config["LOFT"], "X-Key": config["KEY"]}
        return self.http.call(method, config["URL"], config["TIMEOUT"], check_status, headers=headers, **request).body

    def _fate(self, message: Message, body: bytes) -> Outcome:
        try:
            answer = json.loads(body)
            ref, fate = answer["ref"], str(answer["fate"])
        except (ValueError, TypeError, KeyError):
            raise OutcomeUnknown("The gateway's answer is not one of Pigeon's.") from None
        if ref != message.external_id:
            raise OutcomeUnknown("The gateway's answer does not mention this message.")
        state, words = FATES.get(fate, (State.UNKNOWN, "Pigeon says what nobody here knows."))
        return Outcome(state, code=fate, words=words)
