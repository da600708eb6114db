"""Pigeon, the small way: a backend that only publishes."""

from __future__ import annotations

import json
from typing import ClassVar

from django.conf import settings

from smsoffice.backend.sms import SMSBackend
from smsoffice.backend.sms.http import HTTPClient
from smsoffice.models.sms import OutputSMSMessage


class SmallPigeonSMSBackend(SMSBackend):
    """Pigeon: set PIGEON_CONFIG."""

    name: ClassVar[str] = "Pigeon"
    config_setting: ClassVar[str] = "PIGEON_CONFIG"

    def __init__(self) -> None:
        self.http = HTTPClient()

    def publish_message(self, message: OutputSMSMessage) -> None:
        config = getattr(settings, self.config_setting)
        headers = {"Content-Type": "application/json", "X-Loft": config["LOFT"], "X-Key": config["KEY"]}
        letter = {"ref": f"{config['PREFIX']}-{message.pk}", "to": message.recipient, "text": message.content}
        answer = json.loads(self.http.post(config["URL"], json.dumps(letter).encode(), headers, config["TIMEOUT"]))
        if answer["fate"] == "taken":
            message.state = message.State.SENT
        elif answer["fate"] == "refused":
            message.state, message.error = message.State.ERROR, "Pigeon does not fly to this number."
        message.save()
