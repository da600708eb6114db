"""The objects chosen in a host's list: what their admin says of them, which templates fit, and what each would get."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from smsoffice import phone, rendering
from smsoffice.backend.sms import get_template_model
from smsoffice.exceptions import InvalidRecipient, MissingVariables, SMSError, TemplateError
from smsoffice.models.accept import draft
from smsoffice.models.sms import AbstractSMSTemplate, OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.send_selected import SendSMSMixin

logger = logging.getLogger(__name__)


@dataclass
class Row:
    """A chosen object and what it would get.

    Args:
        obj: the host's object.
        recipient: its number as the host has it.
        context: the plain data for the template.
        reason: why it gets nothing; empty while nothing stands against it.
        message: the unsaved message, once it was drafted.
    """

    obj: Model
    recipient: Any = None
    context: Any = None
    reason: str | Promise = ""
    message: OutputSMSMessage | None = None

    @cached_property
    def number(self) -> str:
        """Its number in E.164 if it is one; else as the host has it."""
        try:
            return phone.to_e164(self.recipient)
        except InvalidRecipient:
            return "" if self.recipient is None else str(self.recipient)


def read(page: SendSMSMixin, objects: Iterable[Model]) -> list[Row]:
    """What the host's admin says of the objects; one that it cannot say anything of stops no other."""
    with override(settings.LANGUAGE_CODE):
        return [_read(page, obj) for obj in objects]


def _read(page: SendSMSMixin, obj: Model) -> Row:
    try:
        return Row(obj, page.get_sms_recipient(obj), page.get_sms_context(obj))
    except Exception:
        logger.exception("%s cannot tell what is sent for %s %s.", type(page).__name__, obj._meta.label, obj.pk)
        return Row(obj, reason=gettext_lazy("Its data could not be read. The site's log tells why."))


# --- Which templates fit ---------------------------------------------------------------------------------------------


def fitting(rows: Sequence[Row]) -> list[AbstractSMSTemplate]:
    """The active templates all of whose needed variables one of the objects has, at least by name."""
    contexts = [row.context for row in rows if isinstance(row.context, Mapping)]
    known: dict[str, bool] = {}

    def offered(name: str) -> bool:
        if name not in known:
            known[name] = any(_has(context, name) for context in contexts)
        return known[name]

    active = get_template_model()._default_manager.filter(is_active=True).order_by("slug")
    return [template for template in active if (needs := _needs(template)) is not None and all(map(offered, needs))]


def _needs(template: AbstractSMSTemplate) -> list[str] | None:
    """The variables without which it is not sent; None where its text is broken."""
    try:
        return [use.name for use in rendering.variables(template.get_body()) if use.required]
    except TemplateError:
        return None


def _has(data: Any, name: str) -> bool:
    for part in name.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, (list, tuple)) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return False
    return True


def names_on_offer(rows: Iterable[Row]) -> list[str]:
    """The variables that the objects have, as a template writes them."""
    found: dict[str, None] = {}
    for row in rows:
        if isinstance(row.context, Mapping):
            found.update(dict.fromkeys(_names(row.context)))
    return list(found)


def _names(data: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from _names(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


# --- What each would get ---------------------------------------------------------------------------------------------


def draft_all(rows: Iterable[Row], template: AbstractSMSTemplate, options: Mapping[str, Any]) -> None:
    """Give each row its unsaved message, or the reason why it gets none.

    Args:
        options: the columns that all messages share, as `clean_options` gives them.
    """
    texts: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.reason:
            continue
        try:
            message = _drafted(row, template, options)
        except SMSError as error:
            row.reason = error.message if isinstance(error, MissingVariables) else str(error)
            continue
        except Exception:
            # The host's own `render_body` or `can_send`.
            logger.exception("Template %s cannot be filled in for %s %s.", template, row.obj._meta.label, row.obj.pk)
            row.reason = _("The template could not be filled in. The site's log tells why.")
            continue
        first = texts.setdefault((message.recipient, message.content), row)
        if first is row:
            row.message = message
        else:
            row.reason = _("The same text goes to this number already, for %(name)s.") % {"name": first.obj}


def _drafted(row: Row, template: AbstractSMSTemplate, options: Mapping[str, Any]) -> OutputSMSMessage:
    try:
        with override(settings.LANGUAGE_CODE):
            return _message(row, template, options)
    except SMSError:
        # Once more for the words: a text is written in the site's language, an error in the reader's.
        return _message(row, template, options)


def _message(row: Row, template: AbstractSMSTemplate, options: Mapping[str, Any]) -> OutputSMSMessage:
    if not str(row.recipient or "").strip():
        raise InvalidRecipient(_("There is no phone number."))
    if not template.can_send(row.recipient, row.context):
        raise InvalidRecipient(_("The template may not be sent to this recipient."))
    return draft(row.recipient, template.render_body(row.context), options, template=template)


def fingerprint(rows: Iterable[Row]) -> str:
    """What tells one set of texts and numbers from another: what was shown is what may be sent."""
    told = [[str(row.obj.pk), row.message.recipient, row.message.content] for row in rows if row.message]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
