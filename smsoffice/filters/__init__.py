"""The filters of the message log, once: for the page, for the export, and for the command.

A filter that makes no sense is said in a sentence, and leaves no message at all: never “everything”.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Q
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import FilterSet
from django_filters.filters import Filter

from smsoffice.encoding import to_gsm7
from smsoffice.filters.fields import MomentField, Recipient, RecipientField, StatesField
from smsoffice.filters.related import Related, read_related
from smsoffice.models.batch import Batch
from smsoffice.models.log import ORDER, Found, Messages
from smsoffice.models.said import LOOKED_FOR, says
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

SEARCHED = {"text": 100_000, "error": 5_000}
"""In how many of the newest messages words are looked for: no index knows the words of a text."""

IN_ONE_INDEX = frozenset({"tag", "template", "backend", "batch"})
"""Filters by which an index has the messages, by state, in the order of the list."""

SCATTERING = frozenset({"related_object_type", "related_object_id", "sent_after", "sent_before"})


class FilterForm(forms.Form):
    """What was asked, and whether it makes sense together."""

    related: Related | None = None
    batch: Batch | None = None

    def clean_batch(self) -> Any:
        key = self.cleaned_data["batch"]
        self.batch = Batch.objects.filter(pk=key).first() if key else None
        if key and not self.batch:
            raise ValidationError(_("There is no such bulk send. It may have been removed."))
        return key

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        for name in sorted(set(self.data) - set(self.fields)):
            self.add_error(None, _("There is no filter “%(name)s”. Correct the address.") % {"name": name})
        for name in self._given_twice():
            self.add_error(name, _("This filter is given several values at once. Keep one of them."))
        for after, before in (("created_after", "created_before"), ("sent_after", "sent_before")):
            if data.get(after) and data.get(before) and data[after] >= data[before]:
                self.add_error(before, _("This is not later than the time from which you look. Swap the two."))
        if not {"related_object_type", "related_object_id"} & set(self.errors):
            self._clean_related(data.get("related_object_type", ""), data.get("related_object_id", ""))
        return data

    def _given_twice(self) -> list[str]:
        """The filters of which only the last value would count, and nobody would know."""
        given = self.data.lists() if isinstance(self.data, MultiValueDict) else ()
        return [name for name, values in given if name in self.fields and name != "state" and len(set(values)) > 1]

    def _clean_related(self, kind: str, key: str) -> None:
        if not kind and key:
            self.add_error("related_object_type", _("Say also of what type the object with this ID is."))
        elif kind:
            try:
                self.related = read_related(kind, key)
            except ValidationError as error:
                self.add_error(None, error)


class MessageFilter(FilterSet):  # type: ignore[misc]  # django-filter has no types
    """The log's filters. Their names are those of the query string, and of `export_sms_messages --filter`."""

    class WordsFilter(Filter):  # type: ignore[misc]
        field_class = forms.CharField

    class StatesFilter(Filter):  # type: ignore[misc]
        field_class = StatesField

    class RecipientFilter(Filter):  # type: ignore[misc]
        field_class = RecipientField

    class MomentFilter(Filter):  # type: ignore[misc]
        field_class = MomentField

    class KeyFilter(Filter):  # type: ignore[misc]
        field_class = forms.UUIDField

    state = StatesFilter(
        label=gettext_lazy("State"),
        choices=State.choices,
        error_messages={"invalid_choice": gettext_lazy("There is no state “%(value)s”.")},
    )
    recipient = RecipientFilter(label=gettext_lazy("Recipient"), method="by_recipient", max_length=100)
    template = WordsFilter(label=gettext_lazy("Template"), method="by_template", max_length=100)
    tag = WordsFilter(label=gettext_lazy("Tag"), method="by_tag", max_length=100)
    backend = WordsFilter(label=gettext_lazy("Gateway"), method="by_backend", max_length=250)
    created_after = MomentFilter(label=gettext_lazy("Created from"), field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(
        label=gettext_lazy("Created before"), field_name="created_at", lookup_expr="lt", is_end=True
    )
    sent_after = MomentFilter(label=gettext_lazy("Handed over from"), field_name="sent_at", lookup_expr="gte")
    sent_before = MomentFilter(
        label=gettext_lazy("Handed over before"), field_name="sent_at", lookup_expr="lt", is_end=True
    )
    related_object_type = WordsFilter(label=gettext_lazy("Belongs to"), method="by_related", max_length=201)
    related_object_id = WordsFilter(label=gettext_lazy("Its ID"), method="by_related", max_length=255)
    batch = KeyFilter(
        label=gettext_lazy("Bulk send"),
        error_messages={"invalid": gettext_lazy("This is not the key of a bulk send. Follow a link from its page.")},
    )
    error = WordsFilter(label=gettext_lazy("Reason"), method="by_nothing", max_length=LOOKED_FOR)
    text = WordsFilter(
        label=gettext_lazy("Words in the text"), method="by_nothing", min_length=3, max_length=LOOKED_FOR
    )

    class Meta:
        model = OutputSMSMessage
        fields: list[str] = []
        form = FilterForm

    def __init__(self, data: Mapping[str, Any] | None = None, queryset: Messages | None = None, **given: Any) -> None:
        super().__init__(MultiValueDict() if data is None else data, queryset, **given)
        self.searched_since: datetime | None = None

    @property
    def in_force(self) -> dict[str, Any]:
        """The filters that were set, with what they mean; of those that make sense."""
        self.form.errors  # noqa: B018  (it is by this that the form is read)
        return {name: value for name, value in self.form.cleaned_data.items() if value not in (None, "", [], ())}

    @property
    def is_scattered(self) -> bool:
        """Whether no one index has what is asked for in the order of the list."""
        given = self.in_force
        beginning = "recipient" in given and not given["recipient"].whole
        return beginning or bool(SCATTERING & given.keys()) or len(IN_ONE_INDEX & given.keys()) > 1

    @property
    def may_be_slow(self) -> bool:
        """Whether the search is to be given up after a time."""
        return self.is_scattered or bool(SEARCHED.keys() & self.in_force.keys())

    @cached_property
    def found(self) -> Found:
        """The messages that the filters leave; none where a filter makes no sense."""
        given = self.in_force
        if not self.is_valid():
            return Found(self.queryset.none())
        rows = self.queryset.all()
        for name in given.keys() - SEARCHED.keys() - {"state"}:
            rows = self.filters[name].filter(rows, given[name])
        if "sent_before" in given:
            # Nothing is handed over before it was created, so newer ones need no look; a day for clocks that differ.
            rows = rows.filter(created_at__lt=given["sent_before"] + timedelta(days=1))
        found = Found(
            rows,
            states=tuple(map(State, given.get("state", ()))),
            everything=not given,
            by_state=bool(IN_ONE_INDEX & given.keys()),
            scattered=self.is_scattered,
        )
        return self._searched(found, {name: given[name] for name in SEARCHED if name in given})

    def filter_queryset(self, queryset: Messages) -> Messages:
        return self.found.messages

    def _searched(self, found: Found, words: dict[str, str]) -> Found:
        """Those with the words, among the newest that the other filters leave."""
        if not words:
            return found
        if "error" in words:
            found = replace(found, rows=found.rows.filter(error__gt=""))
        most = min(SEARCHED[name] for name in words)
        newest = found.messages.order_by(*ORDER).values_list("created_at", flat=True)
        self.searched_since = newest[most : most + 1].first()
        rows = found.rows.filter(created_at__gt=self.searched_since) if self.searched_since else found.rows
        if "error" in words:
            among = replace(found, rows=rows).messages
            rows = rows.filter(error__in=_reasons(among, words["error"]))
        if "text" in words:
            rows = rows.filter(_in_the_text(words["text"]))
        return replace(found, rows=rows, everything=False, scattered=True)

    def by_tag(self, rows: Messages, name: str, value: str) -> Messages:
        return _equal(rows, "tag", value)

    def by_template(self, rows: Messages, name: str, value: str) -> Messages:
        return _equal(rows, "template_slug", value)

    def by_backend(self, rows: Messages, name: str, value: str) -> Messages:
        return _equal(rows, "backend", value)

    def by_recipient(self, rows: Messages, name: str, value: Recipient) -> Messages:
        if value.whole:
            return rows.filter(recipient=value.number)
        if connections[rows.db].vendor == "postgresql":
            return rows.filter(recipient__startswith=value.number)
        # SQLite's LIKE knows no index; ":" comes right after the digits.
        return rows.filter(recipient__gte=value.number, recipient__lt=f"{value.number}:")

    def by_related(self, rows: Messages, name: str, value: str) -> Messages:
        if name == "related_object_id" or not (related := cast(FilterForm, self.form).related):
            return rows
        relations = OutputSMSRelatedObject.objects.filter(related.relations())
        return rows.filter(pk__in=relations.values("output_sms_message"))

    def by_nothing(self, rows: Messages, name: str, value: str) -> Messages:
        return rows


def _reasons(among: Messages, words: str) -> list[str]:
    """The stored reasons of messages that say the words to the reader: the database knows no translation of them."""
    return [stored for stored in among.order_by().values_list("error", flat=True).distinct() if says(stored, words)]


def _in_the_text(words: str) -> Q:
    """Texts that have the words as they were typed, or as they were sent without accents."""
    found, (plain, _replaced) = Q(content__icontains=words), to_gsm7(words)
    return found | Q(content__icontains=plain) if plain not in ("", words) else found


def _equal(rows: Messages, column: str, value: str) -> Messages:
    """The rows with a value in a column whose index leaves "" out."""
    rows = rows.filter(**{column: value})
    if connections[rows.db].vendor == "postgresql":
        return rows
    # It says nothing new, but by it SQLite too sees that the index has them; PostgreSQL would take it for rarer.
    return rows.filter(**{f"{column}__gt": ""})
