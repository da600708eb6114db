"""What operators call the gateways."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string


@lru_cache(maxsize=256)
def gateway_title(path: str) -> str:
    """What operators call the gateway with this path; the class's name where the gateway is no longer installed."""
    try:
        found: Any = import_string(path)
    except Exception:
        # A stored path may lead to what is no module any more, or to one that fails: a name is no reason to fail too.
        found = None
    return getattr(found, "name", "") or path.rpartition(".")[2]
