"""`make run` as a test uses it: a house with a database and ports of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import copyfile

import requests

from project.run import PREPARE
from tests.network import free_port

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 240
"""Seconds after which something hangs, even on a machine that is slow and busy with other tests."""


def until(found: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end, f"Waited in vain for {what}."
        time.sleep(0.1)


class House:
    """One `make run` with a database and ports of its own."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.port, self.gateway_port = free_port(), free_port()
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        return {
            **kept,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "PORT": str(self.port),
            "GATEWAY_PORT": str(self.gateway_port),
            # Every process that the house starts inherits it, so that a forgotten one can be found.
            "SMSOFFICE_TEST_RUN": str(self.port),
            **variables,
        }

    def shell(self, code: str) -> str:
        """What code says in a shell beside the house."""
        words = [sys.executable, "-m", "project.run", "shell"]
        done = subprocess.run(
            words, cwd=ROOT, env=self.environment(), input=code, capture_output=True, text=True, timeout=PATIENCE
        )
        return done.stdout + done.stderr

    def start(self, **variables: str) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "project.run"],
            cwd=ROOT,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.process

    def answers(self) -> bool:
        return self._answers(f"{self.url}/healthz")

    def gateway_answers(self) -> bool:
        # The programs of the house start side by side: the site may be there before the gateway is.
        return self._answers(f"http://127.0.0.1:{self.gateway_port}/")

    def _answers(self, url: str) -> bool:
        assert self.process
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return requests.get(url, timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self, by: signal.Signals) -> tuple[int, str]:
        assert self.process
        self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output

    def left_over(self) -> list[int]:
        """The processes of this house that still run."""
        mark = f"SMSOFFICE_TEST_RUN={self.port}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environ = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if mark in environ.split(b"\0"):
                    found.append(int(entry.name))
        return found

    def messages(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM smsoffice_outputsmsmessage").fetchone()[0])


def furnished(folder: Path) -> Path:
    """A database with the demo data, written once into a folder that the processes of a run of tests share."""
    database = folder / "furnished.sqlite3"
    with (folder / "furnished.lock").open("w") as turn:
        flock(turn, LOCK_EX)
        if not database.exists():
            unfinished = folder / "unfinished.sqlite3"
            env = {"PATH": os.environ["PATH"], "DEBUG": "1", "DATABASE_URL": f"sqlite:///{unfinished}"}
            for command in PREPARE:
                words = [sys.executable, "manage.py", *command.split()]
                subprocess.run(words, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(database)
    return database


@contextmanager
def house_in(folder: Path, database: Path | None = None) -> Iterator[House]:
    """A house that is not started yet; nothing of it is left afterwards.

    Args:
        folder: for what it keeps.
        database: one that it begins with a copy of, that it need not write the demo data anew.
    """
    house = House(folder / "db.sqlite3")
    if database:
        copyfile(database, house.database)
    try:
        yield house
    finally:
        for pid in house.left_over():
            os.kill(pid, signal.SIGKILL)
