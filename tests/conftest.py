"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def _the_sites_language() -> Iterator[None]:
    """A page that a test read in Czech leaves the thread in Czech; the next test begins in the site's language."""
    yield
    translation.deactivate()


LONG = ("tests/processes/", "tests/browser/")
"""Folders of few and long tests: begun first, so that at the end no process works on one while the others rest."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
