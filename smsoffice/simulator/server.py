"""The simulated gateway: its sockets, its state and its switches."""

from __future__ import annotations

import ipaddress
import itertools
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any, Self

from smsoffice.simulator.ats import ATS
from smsoffice.simulator.dialect import Answer, Call, Dialect, Item, Kind
from smsoffice.simulator.endings import fault_of, spoiled
from smsoffice.simulator.faults import ACCEPTS_NOTHING, Fault, FaultSwitch
from smsoffice.simulator.handler import Handler
from smsoffice.simulator.receipts import Receipts
from smsoffice.simulator.sms_operator import SMSOperator
from smsoffice.simulator.sns import amazon
from smsoffice.simulator.store import Accepted, Store
from smsoffice.simulator.twilio import Twilio

SECONDS_TO_STOP = 2.0


class Simulator:
    """A gateway on this machine; a context manager, or `start()` and `stop()`.

    Args:
        host: an IPv4 loopback address.
        port: 0: a free one, which it keeps when it is started again.
        username, password: the only login that it takes.
        latency: seconds before every answer.
        delivery_delay: seconds from acceptance until a message has its last status.
        late: seconds by which late answers are late (`Fault.LATE`, numbers with 004).
        early: seconds for which numbers with 014 are “id not found”.
        drip: seconds between the bytes of a dripped answer (`Fault.DRIP`).
        submit_status: SMS Operator's code for a message that it took: 11, or 0, which clients read in two ways.
        on_accepted: called with each accepted message, in the thread of its connection.
    Raises:
        ValueError: the host is not a loopback address.

    The arguments after the password are attributes too, and may be set at any time.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        username: str = "simulator",
        password: str = "simulator",  # noqa: S107 - it protects nothing
        latency: float = 0.0,
        delivery_delay: float = 2.0,
        late: float = 15.0,
        early: float = 5.0,
        drip: float = 0.05,
        submit_status: int = 11,
        on_accepted: Callable[[Accepted], object] | None = None,
    ) -> None:
        self.host, self.port = _loopback(host), port
        self.username, self.password = username, password
        self.latency, self.delivery_delay = latency, delivery_delay
        self.late, self.early, self.drip = late, early, drip
        self.submit_status = submit_status
        self.on_accepted = on_accepted
        self.dialects: tuple[Dialect, ...] = (SMSOperator(), ATS(), Twilio(), *amazon())
        self.stopping = threading.Event()
        self._store, self._faults = Store(), FaultSwitch()
        self._receipts = Receipts(self)
        self._lock = threading.Lock()
        self._requests = 0
        self._connections: set[int] = set()
        self._server: Server | None = None

    def start(self) -> Self:
        """Listen, and answer in threads of its own.

        Raises:
            OSError: the port cannot be opened.
        """
        self.stopping.clear()
        self._server = Server((self.host, self.port), self)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every connection, also those that hang; what came stays readable."""
        if self._server is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.close_connections(SECONDS_TO_STOP)
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, path: str = "") -> str:
        """The address of a path, e.g. `url("sms-operator")`."""
        return f"http://{self.host}:{self.port}/{path.lstrip('/')}"

    @property
    def fault(self) -> Fault:
        """What every request meets until further notice; may be set, also by name."""
        return self._faults.standing

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self.fail(fault, times=None)

    def fail(self, fault: str, times: int | None = 1, on: str = "both") -> None:
        """Let the next requests meet a fault; the arguments are those of `FaultSwitch.plan`."""
        self._faults.plan(fault, times, on)

    @property
    def accepted(self) -> list[Accepted]:
        """Every accepted message, in the order of acceptance."""
        return self._store.accepted

    @property
    def counts(self) -> dict[str, int]:
        """How many messages were accepted for each number, as the client wrote it."""
        return self._store.by_number

    @property
    def counts_by_id(self) -> dict[str, int]:
        """How many messages were accepted under each id."""
        return self._store.by_id

    def doubled(self) -> list[str]:
        """The numbers, then the ids, that were accepted more than once."""
        return self._store.doubled()

    @property
    def requests(self) -> int:
        """How many requests came to the gateways, whatever became of them."""
        return self._requests

    @property
    def connections(self) -> int:
        """How many TCP connections carried them: fewer than requests where the client keeps them alive."""
        return len(self._connections)

    def reset(self) -> None:
        """Forget what came, and let nothing go wrong from now on; the other switches stay."""
        self._store.clear()
        self._receipts.clear()
        self._faults.clear()
        with self._lock:
            self._requests = 0
            self._connections.clear()

    def dialect_at(self, path: str) -> Dialect | None:
        """The gateway that answers on a path."""
        return next(
            (d for d in self.dialects for prefix in d.prefixes if path == prefix or path.startswith(f"{prefix}/")),
            None,
        )

    def note_request(self, connection: int) -> None:
        """Count a request that came over a connection."""
        with self._lock:
            self._requests += 1
            self._connections.add(connection)

    def status_of(self, id_: str) -> list[Item]:
        """What an answer would say of one message now."""
        return self._store.ask([id_], self.delivery_delay, self.early)

    def handle(self, dialect: Dialect, call: Call) -> tuple[Answer, Fault]:
        """Do what a call asks for; the answer, and the fault that it meets on its way back."""
        fault = self._faults.take(call.kind)
        if fault is Fault.NONE:
            fault = fault_of(call.submissions)
        if fault is Fault.REFUSE_LOGIN or not self._knows(*call.login):
            return dialect.refuse_login(), Fault.NONE
        if fault in ACCEPTS_NOTHING:
            return Answer(b""), fault
        if call.kind is Kind.SUBMIT:
            items, accepted = self._store.submit(call.submissions, once=call.once)
            if self.on_accepted:
                for message in accepted:
                    self.on_accepted(message)
            if call.receipt:
                self._receipts.expect(accepted, call.receipt)
        else:
            items = self._store.ask(call.ids, self.delivery_delay, self.early)
        return dialect.render(call, spoiled(items, fault), fault, self.submit_status), fault

    def _knows(self, username: str, password: str | None) -> bool:
        return username == self.username and password in (self.password, None)


class Server(ThreadingHTTPServer):
    """The listening socket, with a thread for each connection, which it can end."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self.serials = itertools.count()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer's own also looks the host up backwards, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.discard(request)
                self._changed.notify_all()

    def close_connections(self, patience: float) -> None:
        """End every connection, and wait for their threads for so many seconds at most."""
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # It is closed already.
            self._changed.wait_for(lambda: not self._open, patience)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that leaves before its answer is what the simulator is for.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _loopback(host: str) -> str:
    try:
        loopback = host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"The simulator listens on this machine only, and “{host}” is not such an address. Use 127.0.0.1."
        )
    return host
