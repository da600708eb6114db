"""The delivery logs that Amazon SNS writes to CloudWatch Logs: one event for each SMS, once its fate is known.

Source: AWS's guide to SMS by SNS, the API of CloudWatch Logs (2014-03-28).

SNS writes them once delivery status logging is on for SMS (DeliveryStatusIAMRole); failures all, successes as far as
DeliveryStatusSuccessSamplingRate lets it. So an event may come hours late or never, which is no failure.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from smsoffice.backend.sms.aws import Access, Refused, Service
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.exceptions import GatewayError
from smsoffice.states import State

logger = logging.getLogger("smsoffice.gateway")

CLOCKS_DIFFER = timedelta(minutes=15)
"""AWS refuses the calls of a machine whose clock differs by more."""
FIRST_WINDOW = timedelta(hours=1)
MOST_PAGES = 200
"""Pages of 1 MB that are read in one scan; CloudWatch Logs answers only a few calls a second."""

GROUP = "sns/%s/[0-9]{12}/DirectPublishToPhoneNumber(/Failure)?"

OPTED_OUT = _("The receiver has opted out of messages from our account at AWS.")
BLOCKED = _("The number is on a list of blocked numbers.")
SUCCESSES = {
    "message has been accepted by phone carrier": (State.SENT, _("The network operator took it.")),
    "message has been accepted by phone": (State.DELIVERED, _("Delivered.")),
}
FAILURES = {
    "blocked as spam by phone carrier": _("The network operator blocked it as spam."),
    "destination is blacklisted": BLOCKED,
    "destination is on a blocked list": BLOCKED,
    "invalid phone number": _("The number is not valid."),
    "message body is invalid": _("The text is not valid."),
    "no quota left for account": _("The monthly spending limit for SMS of our account at AWS is used up."),
    "phone carrier has blocked this message": _("The network operator blocked it."),
    "phone carrier is currently unreachable/unavailable": _("The network operator could not be reached."),
    "phone has blocked sms": _("The phone accepts no SMS."),
    "phone is blacklisted": BLOCKED,
    "phone is currently unreachable/unavailable": _("The phone could not be reached."),
    "phone is on a blocked list": BLOCKED,
    "phone number is opted out": OPTED_OUT,
    "rate exceeded": _("Our account at AWS sent more messages a second than it may."),
    "this delivery would exceed max price": _("It would have cost more than our account at AWS allows for a message."),
    "unknown error attempting to reach phone": _("The phone could not be reached; AWS does not know why."),
}
"""The `providerResponse` of an event with the status SUCCESS, or FAILURE; without case and a full stop at its end."""


class DeliveryLogs:
    """Reads the logs of one account in one region."""

    events_a_page: ClassVar[int] = 10_000

    def __init__(self) -> None:
        self.service = Service("logs", 1, json.loads)

    def told_of(self, ids: Collection[str], since: datetime, access: Access) -> list[tuple[str, Outcome]]:
        """What the logs say of messages by the ids that SNS gave them: one scan, however many they are.

        Args:
            since: when the oldest of them was handed over.

        Raises:
            GatewayError: the logs cannot be read, and nothing has been learnt yet.
        """
        told: list[tuple[str, Outcome]] = []
        try:
            for id_, outcome in self._events(set(ids), since, access):
                told.append((id_, outcome))
        except GatewayError as failure:
            if not told:
                raise
            logger.warning("The delivery logs were read only in part: %s", failure.words)
        return told

    def _events(self, missing: set[str], since: datetime, access: Access) -> Iterator[tuple[str, Outcome]]:
        """The events of some messages, the newest hours first, until each has one."""
        wanted, pages, groups = frozenset(missing), 0, self._groups(access)
        for window in windows(since - CLOCKS_DIFFER, timezone.now() + CLOCKS_DIFFER):
            if not missing:
                return
            for page in (page for group in groups for page in self._pages(group, window, access)):
                for id_, outcome in filter(None, (read(event) for event in page.get("events", ()))):
                    if id_ in wanted:
                        missing.discard(id_)
                        yield id_, outcome
                if (pages := pages + 1) == MOST_PAGES:
                    logger.warning("The delivery logs since %s are too long for one scan; the older were left.", since)
                    return

    def _groups(self, access: Access) -> list[str]:
        """The names of the two groups, of which each is there once something has been written to it.

        They hold our account's number, which only another service (STS) would tell.
        """
        pages = self.service.pages(access, "describe_log_groups", logGroupNamePattern="DirectPublishToPhoneNumber")
        names = [group["logGroupName"] for page in pages for group in page.get("logGroups", ())]
        return [name for name in names if re.fullmatch(GROUP % re.escape(access.region), name)]

    def _pages(self, group: str, window: tuple[datetime, datetime], access: Access) -> Iterator[Mapping[str, Any]]:
        start, end = (int(time.timestamp() * 1000) for time in window)
        size = {"PageSize": self.events_a_page}
        try:
            yield from self.service.pages(
                access, "filter_log_events", logGroupName=group, startTime=start, endTime=end, PaginationConfig=size
            )
        except Refused as refusal:
            # Somebody has deleted the group meanwhile.
            if refusal.code != "ResourceNotFoundException":
                raise


def windows(oldest: datetime, latest: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From the latest time back to the oldest, each window longer than the one before it.

    So the news of a campaign that has just left is read although one old message is still without any.
    """
    length = FIRST_WINDOW
    while latest > oldest:
        start = max(latest - length, oldest)
        yield start, latest
        latest, length = start, length * 4


def read(event: Mapping[str, Any]) -> tuple[str, Outcome] | None:
    """The id of the message that an event tells of, and what it proves; None for what is no event of SNS's."""
    try:
        said = json.loads(event["message"])
        id_, status = said["notification"]["messageId"], said["status"]
        response = said["delivery"].get("providerResponse") or ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not all(isinstance(one, str) for one in (id_, status, response)):
        return None
    return id_, meaning(status, response)


def meaning(status: str, response: str) -> Outcome:
    """What an event's `status` and `providerResponse` prove."""
    plain = response.strip().rstrip(".").casefold()
    if status == "SUCCESS":
        # That it succeeded says no more than that it is on its way.
        state, words = SUCCESSES.get(plain, (State.SENT, _("Amazon SNS counts it as a success.")))
        return Outcome(state, response, str(words))
    if status == "FAILURE":
        return Outcome(State.ERROR, response, str(FAILURES.get(plain, _("Not delivered."))))
    return Outcome(State.UNKNOWN, status, _t("AWS's status “%s” has no known meaning.") % status[:50])
