"""What messages belong to: a type of the host's objects, or one of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import IntegerField, Model, Q
from django.utils.translation import gettext as _

from smsoffice.models.related import key_field, read_key
from smsoffice.models.sms import OutputSMSRelatedObject


class Related(NamedTuple):
    """What messages belong to.

    Args:
        kind: its type.
        key: its key as the model has it; None for every object of the type.
    """

    kind: ContentType
    key: Any = None

    def relations(self) -> Q:
        """What tells the relations to it, by the index that has them."""
        of_type, model = Q(content_type=self.kind), self.kind.model_class()
        if self.key is None:
            return of_type & Q(object_id_int__isnull=not _has_integer_key(model)) if model else of_type
        if isinstance(self.key, int):
            return of_type & Q(object_id_int=self.key)
        with_text = of_type & Q(object_id=str(self.key))
        return with_text & Q(object_id_int__isnull=True) if model else with_text


def read_related(kind: str, key: str) -> Related:
    """What messages are asked to belong to.

    Args:
        kind: the type, as `app_label.model`.
        key: the object's key as text; empty for every object of the type.

    Raises:
        ValidationError: there is no such type or object; said of the one of the two filters that errs.
    """
    app, _dot, model_name = kind.lower().partition(".")
    try:
        found = ContentType.objects.get_by_natural_key(app, model_name)
    except ContentType.DoesNotExist:
        words = _("There is no type “%(type)s”. It may be gone; a type is written as shop.order.")
        raise _refused("related_object_type", words % {"type": kind}) from None
    return _one(found, key) if key else Related(found)


def _one(kind: ContentType, key: str) -> Related:
    model = kind.model_class()
    # Where the app that had this type is gone, what is left is the key as text.
    related = Related(kind, _read_key(model, kind, key) if model else key)
    is_there = model is not None and model._base_manager.filter(pk=related.key).exists()
    if not is_there and not OutputSMSRelatedObject.objects.filter(related.relations()).exists():
        words = _("There is no %(type)s with the ID %(key)s, and no message belongs to it. Correct the ID.")
        raise _refused("related_object_id", words % {"type": kind.name, "key": key})
    return related


def _read_key(model: type[Model], kind: ContentType, key: str) -> Any:
    try:
        return read_key(model, key)
    except ValidationError:
        words = _("“%(key)s” is not an ID of this type (%(type)s).")
        raise _refused("related_object_id", words % {"key": key, "type": kind.name}) from None


def _has_integer_key(model: type[Model]) -> bool:
    return isinstance(key_field(model), IntegerField)


def _refused(field: str, words: str) -> ValidationError:
    return ValidationError({field: words})
