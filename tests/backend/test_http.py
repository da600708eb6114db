"""What one HTTP call proves, over real sockets that say what no gateway should."""

from __future__ import annotations

import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from smsoffice.backend.sms import http
from smsoffice.backend.sms.http import HTTPClient
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs
from tests.gateway import Port, Respond, reply
from tests.network import free_port

BODY = "<user>shop</user><password>a secret of the shop</password>ěšč".encode()
PATIENCE = 0.4
FATAL_ALERT = b"\x15\x03\x03\x00\x02\x02\x50"


def post(url: str, timeout: float = 10) -> bytes:
    return HTTPClient().post(url, BODY, {"Content-Type": "text/xml"}, timeout)


def failure(url: str, timeout: float = 10) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        post(url, timeout)
    return caught.value


# A whole answer


@pytest.mark.parametrize(
    "answer",
    [
        reply("<ok/>"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<ok\r\n2\r\n/>\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply("<ok/>"),
    ],
    ids=["with its length", "in chunks", "after a 100"],
)
def test_a_whole_answer_is_given_back(answer: bytes) -> None:
    with Port(answer) as port:
        assert post(port.url) == b"<ok/>"


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n<ok/>")
        client.shutdown(socket.SHUT_RDWR)

    with Port(respond) as port:
        assert post(port.url) == b"<ok/>"


def test_the_request_arrives_as_it_was_given() -> None:
    with Port(reply("<ok/>")) as port:
        post(port.url)
    assert port.bodies == [BODY]
    assert b"\r\ncontent-type: text/xml\r\n" in port.heads[0].lower()


def test_calls_share_one_connection() -> None:
    client = HTTPClient()
    peers = set()

    def respond(connection: socket.socket, body: bytes) -> None:
        peers.add(connection.getpeername())
        connection.sendall(reply("<ok/>"))

    with Port(respond) as port:
        for _ in range(3):
            client.post(port.url, BODY, {}, 10)
    assert len(port.bodies) == 3
    assert len(peers) == 1


def test_a_connection_that_the_gateway_closed_meanwhile_is_made_anew() -> None:
    client, closed = HTTPClient(), threading.Semaphore(0)

    def respond(connection: socket.socket, body: bytes) -> None:
        connection.sendall(reply("<ok/>"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.release()

    with Port(respond) as port:
        for _ in range(3):
            assert client.post(port.url, BODY, {}, 10) == b"<ok/>"
            assert closed.acquire(timeout=10)


# What a status proves

STATUSES = {
    "201 Created": OutcomeUnknown,
    "202 Accepted": OutcomeUnknown,
    "204 No Content": OutcomeUnknown,
    "206 Partial Content": OutcomeUnknown,
    "301 Moved Permanently": RefusedForUs,
    "302 Found": OutcomeUnknown,
    "303 See Other": OutcomeUnknown,
    "307 Temporary Redirect": RefusedForUs,
    "308 Permanent Redirect": RefusedForUs,
    "400 Bad Request": RefusedForUs,
    "401 Unauthorized": RefusedForUs,
    "403 Forbidden": RefusedForUs,
    "404 Not Found": RefusedForUs,
    "405 Method Not Allowed": RefusedForUs,
    "408 Request Timeout": OutcomeUnknown,
    "409 Conflict": OutcomeUnknown,
    "413 Content Too Large": RefusedForUs,
    "415 Unsupported Media Type": RefusedForUs,
    "429 Too Many Requests": NotNow,
    "500 Internal Server Error": OutcomeUnknown,
    "502 Bad Gateway": OutcomeUnknown,
    "503 Service Unavailable": OutcomeUnknown,
    "504 Gateway Timeout": OutcomeUnknown,
    "999 Whatever": OutcomeUnknown,
}


@pytest.mark.parametrize(("status", "proof"), STATUSES.items(), ids=STATUSES)
def test_a_status_proves_no_more_than_it_says(status: str, proof: type[GatewayError]) -> None:
    with Port(reply("<ok/>", status, "Location: /elsewhere")) as port:
        error = failure(port.url)
    assert type(error) is proof
    assert error.code == status[:3]
    assert status[:3] in error.words
    assert len(port.bodies) == 1


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("2", timedelta(seconds=2)),
        ("0", timedelta(0)),
        ("86400", timedelta(hours=1)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("soon", None),
        ("²", None),
        ("9" * 5000, None),
    ],
    ids=["seconds", "none", "too long", "a date", "negative", "a word", "a superscript", "absurd"],
)
def test_the_wait_that_the_gateway_asks_for_is_read_in_seconds(value: str, wait: timedelta | None) -> None:
    with Port(reply("", "429 Too Many Requests", f"Retry-After: {value}")) as port:
        error = failure(port.url)
    assert isinstance(error, NotNow)
    assert error.retry_after == wait


# What a lost connection proves


def test_a_port_where_nobody_listens_got_nothing() -> None:
    assert type(failure(f"http://127.0.0.1:{free_port()}/")) is NotNow


def test_a_gateway_that_cannot_be_reached_in_time_got_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        try:
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            error = failure(f"http://127.0.0.1:{full.getsockname()[1]}/", PATIENCE)
        finally:
            for client in waiting:
                client.close()
    assert type(error) is NotNow
    assert f"{PATIENCE:g} s" in error.words


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway",
        "htp://gateway/",
        "http://",
        "http:///path",
        "http://127.0.0.1:port/",
        "http://a..b/",
        "http://[::1/",
    ],
)
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    error = failure(url)
    assert type(error) is RefusedForUs
    assert "not a URL" in error.words


def closing(data: bytes) -> Respond:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)

    return respond


LOST: dict[str, Respond] = {
    "nothing": closing(b""),
    "garbage": closing(b"\x00\xff garbage\r\n\r\n"),
    "another protocol": closing(b"220 mail.example.com ESMTP\r\n"),
    "half a status line": closing(b"HTTP/1.1 20"),
    "half a head": closing(b"HTTP/1.1 200 OK\r\nContent-Type: text/x"),
    "half a body": closing(reply("<ok/>")[:-2]),
    "half a chunk": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<o"),
    "no last chunk": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<ok/>\r\n"),
    "a chunk of no length": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n<ok/>\r\n0\r\n\r\n"),
    "two lengths": closing(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n<ok/>"),
    "a thousand headers": closing(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "an endless header": closing(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    "an endless body": closing(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (http.MAX_ANSWER + 70_000)),
}


@pytest.mark.parametrize("respond", LOST.values(), ids=LOST)
def test_a_broken_answer_proves_nothing(respond: Respond) -> None:
    with Port(respond) as port:
        assert type(failure(port.url)) is OutcomeUnknown
    assert len(port.bodies) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

DRIPPED = {
    "a head": (b"", b"HTTP/1.1 200 OK\r\nX: "),
    "a head after a 100": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\nX: "),
    "a body of known length": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"<ok> "),
    "a body of unknown length": (b"HTTP/1.1 200 OK\r\n\r\n", b"<ok/> "),
    "the length of a chunk": (CHUNKED, b"5;"),
    "a chunk": (CHUNKED + b"fffff\r\n", b"<ok> "),
    "a trailer": (CHUNKED + b"5\r\n<ok/>\r\n0\r\n", b"X: "),
    "the page of a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", b"<a>"),
}


@pytest.mark.parametrize(("at_once", "dripped"), DRIPPED.values(), ids=DRIPPED)
def test_an_answer_that_drips_is_given_up_in_time(at_once: bytes, dripped: bytes) -> None:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(at_once)
        port.drip(client, dripped)

    with Port(respond) as port:
        assert type(failure(port.url, PATIENCE)) is OutcomeUnknown
    assert len(port.bodies) == 1


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["at all", "after its head"])
def test_a_gateway_that_does_not_answer_may_have_taken_it(begun: bytes) -> None:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(begun)
        port.over.wait()

    with Port(respond) as port:
        assert type(failure(port.url, PATIENCE)) is OutcomeUnknown


def test_a_call_that_was_given_up_leaves_its_late_answer_to_nobody() -> None:
    client = HTTPClient()

    def respond(connection: socket.socket, body: bytes) -> None:
        if body == b"first":
            port.over.wait(3 * PATIENCE)
        connection.sendall(reply(b"to " + body))

    with Port(respond) as port:
        with pytest.raises(OutcomeUnknown):
            client.post(port.url, b"first", {}, PATIENCE)
        assert client.post(port.url, b"second", {}, 10) == b"to second"


def test_what_the_caller_was_handling_is_not_taken_for_the_gateway() -> None:
    """A site that sends an SMS because another machine cannot be reached."""

    def lost(url: str) -> GatewayError:
        try:
            requests.get(f"http://127.0.0.1:{free_port()}/", timeout=10)
        except requests.ConnectionError:
            return failure(url)
        raise AssertionError

    with Port(closing(b"")) as port:
        assert type(lost(port.url)) is OutcomeUnknown


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tls: ssl.SSLContext) -> None:
    with Port(reply("<ok/>"), tls) as port:
        error = failure(port.url)
    assert type(error) is RefusedForUs
    assert "certificate" in error.words
    assert port.bodies == []


@pytest.mark.usefixtures("trusted")
def test_a_gateway_behind_a_good_certificate_is_understood(tls: ssl.SSLContext) -> None:
    with Port(reply("<ok/>"), tls) as port:
        assert post(port.url) == b"<ok/>"
    assert port.bodies == [BODY]


def test_a_port_that_does_not_speak_tls_gets_nothing() -> None:
    with Port(reply("<ok/>")) as port:
        error = failure(port.url.replace("http:", "https:"), PATIENCE)
    assert type(error) in {RefusedForUs, NotNow}
    assert port.bodies == []


def test_a_gateway_that_never_ends_the_handshake_got_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert type(failure(f"https://127.0.0.1:{mute.getsockname()[1]}/", PATIENCE)) is NotNow


def broken(data: bytes) -> Respond:
    """The given bytes, then a record that breaks the connection's TLS."""

    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(data)
        with socket.socket(fileno=client.detach()) as beneath:
            beneath.sendall(FATAL_ALERT)

    return respond


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\n\r\n<ok>"], ids=["instead of an answer", "in the midst of an answer"]
)
def test_tls_that_breaks_after_the_request_proves_nothing(tls: ssl.SSLContext, data: bytes) -> None:
    with Port(broken(data), tls) as port:
        assert type(failure(port.url)) is OutcomeUnknown
    assert port.bodies == [BODY]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("at_once", "dripped"), DRIPPED.values(), ids=DRIPPED)
def test_an_answer_that_drips_through_tls_is_given_up_in_time(
    tls: ssl.SSLContext, at_once: bytes, dripped: bytes
) -> None:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(at_once)
        port.drip(client, dripped)

    with Port(respond, tls) as port:
        assert type(failure(port.url, PATIENCE)) is OutcomeUnknown


# By way of a proxy

Behind = Callable[[Port], str]


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def forwarding(no_proxy: None, monkeypatch: pytest.MonkeyPatch) -> Behind:
    """The address of a gateway that only this port, a proxy that has it at hand, can reach."""

    def behind(port: Port) -> str:
        monkeypatch.setenv("HTTP_PROXY", port.url)
        return "http://gateway.example/send"

    return behind


@pytest.fixture
def tunnelling(no_proxy: None, trusted: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behind]:
    """The address of a gateway that speaks TLS, by way of a proxy that carries bytes."""
    with tunnel() as proxy:

        def behind(port: Port) -> str:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
            return port.url

        yield behind


@contextmanager
def tunnel() -> Iterator[int]:
    """A proxy that connects whom it is told to; gives back its port."""
    ends: list[socket.socket] = []

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def run(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _address = server.accept()
                asked = client.makefile("rb").readline()
                there = socket.create_connection(("127.0.0.1", int(asked.split()[1].rpartition(b":")[2])))
                ends.extend([client, there])
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                for way in ((client, there), (there, client)):
                    threading.Thread(target=carry, args=way, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=run, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    for end in ends:
        end.close()


def test_a_whole_answer_comes_through_a_proxy(forwarding: Behind) -> None:
    with Port(reply("<ok/>")) as port:
        assert post(forwarding(port)) == b"<ok/>"
    assert port.heads[0].startswith(b"POST http://gateway.example/send HTTP/1.1\r\n")


def test_a_whole_answer_comes_through_a_tunnel(tls: ssl.SSLContext, tunnelling: Behind) -> None:
    with Port(reply("<ok/>"), tls) as port:
        assert post(tunnelling(port)) == b"<ok/>"
    assert port.bodies == [BODY]


@pytest.mark.parametrize("respond", LOST.values(), ids=LOST)
def test_promise_1_a_broken_answer_proves_nothing_behind_a_proxy_either(forwarding: Behind, respond: Respond) -> None:
    with Port(respond) as port:
        assert type(failure(forwarding(port))) is OutcomeUnknown
    assert len(port.bodies) == 1


@pytest.mark.parametrize("respond", LOST.values(), ids=LOST)
def test_promise_1_nor_does_it_in_a_tunnel(tls: ssl.SSLContext, tunnelling: Behind, respond: Respond) -> None:
    with Port(respond, tls) as port:
        assert type(failure(tunnelling(port))) is OutcomeUnknown
    assert len(port.bodies) == 1


@pytest.mark.parametrize(("at_once", "dripped"), DRIPPED.values(), ids=DRIPPED)
def test_an_answer_that_drips_through_a_proxy_is_given_up_in_time(
    forwarding: Behind, at_once: bytes, dripped: bytes
) -> None:
    def respond(client: socket.socket, body: bytes) -> None:
        client.sendall(at_once)
        port.drip(client, dripped)

    with Port(respond) as port:
        assert type(failure(forwarding(port), PATIENCE)) is OutcomeUnknown


def test_an_answer_that_drips_through_a_tunnel_is_given_up_in_time(tls: ssl.SSLContext, tunnelling: Behind) -> None:
    with Port(lambda client, body: port.drip(client, b"HTTP/1.1 200 OK\r\nX: "), tls) as port:
        # Longer than the handshake may take on a machine that is loaded.
        assert type(failure(tunnelling(port), 5)) is OutcomeUnknown
    assert port.bodies == [BODY]


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_got_nothing(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://127.0.0.1:{free_port()}")
    assert type(failure(f"{scheme}://gateway.example/")) is NotNow


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_reached_in_time_got_nothing(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        try:
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://127.0.0.1:{full.getsockname()[1]}")
            assert type(failure(f"{scheme}://gateway.example/", PATIENCE)) is NotNow
        finally:
            for client in waiting:
                client.close()


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"",
    ],
    ids=["407", "502", "another protocol", "nothing"],
)
def test_a_proxy_that_opens_no_tunnel_got_nothing_but_the_wish_for_one(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []

    def run(server: socket.socket) -> None:
        client, _address = server.accept()
        with client:
            heard.append(client.recv(65536))
            client.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=run, args=(server,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert type(failure("https://gateway.example/")) is NotNow
    assert heard[0].startswith(b"CONNECT gateway.example:443 ")


# Connecting


def test_promise_1_a_connection_that_took_too_long_to_make_carries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is looked up for longer than the time-out: others may have asked about the message meanwhile."""
    look_up = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> object:
        threading.Event().wait(2 * PATIENCE)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with Port(reply("<ok/>")) as port:
        error = failure(port.url, PATIENCE)
    assert type(error) is NotNow
    assert f"{PATIENCE:g} s" in error.words
    assert port.bodies == []


# Secrets


@pytest.mark.parametrize(
    "make_url",
    [
        lambda port: port.url,
        lambda port: port.url.replace("http://", "http://shop:another-secret@"),
        lambda port: f"http://shop:another-secret@127.0.0.1:{free_port()}/",
        lambda port: "http://shop:another-secret@a..b/",
    ],
    ids=["cut off", "cut off, login in the URL", "nobody there", "no URL"],
)
def test_no_secret_stands_in_an_error(make_url: Callable[[Port], str]) -> None:
    with Port(closing(b"")) as port:
        error = failure(make_url(port))
    told = "".join(traceback.format_exception(error)) + repr(error)
    assert "secret" not in told
