"""The shop's customers and orders, and what its texts may say of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from project.demo.data import COURIERS, CZECH_NAMES, ENGLISH_NAMES, PHONE_PREFIX
from project.demo.models import Customer, Order

ORDERS = 60
FIRST_ORDER = timedelta(days=14)
"""How long ago it was."""


def make_customers() -> list[Customer]:
    """Forty customers, Czech and English."""
    people = [(name, "cs") for name in CZECH_NAMES] + [(name, "en") for name in ENGLISH_NAMES]
    return Customer.objects.bulk_create(
        Customer(name=name, language=language, phone=f"{PHONE_PREFIX}{i:02}", email=f"customer{i:02}@example.com")
        for i, (name, language) in enumerate(people)
    )


def make_orders(customers: list[Customer], now: datetime, dice: Random) -> list[Order]:
    """Sixty orders of the last two weeks, the newest with the highest number."""
    ages = [FIRST_ORDER, *(FIRST_ORDER * dice.random() for _ in range(ORDERS - 1))]
    return Order.objects.bulk_create(
        Order(
            number=f"{now.year}-{1000 + i}",
            customer=dice.choice(customers),
            status=dice.choice(Order.Status.values),
            total=Decimal(dice.randrange(190, 9900)),
            created_at=now - age,
        )
        for i, age in enumerate(sorted(ages, reverse=True))
    )


def data_of(order: Order, now: datetime, dice: Random) -> dict[str, Any]:
    """Plain data for any of the shop's templates."""
    return {
        "customer": {"name": order.customer.name},
        "order": {"number": order.number, "total": int(order.total)},
        "code": f"{dice.randrange(100000, 1000000)}",
        "pickup_until": f"{now + timedelta(days=7):%d.%m.}",
        "courier": dice.choice(COURIERS),
    }
