"""The live preview: a body and values become the text on the phone, its price, and what is wrong with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, override
from django.views.decorators.http import require_POST

from smsoffice import rendering
from smsoffice.admin.template_advice import Accents, Costly, Shorter, accents, costly, marked, shorter
from smsoffice.admin.template_form import as_sent, typed_variables
from smsoffice.exceptions import MissingVariables, SMSError, TemplateError
from smsoffice.models.accept import MAX_SEGMENTS, clean_content
from smsoffice.models.sms import AbstractSMSTemplate
from smsoffice.preview import Look, declared, example_data, look_at, look_at_sent

log = logging.getLogger(__name__)

EXAMPLE, LONGEST = "example", "longest"
LONGEST_LAST = MAX_SEGMENTS * 153
"""Characters of the last good text that a page may hand back."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template with one set of values: its text and look, or why there are none, or why it cannot be sent."""

    text: str = ""
    look: Look | None = None
    error: SMSError | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables that the values lack."""
        return self.error.names if isinstance(self.error, MissingVariables) else ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, and nothing wrong either."""
        return self.look is not None and not self.look.content.strip()

    @property
    def can_be_sent(self) -> bool:
        """Whether the gateway would get it as it is shown."""
        return self.look is not None and self.error is None and not self.is_empty


def rendered(template: AbstractSMSTemplate, data: Any) -> Rendered:
    """What would be sent from a template, saved or not, with these values."""
    try:
        text = _text(template, data)
    except SMSError as error:
        return Rendered(error=error)
    except Exception:
        # The host's own `render_body` runs here. Neither the list nor the editor may fall with it.
        log.exception("The template model %s cannot render.", type(template).__name__)
        return Rendered(error=TemplateError(gettext("The template cannot be rendered. The site's log tells why.")))
    look = look_at(text)
    try:
        clean_content(text)
    except SMSError as error:
        return Rendered(text, look, error)
    return Rendered(text, look)


def _text(template: AbstractSMSTemplate, data: Any) -> str:
    try:
        with override(settings.LANGUAGE_CODE):
            return template.render_body(data)
    except SMSError:
        # Once more for the words: a text is written in the site's language, an error in the reader's.
        return template.render_body(data)


def as_json(shown: Rendered) -> dict[str, Any]:
    """The facts for a program; the names are the design's."""
    facts: dict[str, Any] = {"content": "", "encoding": "", "units": 0, "segments": [], "replaced": []}
    if shown.look:
        measured = shown.look.measured
        facts = {
            "content": shown.look.content,
            "encoding": measured.encoding.value,
            "units": measured.units,
            "segments": [{"text": part.text, "units": part.units} for part in measured.segments],
            "replaced": [
                {"original": one.original, "replacement": one.replacement, "count": one.count}
                for one in shown.look.replaced
            ],
        }
    errors = [_error_as_json(shown.error)] if shown.error else []
    return {**facts, "errors": errors, "missing": list(shown.missing)}


def _error_as_json(error: SMSError) -> dict[str, Any]:
    if isinstance(error, TemplateError):
        return {"message": error.message, "line": error.line, "column": error.column}
    return {"message": str(error), "line": None, "column": None}


@dataclass(frozen=True, slots=True)
class Hint:
    """A variable that the body and the declaration do not agree on."""

    name: str
    line: int | None = None
    column: int | None = None
    is_declared: bool = False
    is_needed: bool = False

    @property
    def is_unused(self) -> bool:
        """Whether it is declared, and the body has no use for it."""
        return self.line is None


class Panel:
    """All that the editor shows of a template as it is typed now.

    Args:
        template: with the body and the variables as typed, saved or not.
        values: EXAMPLE or LONGEST, whichever the phone is to show.
        last: the last text that could be shown, while the new one cannot.
    """

    def __init__(self, template: AbstractSMSTemplate, values: str = EXAMPLE, last: str = "") -> None:
        self.template = template
        self.values = values if values in (EXAMPLE, LONGEST) else EXAMPLE
        self.example = rendered(template, example_data(template.variables))
        self.longest = rendered(template, example_data(template.variables, longest=True))
        self.last = look_at_sent(last) if last and len(last) <= LONGEST_LAST else None

    @property
    def shown(self) -> Rendered:
        """What the phone shows."""
        return self.longest if self.values == LONGEST else self.example

    @property
    def is_blank(self) -> bool:
        """Whether nobody has written anything yet."""
        return not self.template.body.strip() or self.shown.is_empty

    @cached_property
    def problem(self) -> TemplateError | SMSError | None:
        """Why the text cannot be sent, whatever the values are; what an example lacks is a hint and no problem."""
        if self.is_blank or self.shown.missing:
            return None
        return self.shown.error

    @cached_property
    def hints(self) -> list[Hint]:
        """Used but not declared or without an example, then declared but not used; none while the body is broken."""
        try:
            uses = rendering.variables(self.template.get_body())
        except TemplateError:
            return []
        known = {row["name"]: row for row in declared(self.template.variables)}
        missing = {*self.example.missing, *self.longest.missing}
        hints = []
        for use in uses:
            is_declared = use.name in known
            if use.name in missing or not (is_declared or any(name.startswith(f"{use.name}.") for name in known)):
                hints.append(Hint(use.name, use.line, use.column, is_declared, use.name in missing))
        used = {use.name for use in uses}
        return hints + [Hint(name, is_declared=True) for name in known if not _is_used(name, used)]

    @property
    def names(self) -> list[str]:
        """The declared variables, to be inserted by a click."""
        return [row["name"] for row in declared(self.template.variables)]

    @property
    def has_longest(self) -> bool:
        """Whether somebody said how long a value may get."""
        return any(row.get("longest") not in (None, "") for row in declared(self.template.variables))

    @cached_property
    def costly(self) -> Costly | None:
        """The few signs that make it dearer."""
        return costly(self.shown.look, self.template.body) if self.shown.look else None

    @property
    def look(self) -> Look | None:
        """The text for the bubble, the costly signs marked."""
        return marked(self.shown.look, self.costly) if self.shown.look else None

    @cached_property
    def shorter(self) -> Shorter | None:
        """How much must go to save a part of the text that is shown."""
        return shorter(self.shown.look.content) if self.shown.look and not self.costly else None

    @cached_property
    def longest_shorter(self) -> Shorter | None:
        """How much must go for the longest values to stay at the parts of the examples."""
        if not self.longest_costs_more or not self.longest.look or not self.example.look:
            return None
        found = shorter(self.longest.look.content)
        return found if found and found.parts == self.example.look.parts else None

    @property
    def longest_costs_more(self) -> bool:
        """Whether the longest values make more parts than the examples."""
        pair = (self.longest.look, self.example.look)
        return bool(pair[0] and pair[1] and pair[0].parts > pair[1].parts)

    @cached_property
    def accents(self) -> Accents | None:
        """What accents cost."""
        return accents(self.shown.text, self.shown.look) if self.shown.look and not self.costly else None


def _is_used(name: str, used: set[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in used for length in range(1, len(parts) + 1))


class PreviewPages(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The address that the editor asks while somebody types."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        view = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", view, name=name), *super().get_urls()]

    @method_decorator(require_POST)
    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The facts as JSON, or with `Accept: text/html` the pieces of the page that show them. Stores nothing."""
        if not (self.has_view_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        try:
            asked = json.loads(request.body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("body", ""), str):
            words = gettext("Send JSON like %(example)s") % {"example": '{"body": "…", "context": {…}}'}
            return JsonResponse({"errors": [{"message": words, "line": None, "column": None}]}, status=400)
        template = self._template_of(request, asked)
        if request.get_preferred_type(["application/json", "text/html"]) != "text/html":
            given = asked["context"] if "context" in asked else example_data(template.variables)
            return JsonResponse(as_json(rendered(template, given)))
        last = asked.get("last")
        panel = Panel(template, str(asked.get("values", EXAMPLE)), last if isinstance(last, str) else "")
        html = render_to_string("admin/smsoffice/includes/preview_pieces.html", self.panel_context(request, panel))
        # Half a letter, which a program may send, has no place in an answer.
        return HttpResponse(html.encode("utf-8", "replace"))

    def panel_context(self, request: HttpRequest, panel: Panel) -> dict[str, Any]:
        """What the pieces of the page need beside the panel itself."""
        return {"panel": panel}

    def _template_of(self, request: HttpRequest, asked: Mapping[str, Any]) -> AbstractSMSTemplate:
        # A body that alone makes the text needs no question to the database.
        stored = None
        if asked.get("template") and ("body" not in asked or not _is_body_alone(self.model)):
            stored = self.get_object(request, str(asked["template"]))
        if stored is not None and not self.has_view_permission(request, stored):
            raise PermissionDenied
        template: AbstractSMSTemplate = self.model() if stored is None else stored
        if "body" in asked:
            template.body = asked["body"] if "context" in asked else as_sent(asked["body"])
        if "variables" in asked:
            template.variables = typed_variables(asked["variables"])
        return template


def _is_body_alone(model: type[Model]) -> bool:
    return all(getattr(model, name) is getattr(AbstractSMSTemplate, name) for name in ("get_body", "render_body"))
