"""The versions of a template: who wrote what and when, what is different now, and how to bring one back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext

from smsoffice.models.sms import AbstractSMSTemplate

A_PAGE = 20
MOST_WORDS = 2000
"""Longer texts are compared by the line: comparing by the word would take too long."""

NOT_BROUGHT_BACK = frozenset({"slug", "is_active"})
"""A slug is how callers know it, and a switch is no part of the text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text in a difference: `same`, `gone` or `new`."""

    kind: str
    text: str


def difference(old: str, new: str) -> list[Piece]:
    """What must be taken out of `old` and put in to make `new`, by the word."""
    before, after = _words(old), _words(new)
    if max(len(before), len(after)) > MOST_WORDS:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[i:j])))
            continue
        pieces += [Piece("gone", "".join(before[i:j]))] if i < j else []
        pieces += [Piece("new", "".join(after[k:m]))] if k < m else []
    return pieces


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", text)


def restored(template: AbstractSMSTemplate, version: int) -> Any:
    """Put a version's text into an instance that is not to be saved; gives back the version, None if there is none."""
    found = template.history.filter(version=version).select_related("history_user").first()
    if found is None:
        return None
    for field in _written(template):
        setattr(template, field.attname, getattr(found, field.attname))
    return found


def _written(template: AbstractSMSTemplate) -> list[Any]:
    kept = AbstractSMSTemplate.NOT_VERSIONED | NOT_BROUGHT_BACK
    tracked = {field.name for field in template.history.model._meta.concrete_fields}
    fields = [field for field in template._meta.concrete_fields if not field.primary_key and field.name not in kept]
    return [field for field in fields if field.name in tracked]


def latest_change(template: AbstractSMSTemplate) -> Any:
    """Who wrote the stored version, and when; None where no history is kept of it."""
    return template.history.select_related("history_user").first()


class HistoryPages(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such parameter at run time
    """The page “Versions”, at the stock address of an object's history."""

    object_history_template = "admin/smsoffice/smstemplate/object_history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The versions, newest first, each with what is different now."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            lost: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            return lost
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        kept = obj.history.select_related("history_user")
        page = Paginator(kept, A_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Versions of %(template)s") % {"template": obj},
            "module_name": capfirst(str(self.opts.verbose_name_plural)),
            "object": obj,
            "opts": self.opts,
            "page": page,
            "versions": [self._version(obj, one) for one in page],
            "may_change": self.has_change_permission(request, obj),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)

    def _version(self, obj: AbstractSMSTemplate, kept: Any) -> dict[str, Any]:
        others = [field for field in _written(obj) if field.name != "body"]
        differing = [field for field in others if getattr(kept, field.attname) != getattr(obj, field.attname)]
        return {
            "kept": kept,
            "is_present": kept.version == obj.version,
            "difference": difference(kept.body, obj.body) if kept.body != obj.body else None,
            "differing": [capfirst(str(field.verbose_name)) for field in differing],
        }
