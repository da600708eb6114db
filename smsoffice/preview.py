"""How a text will look on the phone: what every page that shows one shows."""

from __future__ import annotations

from dataclasses import dataclass

from smsoffice.encoding import Encoding, Measured, Replacement, apply_accent_policy, measure


@dataclass(frozen=True, slots=True)
class Look:
    """A rendered text as it will be sent: the text, its segments, and what was replaced in it."""

    content: str
    measured: Measured
    replaced: list[Replacement]

    @property
    def parts(self) -> int:
        """How many segments the gateway counts."""
        return len(self.measured.segments)

    @property
    def capacity(self) -> int:
        """Units that its segments hold together."""
        return self.measured.capacity * self.parts

    @property
    def is_plain(self) -> bool:
        """Whether it is sent in GSM-7."""
        return self.measured.encoding is Encoding.GSM7


def look_at(text: str) -> Look:
    """The look of a rendered text under PYMESS_SMS_USE_ACCENT."""
    content, replaced = apply_accent_policy(text)
    return Look(content, measure(content), replaced)


def look_at_sent(content: str) -> Look:
    """The look of a message's stored text, whatever the settings are now."""
    return Look(content, measure(content), [])
