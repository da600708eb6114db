"""No gateway at all: for trying out and for tests."""

from __future__ import annotations

from typing import ClassVar

from smsoffice.backend.sms.base import SMSBackend
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State


class DummySMSBackend(SMSBackend):
    """Nothing is sent; every message goes to DEBUG."""

    name: ClassVar[str] = "Dummy"
    batch_size: ClassVar[int] = 500
    sends: ClassVar[bool] = False

    def publish_message(self, message: OutputSMSMessage) -> None:
        message.state = State.DEBUG
        message.save(update_fields=["state"])
