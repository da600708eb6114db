"""Gateways for the tests of their clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smsoffice.backend.sms import base
from smsoffice.simulator import Simulator
from tests.gateway import SMS_OPERATOR

Configure = Callable[..., None]


@pytest.fixture
def configure(settings: Any) -> Iterator[Configure]:
    """Choose SMS Operator's client, new and without a connection, with the given keys of its configuration."""

    def configure(**config: object) -> None:
        base._instance.cache_clear()
        settings.PYMESS_SMS_SENDER_BACKEND = SMS_OPERATOR
        settings.PYMESS_SMS_UNKNOWN_GRACE = 0
        settings.PYMESS_SMS_OPERATOR_CONFIG = {
            "USERNAME": "simulator",
            "PASSWORD": "simulator",
            "TIMEOUT": 10,
            **config,
        }

    yield configure
    base._instance.cache_clear()


@pytest.fixture
def simulator(configure: Configure) -> Iterator[Simulator]:
    """A gateway that delivers at once what it accepts, and its client."""
    with Simulator(delivery_delay=0, late=3600, early=3600) as running:
        configure(URL=running.url("sms-operator"))
        yield running
