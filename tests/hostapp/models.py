"""The host's template model, and an object of the host's with a UUID for a key."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage


class CompanyTemplate(AbstractSMSTemplate):
    """A template that may be switched off, signs every text, and sends as pymess knows it."""

    def get_body(self) -> str:
        return f"{self.body} Your {{{{ company }}}}."

    def can_send(self, recipient: str, context_data: Mapping[str, Any]) -> bool:
        return self.is_active

    def send(  # type: ignore[override]
        self,
        recipient: str,
        context_data: Mapping[str, Any],
        related_objects: Iterable[models.Model] | None = None,
        tag: str | None = None,
    ) -> OutputSMSMessage | None:
        return super().send(recipient, context_data, related_objects, tag or "company")


class Parcel(models.Model):
    """What a message may belong to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    def __str__(self) -> str:
        return str(self.id)
