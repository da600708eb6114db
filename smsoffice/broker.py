"""Celery's broker, where the site has one: it says when to begin, and carries no message."""

from __future__ import annotations

from django.conf import settings

TIMEOUT = 2.0
"""Seconds that a page or a send waits for it at most."""


def has_broker() -> bool:
    """Whether the site has set up Celery."""
    return bool(getattr(settings, "CELERY_BROKER_URL", ""))


def answers() -> bool:
    """Whether the broker can be reached now."""
    from celery import current_app

    try:
        with current_app.connection_for_write(connect_timeout=TIMEOUT) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT)
    except Exception:
        # Each transport has errors of its own.
        return False
    return True
