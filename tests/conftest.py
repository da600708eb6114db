"""What every test may use."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import session
from django.utils import translation

from tests.house import furnished


@pytest.fixture(autouse=True)
def _the_sites_language() -> Iterator[None]:
    """A page that a test read in Czech leaves the thread in Czech; the next test begins in the site's language."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def _aws_is_described_once() -> None:
    """Each client of AWS reads its service's description anew, which takes longer than most tests of it."""
    session.create_loader = functools.cache(session.create_loader)


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo data, to copy."""
    own = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own beside those of the others.
    return furnished(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


LONG = ("tests/processes/", "tests/browser/")
"""Folders of few and long tests: begun first, so that at the end no process works on one while the others rest."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
