"""What the tests of a gateway's client share: messages that wait, time that passes, and ports that say anything."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Self

from smsoffice.testing.wire import (
    accepted_once,
    ask_again,
    drain,
    end_the_pause,
    hand_over_once,
    let_time_pass,
    numbers,
    states,
    waiting,
)

__all__ = [
    "SMS_OPERATOR",
    "Port",
    "accepted_once",
    "ask_again",
    "drain",
    "end_the_pause",
    "hand_over_once",
    "let_time_pass",
    "numbers",
    "reply",
    "states",
    "waiting",
]

SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"
Respond = Callable[[socket.socket, bytes], object]


def reply(body: bytes | str, status: str = "200 OK", *headers: str, content_type: str = "text/xml") -> bytes:
    """A whole HTTP answer."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Port:
    """A port of this machine that reads requests and answers with whatever bytes a test wants; a context manager.

    Args:
        answer: what each request gets; or what is done to its connection, given the request's body.
        tls: the server's side of TLS.
    """

    def __init__(self, answer: bytes | Respond, tls: ssl.SSLContext | None = None) -> None:
        self.respond: Respond = answer if callable(answer) else lambda client, body: client.sendall(answer)
        self.tls = tls
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self.over = threading.Event()
        self._clients: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for one in (self._server, *self._clients):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def drip(self, client: socket.socket, data: bytes, pause: float = 0.02) -> None:
        """Send a byte at a time, for ever once `data` has ended, until the client leaves or the test is over."""
        position = 0
        while not self.over.wait(pause):
            client.sendall(data[position : position + 1] or data[-1:])
            position += 1

    def _listen(self) -> None:
        while True:
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
                self._clients.append(client)
            with client, client.makefile("rb") as incoming:
                while head := _head(incoming):
                    length = next(
                        int(line.split(b":")[1])
                        for line in head.splitlines()
                        if line.lower().startswith(b"content-length")
                    )
                    self.heads.append(head)
                    self.bodies.append(incoming.read(length))
                    self.respond(client, self.bodies[-1])
        except (OSError, ValueError):
            return  # The client left, or the test ended the connection.


def _head(incoming: BinaryIO) -> bytes:
    head = b""
    while line := incoming.readline():
        head += line
        if line == b"\r\n":
            return head
    return b""
