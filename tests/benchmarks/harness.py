"""What the benchmarks share: a database of their own, a gateway in a process of its own, a line of result."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.network import free_port


@contextmanager
def database() -> Iterator[str]:
    """An empty, migrated database; gives its vendor's name."""
    settings.DATABASES["default"].setdefault("TEST", {})
    old = setup_databases(verbosity=0, interactive=False)
    try:
        yield connection.vendor
    finally:
        teardown_databases(old, verbosity=0)


@contextmanager
def gateway(latency: float) -> Iterator[str]:
    """The local gateway in a process of its own; gives its base address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate_gateway", f"--port={port}", f"--latency={latency}"],
        stdout=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(200):
            try:
                requests.get(f"{base}/stats.json", timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait()


@contextmanager
def clocked() -> Iterator[list[float]]:
    """Puts the seconds that the block took into the list that it gives."""
    took: list[float] = []
    started = time.perf_counter()
    yield took
    took.append(time.perf_counter() - started)


def peak_memory() -> float:
    """The most memory that this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(what: str, rate: float, bare: float, bare_of: str, target: str) -> None:
    """One line: the rate, the bare limit, their ratio, and what was promised."""
    limit = f"bare {bare:>8,.0f}/s ({bare_of})   ratio {rate / bare:4.2f}"
    print(f"{what:<44} {rate:>8,.0f}/s   {limit}   promised {target}")
