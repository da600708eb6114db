"""Fills an empty database with the demo shop."""

from __future__ import annotations

from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from project.demo.history import make_history
from project.demo.models import Customer
from project.demo.people import logins_in_words, make_logins
from project.demo.shop import make_customers, make_orders
from project.demo.texts import count_uses, make_templates
from smsoffice.models.sms import OutputSMSMessage


class Command(BaseCommand):
    """`manage.py load_demo`."""

    help = "Fills an empty database with the demo shop: logins, customers, orders, templates and 300 messages."

    def handle(self, **options: Any) -> None:
        """Load it once; a database that has it already, or has messages of its own, is left as it is."""
        if not settings.DEBUG:
            raise CommandError("The demo data has well-known passwords, so it is loaded with DEBUG=1 only.")
        if Customer.objects.exists():
            self.stdout.write("The demo data is there already.")
        elif OutputSMSMessage.objects.exists():
            self.stdout.write("This database has messages of its own, so no demo data was added.")
        else:
            self.stdout.write(f"Loaded the demo data: {load()} messages.")
        self.stdout.write(logins_in_words())


@transaction.atomic
def load() -> int:
    """Write all of it or nothing; gives back the number of messages."""
    now, dice = timezone.now(), Random(14)  # noqa: S311  (the same shop every time)
    make_logins()
    orders = make_orders(make_customers(), now, dice)
    make_templates()
    messages = make_history(orders, now, dice)
    count_uses()
    return messages
