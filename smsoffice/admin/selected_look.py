"""What an operator chose in a host's list, and what the page before the sending shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.core import signing
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from smsoffice.admin.selected_rows import draft_all, fingerprint, fitting, read
from smsoffice.admin.when import WhenForm
from smsoffice.models.accept import clean_options
from smsoffice.models.sms import PRIORITY_SINGLE, AbstractSMSTemplate, OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.admin.send_selected import SendSMSMixin

SALT = "smsoffice.send_selected"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The objects as they were chosen, in the order of the list, and the token by which they are sent to once."""

    keys: list[int | str]
    token: UUID

    def sealed(self, page: SendSMSMixin, request: HttpRequest) -> str:
        """The value of the hidden field; good for this user and this list only."""
        told = [page.opts.label, str(request.user.pk), str(self.token), self.keys]
        return signing.dumps(told, salt=SALT, compress=True)

    @classmethod
    def unsealed(cls, page: SendSMSMixin, request: HttpRequest) -> Chosen | None:
        """What the form brought back; None where it is missing, was changed, or is another's."""
        try:
            label, user, token, keys = signing.loads(request.POST.get("chosen", ""), salt=SALT)
        except signing.BadSignature:
            return None
        return cls(keys, UUID(token)) if [label, user] == [page.opts.label, str(request.user.pk)] else None

    def key(self, place: int) -> str:
        """The idempotency key of the message in this place, from 1; the first one is there once any was sent."""
        return f"selected-{self.token}-{place}"


class WhatForm(forms.Form):
    """Which template goes out, and under which tag."""

    template = forms.ChoiceField(
        error_messages={
            "required": gettext_lazy("Choose a template."),
            "invalid_choice": gettext_lazy("This template is no longer offered. Choose another."),
        }
    )
    tag = forms.CharField(max_length=100, required=False)

    def __init__(self, offered: Sequence[AbstractSMSTemplate], data: Mapping[str, Any] | None) -> None:
        super().__init__(data)
        self.offered = {template.slug: template for template in offered}
        cast(forms.ChoiceField, self.fields["template"]).choices = [(slug, slug) for slug in self.offered]

    @property
    def chosen(self) -> AbstractSMSTemplate | None:
        """The template; None until a good one is chosen."""
        self.is_valid()
        return self.offered.get(self.cleaned_data.get("template", "")) if self.is_bound else None


class Look:
    """What the page shows: the chosen objects now, the templates that fit them, and the text for each.

    Args:
        page: the host's admin.
        data: what was posted by this page; None when it is first drawn.
    """

    def __init__(
        self, page: SendSMSMixin, request: HttpRequest, chosen: Chosen, data: Mapping[str, Any] | None
    ) -> None:
        self.chosen = chosen
        self.rows = read(page, _objects(page, request, chosen))
        offered = fitting(self.rows)
        if data is None and len(offered) == 1:
            data = {"template": offered[0].slug}
        self.what, self.when = WhatForm(offered, data), WhenForm(data)
        self.template = self.what.chosen
        # Asked in any case, so that what is wrong with the time is shown.
        is_timed = not self.when.is_bound or self.when.is_valid()
        self.options: dict[str, Any] = {}
        if self.template:
            send_after = self.when.send_after if is_timed else None
            self.options = clean_options(self.what.cleaned_data.get("tag"), send_after, None, PRIORITY_SINGLE)
            draft_all(self.rows, self.template, self.options)
        self.can_be_sent = bool(self.going) and is_timed and self.what.is_valid()

    @property
    def going(self) -> list[OutputSMSMessage]:
        """The messages that would be sent, unsaved."""
        return [row.message for row in self.rows if row.message]

    @property
    def shown(self) -> str:
        """What tells these texts and numbers from others."""
        return fingerprint(self.rows)


def _objects(page: SendSMSMixin, request: HttpRequest, chosen: Chosen) -> list[Model]:
    """The chosen objects that are still there and may be seen, in the order in which they were chosen."""
    found = page.get_sms_queryset(page.get_queryset(request).filter(pk__in=chosen.keys))
    objects = {str(obj.pk): obj for obj in found if page.has_view_permission(request, obj)}
    return [objects[key] for key in map(str, chosen.keys) if key in objects]
