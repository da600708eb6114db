"""What a test does that needs a service which this machine lacks."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(service: str, mend: str) -> NoReturn:
    """Skip the test on a developer's machine, and fail it at the gate, which must leave nothing untested.

    Args:
        service: what is missing, e.g. "Chromium".
        mend: what to do about it, as a sentence.
    """
    reason = f"{service} is missing. {mend}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
