"""What a test has accepted for sending, whatever became of it."""

from __future__ import annotations

from smsoffice.models.sms import OutputSMSMessage
from smsoffice.phone import to_e164


def outbox() -> list[OutputSMSMessage]:
    """All messages, in the order in which they were accepted."""
    return list(OutputSMSMessage.objects.order_by("pk"))


def assert_sms_sent(
    *,
    to: str | None = None,
    template: str | None = None,
    contains: str | None = None,
    tag: str | None = None,
    count: int = 1,
) -> list[OutputSMSMessage]:
    """Assert that exactly so many messages were accepted that fit all that is given.

    A message counts as soon as it is accepted: in a test's transaction nothing commits, so nothing is handed over.

    Args:
        to: the recipient, in any spelling.
        template: the template's slug.
        contains: a part of the text as it is sent.
        tag: the message's tag.
        count: how many; 0 asserts that there is none.

    Returns:
        The messages that fit.

    Raises:
        AssertionError: there are more or fewer; it lists what was accepted.
    """
    number = to_e164(to) if to else None
    sent = outbox()
    fitting = [
        message
        for message in sent
        if (number is None or message.recipient == number)
        and (template is None or message.template_slug == template)
        and (contains is None or contains in message.content)
        and (tag is None or message.tag == tag)
    ]
    if len(fitting) != count:
        asked = {"to": number, "template": template, "contains": contains, "tag": tag}
        wanted = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None) or "any"
        lines = [
            f"  to {m.recipient}, template {m.template_slug or '-'}, tag {m.tag or '-'}: {m.content}" for m in sent
        ]
        listed = "\n".join(lines) or "  nothing"
        found = "1 message fits" if len(fitting) == 1 else f"{len(fitting)} messages fit"
        raise AssertionError(f"{found} ({wanted}), not {count}. Accepted were:\n{listed}")
    return fitting
