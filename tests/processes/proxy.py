"""A way to a server that can be cut: TCP, so that those at its end meet what they would meet on a network."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Self

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset, as a machine that has lost its memory of the connection."""


class Proxy:
    """Leads from a port of its own to a server; a context manager.

    Args:
        host, port: the server's.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        # Holds the port while nobody listens, so that no other program gets it.
        self._place = _bound(0)
        self.port = int(self._place.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()
        self._place.close()

    def come_back(self) -> None:
        """Let connections through, as far as they are not cut."""
        self._flows.set()
        if self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen()
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go_away(self) -> None:
        """Reset every connection and refuse new ones."""
        listener, self._listener = self._listener, None
        with self._lock:
            for one in (listener, *self._open):
                if one is not None:
                    _cut(one)
            self._open.clear()
        self._flows.set()

    def fall_silent(self) -> None:
        """Take connections and bytes as before, and let no byte through."""
        self._flows.clear()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open) // 2

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, listener), daemon=True).start()

    def _serve(self, client: socket.socket, listener: socket.socket) -> None:
        self._flows.wait()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            _cut(client)
            return
        with self._lock:
            if self._listener is not listener:
                _cut(client)
                _cut(server)
                return
            self._open |= {client, server}
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        self._pump(client, server)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                self._flows.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            with self._lock:
                self._open -= {source, target}
            _cut(source)
            _cut(target)


def _bound(port: int) -> socket.socket:
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    # Without it, a thread that waits for the socket would keep it open.
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
