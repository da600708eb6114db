"""The rows of one page of the log, with what each belongs to, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice import phone
from smsoffice.admin.common import ago, gateway_title, state_badge, to_the_second
from smsoffice.admin.host_objects import HostObjects, Named
from smsoffice.models.said import said
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State

NAMED_TYPES = 3
"""Types of objects that are looked up for a page, each by a query; those of others are shown by type and key."""

SHOWN = 2
"""Objects that a row names; of a message that belongs to more the page tells."""

TEXT = 160


class Belonging(NamedTuple):
    """An object that a message belongs to, with its page where the reader may see it."""

    name: str
    url: str | None


class Row(NamedTuple):
    """A message as the list shows it, all in words: a template that made them would take several times as long.

    Args:
        key: the message's.
        url: of its page.
        choice: what its checkbox chooses, for who cannot see the row.
        ago: how long ago it was created.
        meant: what stands behind that for who cannot see the row.
        created: when, for people.
        moment: when, for programs.
        to: the number that it went to; empty where that was removed.
        belongings: objects that it belongs to, as many as are named.
        more: how many more there are, in words.
        text: its beginning.
        under: template, tag and parts.
        state: its badge.
        why: the reason of the state.
        gateway: the title of the one that has it.
    """

    key: int
    url: str
    choice: str
    ago: str
    meant: str
    created: str
    moment: str
    to: str
    belongings: Sequence[Belonging]
    more: str
    text: str
    under: str
    state: SafeString
    why: str
    gateway: str


def rows_of(objects: HostObjects, messages: Sequence[OutputSMSMessage]) -> list[Row]:
    """The rows of a page."""
    related = _belongings(objects, messages)
    states = {name: state_badge(name) for name in {message.state for message in messages}}
    page = reverse("admin:smsoffice_outputsmsmessage_change", args=[0], current_app=objects.site.name)
    beginning, end = page.rsplit("0", 1)
    return [
        _row(message, f"{beginning}{message.pk}{end}", states[message.state], related[message.pk])
        for message in messages
    ]


def _row(message: OutputSMSMessage, url: str, state: SafeString, related: Sequence[Belonging]) -> Row:
    to, created = phone.group_international(message.recipient), to_the_second(message.created_at)
    return Row(
        key=message.pk,
        url=url,
        choice=_choice(to, created),
        ago=ago(message.created_at),
        meant=_(": message to %(to)s") % {"to": to} if to else "",
        created=created,
        moment=localtime(message.created_at).isoformat(),
        to=to,
        belongings=related[:SHOWN],
        more=_more(len(related) - SHOWN),
        text=Truncator(" ".join(message.content[: 2 * TEXT].split())).chars(TEXT),
        under=_under(message),
        state=state,
        why=_why(message),
        gateway=gateway_title(message.backend) if message.backend else "",
    )


def _choice(to: str, created: str) -> str:
    if to:
        return _("Select the message to %(to)s, %(time)s") % {"to": to, "time": created}
    return _("Select the message, %(time)s") % {"time": created}


def _more(number: int) -> str:
    if number <= 0:
        return ""
    return ngettext("and %(number)s more", "and %(number)s more", number) % {"number": number}


def _under(message: OutputSMSMessage) -> str:
    facts = [message.template_slug] if message.template_slug else []
    if message.tag:
        facts.append(_("tag %(tag)s") % {"tag": message.tag})
    if message.segments > 1:
        parts = ngettext("%(parts)s part", "%(parts)s parts", message.segments)
        facts.append(parts % {"parts": message.segments})
    return " · ".join(facts)


def _why(message: OutputSMSMessage) -> str:
    if message.error:
        return said(message.error)
    if message.state == State.WAITING and message.send_after and message.send_after > timezone.now():
        return _("scheduled for %(time)s") % {
            "time": date_format(localtime(message.send_after), "SHORT_DATETIME_FORMAT")
        }
    return ""


def _belongings(objects: HostObjects, messages: Sequence[OutputSMSMessage]) -> dict[int, list[Belonging]]:
    """What each message belongs to; of what the reader may not see, the type and the key only."""
    related: dict[int, list[Belonging]] = defaultdict(list)
    relations = OutputSMSRelatedObject.objects.filter(output_sms_message__in=[message.pk for message in messages])
    columns = relations.order_by("pk").values_list("output_sms_message", "content_type", "object_id")
    found = list(columns) if messages else []
    names = _names(objects, found)
    for message, kind, key in found:
        shown = names.get((kind, key))
        name = f"{capfirst(ContentType.objects.get_for_id(kind).name)} {shown.name if shown else key}"
        related[message].append(Belonging(name, shown.url if shown else None))
    return related


def _names(objects: HostObjects, relations: Iterable[tuple[int, int, str]]) -> dict[tuple[int, str], Named]:
    """The objects that the reader may see, of the first of the types that he may."""
    keys: dict[int, set[str]] = defaultdict(set)
    for _message, kind, key in relations:
        keys[kind].add(key)
    seen = {kind: model for kind in keys if (model := _visible(objects, kind))}
    return {
        (kind, key): shown
        for kind, model in list(seen.items())[:NAMED_TYPES]
        for key, shown in objects.named(model, keys[kind]).items()
    }


def _visible(objects: HostObjects, content_type: int) -> type[Model] | None:
    model = ContentType.objects.get_for_id(content_type).model_class()
    return model if model and objects.are_seen(model) else None
