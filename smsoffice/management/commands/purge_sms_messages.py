"""Remove the texts and numbers of old messages, or the messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from smsoffice.management.rounds import Stopping
from smsoffice.models.counts import DAYS
from smsoffice.models.retention import purge, removable

LONGEST = 36_500
SHORTEST_OF_ROWS = DAYS + 1
"""Days that the front page counts are over, and all that late receipts may still change in them is counted."""


class Command(BaseCommand):
    help = (
        "Remove the numbers and texts of messages older than DAYS, or with --rows the messages; what waits or is still "
        "asked about is kept, and so are the counts by day, gateway, template and bulk send."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", type=int, metavar="DAYS", required=True, help="Age in days, at least 1.")
        rows = f"Remove whole messages with their timelines; at least {SHORTEST_OF_ROWS} days old."
        parser.add_argument("--rows", action="store_true", help=rows)
        parser.add_argument("--dry-run", action="store_true", help="Only say how many there are.")

    def handle(self, *args: Any, older_than: int, rows: bool, dry_run: bool, verbosity: int, **options: Any) -> None:
        if not 1 <= older_than <= LONGEST:
            raise CommandError(f"--older-than must be a number of days from 1 to {LONGEST}.")
        if rows and older_than < SHORTEST_OF_ROWS:
            raise CommandError(
                f"--rows removes what is counted on the front page: give --older-than {SHORTEST_OF_ROWS} or more. "
                "Without --rows numbers and texts go at any age."
            )
        before = timezone.now() - timedelta(days=older_than)
        found, what = removable(before, whole=rows).count(), "messages" if rows else "texts and numbers of messages"
        if dry_run:
            self.stdout.write(f"Would remove: {found} {what} older than {older_than} days. Nothing was changed.")
            return
        removed = 0
        stopping = Stopping()
        with tqdm(total=found, unit=" messages", file=self.stderr, disable=None if verbosity else True) as bar:
            for count in purge(before, whole=rows, stopping=stopping):
                removed += count
                bar.update(count)
        rest = " Stopped before the end; run it again." if stopping() else ""
        self.stdout.write(f"Removed: {removed} {what} older than {older_than} days.{rest}")
