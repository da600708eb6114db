"""Gateways that take many messages in one XML document, under ids that we give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from lxml import etree

from smsoffice.backend.sms.base import Gateway, Message, logger
from smsoffice.backend.sms.http import HTTPClient
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.xml import carried, write
from smsoffice.states import State

Meanings = Mapping[str, tuple[State, Promise]]
"""What a gateway's codes say of a message: the state that it proves, and the words for it."""


class XMLBatchConfig(TypedDict):
    """What the settings of each of these gateways hold."""

    URL: str
    UNIQ_PREFIX: str
    TIMEOUT: float


class XMLBatchGateway(Gateway):
    """A gateway with a document for a batch; says how to write it and how to read the answer."""

    # No maximum is known of any of them. This is our choice: a lost answer leaves no more than so many in doubt.
    batch_size: ClassVar[int] = 200

    content_type: ClassVar[str]
    """What the gateway wants to be told of our documents."""

    def __init__(self) -> None:
        self.http = HTTPClient()

    @property
    def config(self) -> XMLBatchConfig:
        """The gateway's setting as it stands now."""
        raise NotImplementedError

    def submit(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        unsendable = Outcome(State.ERROR, words=_("The text has no character that the gateway can be given."))
        sendable, told = [], []
        for message in messages:
            # A document with an empty text could be refused as a whole.
            if carried(message.content).strip():
                sendable.append(message)
            else:
                told.append((message.pk, unsendable))
        return [*told, *self.submit_batch(sendable)] if sendable else told

    def submit_batch(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        """Hand over messages that have a text; as `submit`."""
        raise NotImplementedError

    def submission(self, messages: Sequence[Message]) -> etree._Element:
        """The document that hands messages over."""
        raise NotImplementedError

    def call(self, root: etree._Element) -> bytes:
        """The answer to a document; raises what `HTTPClient.post` does."""
        headers = {"Content-Type": self.content_type}
        return self.http.post(self.config["URL"], write(root), headers, self.config["TIMEOUT"])

    @property
    def own_prefix(self) -> str | None:
        prefix = self.config["UNIQ_PREFIX"]
        return f"{prefix}-" if prefix else ""

    def reference(self, message: Message) -> str:
        """The id that the gateway knows a message by, also when the prefix was another at the time."""
        return message.external_id or f"{self.own_prefix}{message.pk}"

    def by_key(
        self, messages: Sequence[Message], told: Iterable[tuple[str | None, Outcome]]
    ) -> Iterator[tuple[int, Outcome]]:
        """What was told of the messages of the call, by their keys; an id that is not exactly theirs is foreign."""
        keys = {self.reference(message).strip(): message.pk for message in messages}
        foreign = 0
        for id_, outcome in told:
            if (key := keys.get((id_ or "").strip())) is not None:
                yield key, outcome
            else:
                foreign += 1
        if foreign:
            logger.warning("%s spoke of %d messages that were not in the call", self.title(), foreign)


def meaning_of(code: str | None, meanings: Meanings) -> Outcome:
    """The outcome that a code stands for; UNKNOWN, with the code, where it stands for nothing that is known."""
    code = (code or "").strip()
    if code not in meanings:
        return Outcome(State.UNKNOWN, code, _("The gateway's code “%s” has no known meaning.") % code[:50])
    state, words = meanings[code]
    return Outcome(state, code, str(words))
