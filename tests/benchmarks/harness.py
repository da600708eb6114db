"""What the benchmarks share: a database of their own, a gateway in a process of its own, a line of result."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings
from django.db import connection, connections
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


class House:
    """A database beside others: what is asked of it in turn with them meets the same moods of the machine."""

    def __init__(self, suffix: str) -> None:
        chosen = connection.creation.get_test_db_clone_settings(suffix)
        self._connection: Any = type(connections["default"])(chosen, "default")

    def enter(self) -> None:
        """Let all that follows be asked of this one."""
        connections["default"] = self._connection

    def close(self) -> None:
        self._connection.close()


@contextmanager
def houses(count: int) -> Iterator[list[House]]:
    """So many empty, migrated databases."""
    settings.DATABASES["default"].setdefault("TEST", {})
    old, first = setup_databases(verbosity=0, interactive=False, parallel=count), connections["default"]
    some = [House(str(number + 1)) for number in range(count)]
    try:
        yield some
    finally:
        for house in some:
            house.close()
        connections["default"] = first
        teardown_databases(old, verbosity=0, parallel=count)


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


def tell_of_the_machine() -> None:
    """Print how fast it is now, by which milliseconds that another machine took can be read."""
    with clocked() as took:
        total = 0
        for number in range(10_000_000):
            total += number
    print(f"The machine: ten million additions in a loop of Python take {took[0]:.2f} s.", flush=True)


def peak_memory() -> float:
    """The most memory that this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(what: str, rate: float, bare: float, bare_of: str, target: str) -> None:
    """One line: the rate, the bare limit, their ratio, and what was promised."""
    limit = f"bare {bare:>8,.0f}/s ({bare_of})   ratio {rate / bare:4.2f}"
    print(f"{what:<44} {rate:>8,.0f}/s   {limit}   promised {target}")
