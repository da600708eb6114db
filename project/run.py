"""`make run`: the whole house on one machine: database, demo data, local gateway, queue, state checks and site.

What the environment already says wins over what stands here.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from project import local_gateways
from project.environment import read, whole_number
from project.together import run_together

MANAGE = "manage.py"
PREPARE = ("migrate --verbosity 0", "load_demo")


def environment(site: str, gateway: str) -> dict[str, str]:
    """The variables under which everything runs: a site that is not for the world, and the local gateway.

    Raises:
        ValueError: GATEWAY makes no sense; the text says why.
    """
    return {
        "DEBUG": "1",
        "LOG_LEVEL": "WARNING",
        **local_gateways.variables(os.environ, gateway, site),
        "PYMESS_SMS_DEFAULT_PHONE_CODE": "+420",
        "PYTHONUNBUFFERED": "1",
        **os.environ,
    }


def processes(port: int, gateway_port: int) -> dict[str, list[str]]:
    """What runs side by side, by the name that its lines carry."""
    manage = [sys.executable, MANAGE]
    return {
        "gateway": [*manage, "simulate_gateway", "--verbosity", "0", "--port", str(gateway_port)],
        "queue": [*manage, "send_sms_messages", "--interval", "1"],
        "states": [*manage, "check_sms_states", "--interval", "2"],
        "site": [
            *(sys.executable, "-m", "gunicorn", "project.wsgi"),
            *("--bind", f"127.0.0.1:{port}", "--threads", "8", "--graceful-timeout", "3"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
    }


def port_of(name: str, default: int) -> int:
    """The port that the variable `name` asks for."""
    return read(os.environ, name, whole_number, default)


def free_port(name: str, default: int) -> int:
    """As `port_of`; leaves with a sentence when another program has it."""
    port = port_of(name, default)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            sys.exit(f"Port {port} is not free on this machine. Choose another one: make run {name}={port + 10}")
    return port


def main(arguments: Sequence[str]) -> None:
    """Prepare the database, start every process, and end them all at Ctrl-C; with `shell`, open a shell beside them."""
    os.chdir(Path(__file__).resolve().parent.parent)
    beside = list(arguments) == ["shell"]
    find = port_of if beside else free_port
    try:
        port, gateway_port = find("PORT", 8000), find("GATEWAY_PORT", 8099)
        site, gateway = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{gateway_port}"
        env = environment(site, gateway)
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(str(error))
    if beside:
        sys.exit(subprocess.call([sys.executable, MANAGE, "shell"], env=env))  # noqa: S603
    for command in PREPARE:
        prepared = subprocess.run([sys.executable, MANAGE, *command.split()], env=env, check=False)  # noqa: S603
        if prepared.returncode:
            sys.exit(prepared.returncode)

    greeting = (
        f"\n  In a moment the site is at {site}/\n"
        f"  and what the local gateway took from it at {gateway}/\n"
        "  Ctrl-C ends everything.\n\n"
    )
    sys.exit(run_together(processes(port, gateway_port), env, greeting))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
