"""A gateway that runs on this machine, until it is stopped."""

from __future__ import annotations

import argparse
import errno
import json
import shlex
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from smsoffice.simulator import ENDINGS, Accepted, Fault, Simulator

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
TABLE = "\n".join(f"  {digits}    {ending.words}" for digits, ending in ENDINGS.items())
ENDINGS_TABLE = f"The last three digits of a number decide what becomes of its message:\n{TABLE}\n  other  delivered"
FAULTS_TABLE = "Faults, for all requests:\n" + "\n".join(f"  {fault:<16} {fault.words}" for fault in Fault)


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the tables' lines."""


class Command(BaseCommand):
    """Runs the simulator in the foreground."""

    help = "Run a gateway on this machine, for trying out and benchmarks: it accepts messages and sends none."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = f"{ENDINGS_TABLE}\n\n{FAULTS_TABLE}"
        return super().create_parser(prog_name, subcommand, epilog=epilog, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="A loopback address (%(default)s).")
        parser.add_argument("--port", type=_port, default=8099, help="0: any free one (%(default)s).")
        for name, default, meaning in (
            ("--latency", 0.0, "Seconds before each answer"),
            ("--delivery-delay", 2.0, "Seconds until a message is delivered"),
        ):
            parser.add_argument(
                name, type=_seconds, default=default, metavar="SECONDS", help=f"{meaning} (%(default)s)."
            )
        parser.add_argument(
            "--fault", choices=list(Fault.__members__), default="NONE", metavar="NAME", help="What goes wrong; below."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Blocked before the simulator's threads start, so that only this one is told to stop.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            simulator = self._started(options)
            try:
                if options["verbosity"]:
                    self._introduce(simulator)
                signal.sigwait(STOP_SIGNALS)
            finally:
                simulator.stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.stdout.write(
            f"Stopped. Accepted: {len(simulator.accepted)}, requests: {simulator.requests}, "
            f"connections: {simulator.connections}, accepted more than once: {len(simulator.doubled())}."
        )

    def _started(self, options: dict[str, Any]) -> Simulator:
        host, port = options["host"], options["port"]
        try:
            simulator = Simulator(
                host,
                port,
                latency=options["latency"],
                delivery_delay=options["delivery_delay"],
                on_accepted=self._report if options["verbosity"] >= 2 else None,
            )
            simulator.fault = Fault[options["fault"]]
            return simulator.start()
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            why = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror
            raise CommandError(
                f"Port {port} on {host} cannot be opened: {why}. Choose another one with --port."
            ) from error

    def _introduce(self, simulator: Simulator) -> None:
        config = {
            "URL": simulator.url("sms-operator"),
            "USERNAME": simulator.username,
            "PASSWORD": simulator.password,
        }
        self.stdout.write(
            f"The gateway simulator runs; what it accepts is shown on {simulator.url()}\n"
            f"Point SMS Operator's client at it with PYMESS_SMS_OPERATOR_CONFIG={shlex.quote(json.dumps(config))}\n"
            f"{ENDINGS_TABLE} after {simulator.delivery_delay:g} s\n"
            "Stop it with Ctrl-C."
        )
        # Through a pipe the lines would otherwise wait until the end.
        self.stdout.flush()

    def _report(self, message: Accepted) -> None:
        self.stdout.write(f"Accepted {message.id} for {message.number}: {message.text!r}")
        self.stdout.flush()


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"“{value}” is not a port; it is a whole number from 0 to 65535.")
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"“{value}” is not a number of seconds from 0 to 3600.")
    return seconds
