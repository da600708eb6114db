"""How a row of a list becomes a message, or why it is refused."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import phone, rendering
from smsoffice.exceptions import (
    InvalidContent,
    InvalidOption,
    InvalidRecipient,
    MissingVariables,
    SMSError,
    TemplateError,
    TemplateNotFound,
    TemplateOff,
)
from smsoffice.models.accept import clean_content, clean_options, draft
from smsoffice.models.batch import Batch
from smsoffice.models.sms import PRIORITY_BULK, AbstractSMSTemplate, OutputSMSMessage
from smsoffice.preview import LONGEST_NAME, nested
from smsoffice.sheets import fault_of, number_column_of, position

logger = logging.getLogger("smsoffice.batch")

_NAME = re.compile(r"\w+(?:\.\w+){0,8}")
_SHOWN = 100
"""How many characters of a refused cell are shown and kept."""


class RowRefused(SMSError):
    """A row that is not sent.

    Args:
        column: the name of the column that is to blame, "" where it is the whole row.
        cell: what stands there, as typed.
        reason: a sentence.
        kind: the sentence without what is this row's alone, by which reasons are counted; the reason where left out.
    """

    def __init__(self, column: str, cell: str, reason: str, kind: str = "") -> None:
        self.column, self.cell, self.reason = column, _shortened(cell), reason
        self.kind = kind or reason
        super().__init__(reason)


@dataclass(frozen=True)
class Plan:
    """What is sent to the rows of a list: how a row becomes a message.

    Args:
        template: None for an own text; a copy, whose body is that of the plan.
        body: the template's text, or the own one.
        values: for every row that does not bring its own, by the names of the variables.
        columns: the names of the list's columns; "" for one without a name.
        number_column: the place of the numbers among them.
        options: the columns that all messages share, as `clean_options` gives them.
    """

    template: AbstractSMSTemplate | None
    body: str
    values: Mapping[str, Any]
    columns: Sequence[str]
    number_column: int
    options: Mapping[str, Any]

    @classmethod
    def make(
        cls,
        template: AbstractSMSTemplate | None,
        own_text: str,
        values: Mapping[str, Any],
        columns: Sequence[str],
        *,
        number_column: int | None = None,
        tag: str | None = None,
        send_after: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Self:
        """The plan of a page that is just being filled in.

        Args:
            template: what is sent; None for `own_text`.
            values: common values by the variables' names (“order.number”); empty ones count as not given.
            columns: as `smsoffice.sheets.Sheet` has them.
            number_column: as the sheet has it; None: by its name, else the first.

        Raises:
            SMSError: nothing can be sent so, whatever the rows are; the text says why.
        """
        body = template.body if template else own_text
        if template:
            template = copy.copy(template)
            _refuse_unusable(template)
        else:
            _refuse_variables(own_text)
        if number_column is None:
            number_column = number_column_of(columns) or 0
        given = {name: value for name, value in values.items() if value not in (None, "")}
        options = clean_options(tag, send_after, expires_at, PRIORITY_BULK)
        return cls(template, body, given, tuple(columns), number_column, options)

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """The plan of a stored bulk send, with the text that it was stored with.

        Raises:
            SMSError: its template is gone or switched off, or its time has passed.
        """
        template = batch.template
        if batch.template_slug and template is None:
            raise TemplateNotFound(batch.template_slug)
        if batch.expires_at and batch.expires_at <= timezone.now():
            raise InvalidOption(_("The latest time of sending has passed. Set a later one."))
        if template:
            # A copy: the page may still ask what the template says now.
            template = copy.copy(template)
            template.body = batch.body
            template.version = batch.template_version or template.version
        return cls.make(
            template,
            batch.body,
            batch.values,
            batch.columns,
            number_column=batch.summary.get("number_column"),
            tag=batch.tag,
            send_after=batch.send_after,
            expires_at=batch.expires_at,
        )

    @cached_property
    def unused(self) -> list[str]:
        """The columns that the text does not use; those without a name are called by their position."""
        rest = [n for n in range(len(self.columns)) if n not in self._used and n != self.number_column]
        return [self.columns[n] or position(n) for n in rest]

    @cached_property
    def missing(self) -> list[str]:
        """The variables that the text needs and that neither a column nor a common value gives."""
        given = {*self.values, *self.columns}
        return [name for name in self._needed if not any(_same_tree(name, one) for one in given)]

    def draft(self, cells: Sequence[str]) -> OutputSMSMessage:
        """The unsaved message of a row.

        Raises:
            RowRefused: names the cell and says why.
        """
        self._refuse_ragged(cells)
        number_column, typed = self.columns[self.number_column], cells[self.number_column]
        for place in (self.number_column, *self._used):
            if fault := fault_of(cells[place]):
                raise RowRefused(self.columns[place], cells[place], fault)
        try:
            recipient = phone.to_e164(typed)
        except InvalidRecipient as error:
            raise RowRefused(number_column, typed, *_why_no_number(error)) from None
        try:
            return draft(recipient, self._content(recipient, cells), self.options, template=self.template)
        except RowRefused:
            raise
        except MissingVariables as error:
            raise RowRefused(error.names[0], "", error.message) from None
        except TemplateError as error:
            raise RowRefused("", "", error.message) from None
        except SMSError as error:
            raise RowRefused("", "", str(error)) from None
        except Exception as error:
            # The host's own code runs here: one row that it cannot read must not hold up the others.
            logger.warning("A row cannot be rendered by %s: %s", self.template, type(error).__name__)
            raise RowRefused("", "", _("The template cannot be rendered with this data.")) from error

    def _content(self, recipient: str, cells: Sequence[str]) -> str:
        if self.template is None:
            return self.body
        context = self._context(cells)
        for name, place in self._needed_columns:
            if not cells[place].strip():
                raise RowRefused(name, "", _("“%(name)s” is empty.") % {"name": name})
        if not self.template.can_send(recipient, context):
            words = _("The template may not be sent to this recipient.")
            raise RowRefused(self.columns[self.number_column], cells[self.number_column], words)
        # What is shown is what the queue will write, whoever looks at it in which language.
        with translation.override(settings.LANGUAGE_CODE):
            return self.template.render_body(context)

    def _context(self, cells: Sequence[str]) -> dict[str, Any]:
        values = {**self.values, **{name: cells[place] for name, place in self._named}}
        return nested(values) if self._is_nested else values

    def _refuse_ragged(self, cells: Sequence[str]) -> None:
        found, expected = len(cells), len(self.columns)
        if found == expected:
            return
        words = ngettext(
            "The row has %(found)d cell, and the list %(expected)d columns.",
            "The row has %(found)d cells, and the list %(expected)d columns.",
            found,
        )
        kind = _("The row has more or fewer cells than the list has columns.")
        raise RowRefused("", " | ".join(cells[: expected + 1]), words % {"found": found, "expected": expected}, kind)

    @cached_property
    def _named(self) -> list[tuple[str, int]]:
        """Names that a template can read, with their places."""
        return [
            (name, place)
            for place, name in enumerate(self.columns)
            if len(name) <= LONGEST_NAME and _NAME.fullmatch(name)
        ]

    @cached_property
    def _is_nested(self) -> bool:
        return any("." in name for name in (*self.values, *(name for name, _place in self._named)))

    @cached_property
    def _uses(self) -> list[rendering.VariableUse] | None:
        """The variables of the text; None where only the host's own renderer knows them."""
        if self.template is None:
            return []
        if not _is_ours(self.template):
            return None
        return rendering.variables(self.template.get_body())

    @cached_property
    def _needed(self) -> list[str]:
        return [use.name for use in self._uses or () if use.required]

    @cached_property
    def _used(self) -> list[int]:
        """The places of the columns that the text uses."""
        if self._uses is None:
            return [place for _name, place in self._named]
        names = [use.name for use in self._uses]
        return [place for column, place in self._named if any(_same_tree(name, column) for name in names)]

    @cached_property
    def _needed_columns(self) -> list[tuple[str, int]]:
        needed = set(self._needed)
        return [(name, place) for name, place in self._named if name in needed]


def _refuse_unusable(template: AbstractSMSTemplate) -> None:
    if not template.is_active:
        raise TemplateOff(template.slug)
    if _is_ours(template):
        # Said once, and not of each row; a host with another renderer knows itself what is broken.
        rendering.compile_body(template.get_body())


def _refuse_variables(own_text: str) -> None:
    if "{{" in own_text or "{%" in own_text:
        raise InvalidContent(_("Own text has no variables. Use a template."))
    clean_content(own_text)


def _is_ours(template: AbstractSMSTemplate) -> bool:
    return type(template).render_body is AbstractSMSTemplate.render_body


def _same_tree(name: str, column: str) -> bool:
    """Whether a variable and a column are one value, or one is a part of the other."""
    return name == column or name.startswith(f"{column}.") or column.startswith(f"{name}.")


def _why_no_number(error: InvalidRecipient) -> tuple[str, str]:
    """The reason without the number, which stands beside it; and without its details."""
    if error.__context__ is None or not str(error.__context__):
        return str(error), ""
    reason = str(error.__context__)
    kind = re.split(r":| \(", reason)[0]
    return _sentence(reason), _sentence(kind)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _shortened(cell: str) -> str:
    return cell if len(cell) <= _SHOWN else f"{cell[: _SHOWN - 1]}…"
