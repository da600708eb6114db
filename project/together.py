"""Several programs side by side on one terminal: none outlives the others, and one signal ends them all.

Signals are blocked here and waited for, so that one which comes while the programs are being started is not lost.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from os import killpg
from threading import Thread
from typing import IO

ASKED_TO_STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PATIENCE = 10
"""Seconds that a program has to end by itself."""

Children = dict[str, "subprocess.Popen[str]"]


def run_together(programs: Mapping[str, Sequence[str]], env: Mapping[str, str], greeting: str) -> int:
    """Run `programs` until one of them ends or a signal asks to end them all; then end the rest.

    Args:
        programs: the words of each command, by the name that its lines of output carry.
        env: the environment of them all.
        greeting: what is said first, once a signal is sure to end everything.

    Returns:
        An exit code: 0 where a signal asked, 1 where a program ended by itself.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # where it is ignored, it cannot be waited for
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_STOP | {signal.SIGCHLD})
    children: Children = {}
    _say(greeting)
    try:
        for name, words in programs.items():
            children[name] = subprocess.Popen(  # noqa: S603  (our own commands)
                words,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # A session of its own, so that Ctrl-C reaches it through us alone, and its own children with it.
                start_new_session=True,
                preexec_fn=partial(signal.pthread_sigmask, signal.SIG_SETMASK, before),
            )
        relays = [Thread(target=_relay, args=(name, child.stdout)) for name, child in children.items()]
        for relay in relays:
            relay.start()
        fallen = _wait(children)
    finally:
        _end(children)
    for relay in relays:
        relay.join()
    if fallen:
        _say(f"{fallen} ended by itself (exit code {children[fallen].returncode}), so everything else was ended too.\n")
    return 1 if fallen else 0


def _wait(children: Children) -> str:
    """Until a signal asks to stop, or one of the children has ended: then its name."""
    while signal.sigwait(ASKED_TO_STOP | {signal.SIGCHLD}) not in ASKED_TO_STOP:
        for name, child in children.items():
            if child.poll() is not None:
                return name
    return ""


def _end(children: Children) -> None:
    """Ask every child to end, and kill what does not."""
    _signal(children, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    for child in children.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0, end - time.monotonic()))
    _signal(children, signal.SIGKILL)
    for child in children.values():
        child.wait()


def _signal(children: Children, number: signal.Signals) -> None:
    """Signal whole groups: a child may have ended before a process that it started."""
    for child in children.values():
        with suppress(ProcessLookupError):
            killpg(child.pid, number)


def _relay(name: str, lines: IO[str]) -> None:
    for line in lines:
        _say(f"{name:7} | {line}")


def _say(words: str) -> None:
    # A terminal that was closed is no reason to leave the programs running, or their output unread.
    with suppress(OSError):
        sys.stdout.write(words)
        sys.stdout.flush()
