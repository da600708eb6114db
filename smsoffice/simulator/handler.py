"""One connection of a client: reads requests, and does to their answers what a fault asks for."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smsoffice.simulator import pages
from smsoffice.simulator.dialect import Answer, Dialect, Request, Unreadable
from smsoffice.simulator.faults import Fault

if TYPE_CHECKING:
    from smsoffice.simulator.server import Server

HUGE_BYTES = 50 * 1024 * 1024
RETRY_AFTER = "2"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

_IN_ITS_PLACE = {
    Fault.HTTP_500_BEFORE: Answer(b"Internal Server Error", status=500),
    Fault.HTTP_500_AFTER: Answer(b"Internal Server Error", status=500),
    Fault.HTTP_503: Answer(b"Service Unavailable", status=503),
    Fault.HTTP_429: Answer(b"Too Many Requests", status=429, headers={"Retry-After": RETRY_AFTER}),
    Fault.HTML: Answer(
        b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>",
        "text/html; charset=utf-8",
    ),
}


class Handler(BaseHTTPRequestHandler):
    """A connection, kept open between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One write an answer: the head does not travel alone.
    wbufsize = 64 * 1024
    server: Server

    def setup(self) -> None:
        super().setup()
        self.serial = next(self.server.serials)

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "" if self.command == "POST" else "0")
        if not length.isdecimal():
            self.close_connection = True
            self.send(Answer(b"The request needs a Content-Length.", status=411))
            return
        _scheme, _host, path, query, _fragment = urlsplit(self.path)
        request = Request(self.command, path, self.headers, self.rfile.read(int(length)), query)
        if dialect := self.server.simulator.dialect_at(path):
            self.serve_gateway(dialect, request)
        else:
            self.send(pages.answer(self.server.simulator, request))

    def serve_gateway(self, dialect: Dialect, request: Request) -> None:
        simulator = self.server.simulator
        simulator.note_request(self.serial)
        try:
            answer, fault = simulator.handle(dialect, dialect.parse(request))
        except Unreadable as error:
            answer, fault = error.answer, Fault.NONE
        if self.wait(simulator.latency):
            self.perform(fault, answer)

    def perform(self, fault: Fault, answer: Answer) -> None:
        """Answer, as far as the fault lets it."""
        match fault:
            case Fault.CUT_BEFORE | Fault.CUT_AFTER:
                self.cut()
            case Fault.HANG_BEFORE | Fault.HANG_AFTER:
                self.hang()
            case Fault.CUT_MIDWAY:
                self.wfile.write(self.head(answer) + answer.body[: len(answer.body) // 2])
                self.cut()
            case Fault.LATE:
                if self.wait(self.server.simulator.late):
                    self.send(answer)
            case Fault.DRIP:
                self.drip(self.head(answer) + answer.body)
            case Fault.HUGE:
                self.send_huge(answer)
            case Fault.TRUNCATED:
                self.send(replace(answer, body=answer.body[: len(answer.body) // 2]))
            case Fault.EMPTY_AFTER:
                self.send(replace(answer, body=b""))
            case Fault.REDIRECT:
                # Below the gateway's own path, so that a client which follows it is counted.
                self.send(Answer(b"", status=302, headers={"Location": f"{self.path}/elsewhere"}))
            case _:
                self.send(_IN_ITS_PLACE.get(fault, answer))

    def head(self, answer: Answer, framing: str | None = None) -> bytes:
        """The status line and headers of an answer; `framing` in the place of its Content-Length."""
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Content-Type: {answer.content_type}",
            framing or f"Content-Length: {len(answer.body)}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def send(self, answer: Answer) -> None:
        self.wfile.write(self.head(answer) + answer.body)
        self.wfile.flush()

    def drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if not self.wait(self.server.simulator.drip):
                return

    def send_huge(self, answer: Answer) -> None:
        """The answer with spaces before its last byte, where XML and JSON both allow them."""
        self.wfile.write(self.head(answer, "Transfer-Encoding: chunked"))
        blank = b" " * (1024 * 1024)
        for chunk in (answer.body[:-1], *[blank] * (HUGE_BYTES // len(blank)), answer.body[-1:]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def wait(self, seconds: float) -> bool:
        """Let time pass; False, and the connection ends, if the simulator stops meanwhile."""
        if seconds and self.server.simulator.stopping.wait(seconds):
            self.close_connection = True
            return False
        return True

    def hang(self) -> None:
        """Say nothing until the client leaves or the simulator stops."""
        self.close_connection = True
        while self.connection.recv(65536):
            pass

    def cut(self) -> None:
        """Reset the connection, after what was written."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        # The server would say goodbye first (FIN); closing the descriptor itself resets (RST).
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: what came is on the page."""
