"""The host's objects that messages belong to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from smsoffice.models.common import Timestamped

if TYPE_CHECKING:
    from smsoffice.models.sms import OutputSMSMessage


def related_object_key(obj: models.Model) -> dict[str, Any]:
    """The columns by which an object's relations are found: an integer key by its own index.

    Raises:
        ValueError: the object is not saved, so it has no key.
    """
    if obj.pk is None:
        raise ValueError(f"{obj!r} is not saved, so no message can belong to it. Save it first.")
    key: dict[str, Any] = {"content_type": ContentType.objects.get_for_model(obj)}
    # A key that was given as text ("42" to an integer key) stays text in the instance that was given it.
    pk = obj._meta.pk.to_python(obj.pk)
    if isinstance(pk, int):
        return {**key, "object_id_int": pk}
    return {**key, "object_id": str(pk), "object_id_int": None}


def key_field(model: type[models.Model]) -> models.Field[Any, Any]:
    """The column that a model's keys are of: of a model that inherits another's table, that other's."""
    key: Any = model._meta.pk
    while key.remote_field:
        key = key.target_field
    return key  # type: ignore[no-any-return]


def read_key(model: type[models.Model], text: str) -> Any:
    """A model's key from the text that a relation keeps of it.

    Raises:
        ValidationError: the model can have no such key.
    """
    field = key_field(model)
    read = field.to_python(text)
    field.run_validators(read)
    return read


def living(rows: models.QuerySet[Any], keys: Iterable[str]) -> dict[str, models.Model]:
    """The objects that are among the rows, by the text of their keys.

    A host's keys may have become of another kind since: what can be no key any more names nothing.
    """
    read = {}
    for text in keys:
        try:
            read[text] = read_key(rows.model, text)
        except ValidationError:
            continue
    found = {obj.pk: obj for obj in rows.filter(pk__in=set(read.values()))} if read else {}
    return {text: found[key] for text, key in read.items() if key in found}


class OutputSMSRelatedObject(Timestamped):
    """An object of the host's that a message belongs to."""

    output_sms_message = models.ForeignKey(
        "OutputSMSMessage", on_delete=models.CASCADE, related_name="related_objects", verbose_name=_("message")
    )
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, db_index=False, verbose_name=_("type"))
    object_id_int = models.BigIntegerField(_("integer key"), null=True, blank=True)
    object_id = models.TextField(_("key"))
    content_object = GenericForeignKey("content_type", "object_id")

    class Meta:
        verbose_name = _("related object")
        verbose_name_plural = _("related objects")
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["content_type", "object_id_int"],
                name="smsoffice_related_int",
                condition=Q(object_id_int__isnull=False),
            ),
            models.Index(
                fields=["content_type", "object_id"],
                name="smsoffice_related_text",
                condition=Q(object_id_int__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.content_type} {self.object_id}"

    @classmethod
    def to(cls, message: OutputSMSMessage, obj: models.Model) -> Self:
        """The unsaved relation of a message to an object."""
        key = related_object_key(obj)
        return cls(output_sms_message=message, **{"object_id": str(key["object_id_int"]), **key})
