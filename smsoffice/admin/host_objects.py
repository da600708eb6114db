"""The host's objects that messages belong to, as far as the host's own pages show them to the reader."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from smsoffice.admin.common import address_in
from smsoffice.models.related import living

logger = logging.getLogger(__name__)


class Named(NamedTuple):
    """An object's name, and the address of its page."""

    name: str
    url: str


class HostObjects:
    """What a page may say of them; none is asked for twice.

    What the host's admin leaves out of its list is not named here either. An admin that fails names nothing, and the
    site's log tells why: the messages are shown all the same.
    """

    def __init__(self, site: AdminSite, request: HttpRequest) -> None:
        self.site, self.request = site, request
        self._known: dict[tuple[type[Model], str], Named | None] = {}

    def are_seen(self, model: type[Model]) -> bool:
        """Whether the reader may see objects of a model at all."""
        if not self.site.is_registered(model):
            return False
        page = self.site.get_model_admin(model)
        try:
            return page.has_view_permission(self.request)
        except Exception:
            logger.exception("%s cannot tell who may see %s.", type(page).__name__, model._meta.label)
            return False

    def named(self, model: type[Model], keys: Collection[str]) -> dict[str, Named]:
        """The objects that the reader may see, by the text of their keys; in one query."""
        unknown = {key for key in keys if (model, key) not in self._known}
        if unknown and self.site.is_registered(model):
            found = self._found(self.site.get_model_admin(model), unknown)
            self._known |= {(model, key): found.get(key) for key in unknown}
        return {key: shown for key in keys if (shown := self._known.get((model, key)))}

    def _found(self, page: ModelAdmin[Any], keys: Collection[str]) -> dict[str, Named | None]:
        try:
            found = living(_listed(page, self.request), keys)
        except Exception:
            logger.exception("%s cannot tell which of %s may be seen.", type(page).__name__, page.opts.label)
            return {}
        return {key: _named(page, self.request, obj) for key, obj in found.items()}


def _listed(page: ModelAdmin[Any], request: HttpRequest) -> QuerySet[Any]:
    """What the admin's own list would show, read with all that it says to be read along: names may need it."""
    rows = page.get_queryset(request)
    along = page.get_list_select_related(request)
    if along is True:
        return rows.select_related()
    return rows.select_related(*along) if along else rows


def _named(page: ModelAdmin[Any], request: HttpRequest, obj: Model) -> Named | None:
    try:
        # By the page that gave it: the object may be of a kind that has none of its own.
        url = address_in(page, request, obj)
        return Named(str(obj), url) if url else None
    except Exception:
        logger.exception("%s %s cannot be named.", obj._meta.label, obj.pk)
        return None
