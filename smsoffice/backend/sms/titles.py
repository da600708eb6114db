"""What operators call the gateways."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.module_loading import import_string


@cache
def gateway_title(path: str) -> str:
    """What operators call the gateway with this path; the class's name where the gateway is no longer installed."""
    try:
        found: Any = import_string(path)
    except ImportError:
        found = None
    return getattr(found, "name", "") or path.rpartition(".")[2]
