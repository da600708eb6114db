"""The errors that callers and gateways can meet, each with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils.translation import gettext as _


class SMSError(Exception):
    """Anything that smsoffice refuses; its text is a sentence that may be shown to an operator."""


class InvalidRecipient(SMSError, ValueError):
    """The recipient is not a possible phone number; the text says why."""


class InvalidContent(SMSError, ValueError):
    """The text cannot be sent: it is empty or too long."""


class InvalidOption(SMSError, ValueError):
    """An option of a send (a time, a priority, a tag, a key) makes no sense; the text names it."""


class TemplateNotFound(SMSError, LookupError):
    """There is no template with this slug."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        words = _("There is no SMS template with the slug “%(slug)s”. Create it or correct the slug.")
        super().__init__(words % {"slug": slug})


class TemplateOff(SMSError):
    """The template is switched off; nothing is written from it."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(_("The template “%(slug)s” is switched off. Switch it on to send.") % {"slug": slug})


class TemplateError(SMSError, ValueError):
    """The body of a template cannot be compiled or rendered.

    Args:
        message: the sentence, without the place.
        line: 1-based line of the body, where it is known.
        column: 1-based column in that line, where it is known.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.message, self.line, self.column = message, line, column
        placed = {"line": line, "column": column, "message": message}
        super().__init__(_("Line %(line)s, column %(column)s: %(message)s") % placed if line else message)


class MissingVariables(TemplateError):
    """The data lacks variables that the template needs, or has nothing in them.

    Args:
        names: the variables as the template writes them ("customer.name").
        empty: those of them that the data has, but as None or as an empty list.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        line: int | None = None,
        column: int | None = None,
        *,
        empty: tuple[str, ...] = (),
    ) -> None:
        self.names, self.empty = names, empty
        lacking, hollow = _quoted(name for name in names if name not in empty), _quoted(empty)
        sentences = []
        if lacking:
            sentences.append(_("The data lacks %(names)s, which the template needs.") % {"names": lacking})
        if hollow:
            sentences.append(_("The data has nothing in %(names)s, which the template needs.") % {"names": hollow})
        super().__init__(" ".join(sentences), line, column)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(_("“%s”") % name for name in names)


class UnsafeData(SMSError, TypeError):
    """context_data holds something else than plain data; the text says what to pass instead."""


class GatewayError(SMSError):
    """What a gateway's client raises when a whole call failed.

    Args:
        words: what happened, in words for an operator and without secrets.
        code: the gateway's own code, as received.
    """

    def __init__(self, words: str, code: str = "") -> None:
        self.words, self.code = words, code
        super().__init__(words)


class RefusedForUs(GatewayError):
    """The gateway refuses us (credentials, account, configuration). Nothing was accepted."""


class NotNow(GatewayError):
    """The gateway cannot take it now. Nothing was accepted; it may be handed over later.

    Args:
        retry_after: the wait that the gateway asked for, if it did.
    """

    def __init__(self, words: str, code: str = "", retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(words, code)


class OutcomeUnknown(GatewayError):
    """The call may have been accepted: it left, and no trustworthy answer came back."""
