"""Celery's broker, where the site has one: it says when to begin, and carries no message."""

from __future__ import annotations

from typing import Any

from django.conf import settings

TIMEOUT = 1.0
"""Seconds that a page or a send waits for each answer of it."""

IN_TIME = {
    # One attempt.
    "max_retries": 0,
    # Where the broker takes the connection and says nothing: RabbitMQ's client, then Redis'.
    "read_timeout": TIMEOUT,
    "write_timeout": TIMEOUT,
    "socket_timeout": TIMEOUT,
    "socket_connect_timeout": TIMEOUT,
}


def has_broker() -> bool:
    """Whether the site has set up Celery."""
    return bool(getattr(settings, "CELERY_BROKER_URL", ""))


def connection() -> Any:
    """A connection to the broker, not yet open, whose user gets an error rather than waits for long."""
    from celery import current_app

    return current_app.connection_for_write(connect_timeout=TIMEOUT, transport_options=IN_TIME)


def answers() -> bool:
    """Whether the broker can be reached now."""
    try:
        with connection() as opened:
            opened.ensure_connection(max_retries=0, timeout=TIMEOUT)
    except Exception:
        # Each transport has errors of its own.
        return False
    return True
