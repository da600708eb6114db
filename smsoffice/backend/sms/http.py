"""One HTTP call to a gateway, with one time-out for the whole of it, told apart by what it proves.

Nothing left (no connection, a refused call): NotNow or RefusedForUs. Anything else that is not a whole answer
with status 200: OutcomeUnknown, for the gateway may have accepted what we sent.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from http.client import HTTPException
from typing import Any, NamedTuple

import requests
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, NewConnectionError
from urllib3.poolmanager import PoolManager

from smsoffice.backend.sms.watchdog import Watchdog
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer that are read; more is no answer to us."""

NOT_A_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    LocationValueError,
)


class Deadlined:
    """A connection that tells when it never stood; neither it nor an answer's head takes longer than its time-out."""

    def connect(self) -> None:
        started, timeout = time.monotonic(), self.timeout  # type: ignore[attr-defined]
        try:
            super().connect()  # type: ignore[misc]
        except (OSError, HTTPException) as error:
            # TLS fails by the same errors in the midst of an answer; only here do they prove that nothing left.
            raise NewConnectionError(self, "no connection") from error  # type: ignore[arg-type]
        if timeout is not None and time.monotonic() - started > timeout:
            # A name that is looked up, each of its addresses, a proxy and TLS have a time-out of their own or none.
            # By now others may have asked about what was about to leave.
            self.close()  # type: ignore[attr-defined]
            raise ConnectTimeoutError(self, "connected too late")

    def getresponse(self) -> Any:
        sock = self.sock  # type: ignore[attr-defined]
        with Watchdog(sock.gettimeout() or 60, lambda: sock.shutdown(socket.SHUT_RDWR)) as watchdog:
            response = super().getresponse()  # type: ignore[misc]
        if watchdog.has_bitten:
            # A head that ends in its midst is taken for a whole one.
            raise TimeoutError
        return response


@cache
def _deadlined(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """The same pool, but of connections that are deadlined."""
    if issubclass(pool.ConnectionCls, Deadlined):
        return pool
    connection = type(f"Deadlined{pool.ConnectionCls.__name__}", (Deadlined, pool.ConnectionCls), {})
    return type(f"Deadlined{pool.__name__}", (pool,), {"ConnectionCls": connection})


class DeadlinedAdapter(HTTPAdapter):
    """Keeps its connections, repeats nothing by itself and lets no answer's head drip, by way of a proxy or not."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _deadline(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        # Each time: another thread may have made it this moment.
        return _deadline(super().proxy_manager_for(*args, **kwargs))


def _deadline(manager: PoolManager) -> PoolManager:
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _deadlined(pool) for scheme, pool in pools.items()}
    return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: even a redirect that is not followed would be read to its end, however long that takes."""
        return None


class HTTPAnswer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HTTPClient:
    """The kept connections to one gateway; safe to use from several threads."""

    def __init__(self, connections: int = 4) -> None:
        self.session = _Session()
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, DeadlinedAdapter(max_retries=0, pool_maxsize=connections))

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> bytes:
        """POST once.

        Args:
            timeout: seconds for the connection, and again for the whole answer.

        Returns:
            The whole body of an answer with status 200.

        Raises:
            NotNow: nothing left, or the gateway is too busy for it.
            RefusedForUs: the gateway refuses the call, so nothing was accepted.
            OutcomeUnknown: it may have been accepted.
        """
        return self.call("POST", url, timeout, check_status, data=body, headers=headers).body

    def call(
        self,
        method: str,
        url: str,
        timeout: float,
        check: Callable[[int, Mapping[str, str]], None],
        *,
        headers: Mapping[str, str],
        **request: Any,
    ) -> HTTPAnswer:
        """Call once, as `post` does, and let `check` raise what a status and the headers prove before the body.

        Args:
            request: what else `requests` takes: params, data, auth.
        """
        started = time.monotonic()
        try:
            response = self.session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
                **request,
            )
            with response:
                check(response.status_code, response.headers)
                return HTTPAnswer(response.status_code, response.headers, _read(response, started + 2 * timeout))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise of_transport_error(error, timeout) from None


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body, as it comes, within the deadline and the size."""
    body = bytearray()
    with Watchdog(deadline - time.monotonic(), response.raw.shutdown) as watchdog:
        try:
            while chunk := response.raw.read1(65536):
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise OutcomeUnknown(_("The gateway's answer is too long to be one."))
        finally:
            if watchdog.has_bitten:
                raise OutcomeUnknown(_("The gateway did not finish its answer in time."))
    length = _whole_number(response.headers.get("Content-Length", ""))
    # Where nothing tells the length, a head that was cut off looks like an empty answer.
    unframed = length is None and "Transfer-Encoding" not in response.headers
    if len(body) < (length or 0) or (unframed and not body):
        raise OutcomeUnknown(_("The gateway's answer was cut off."))
    return bytes(body)


def check_status(status: int, headers: Mapping[str, str]) -> None:
    """Raise what an HTTP status other than 200 proves (RFC 9110 §15)."""
    if status == 200:
        return
    code = str(status)
    if status == 429:
        raise NotNow(_("The gateway asks us to slow down (HTTP 429)."), code, _retry_after(headers))
    # Not 302 and 303: with these a page may answer a call that it has carried out, or failed to in its midst.
    if status in {301, 307, 308}:
        raise RefusedForUs(_("The gateway has moved (HTTP %s). Correct the URL in its settings.") % code, code)
    if status in {401, 403, 407}:
        raise RefusedForUs(_("The gateway refuses our login (HTTP %s). Check its settings.") % code, code)
    if 400 <= status < 500 and status not in {408, 409}:
        raise RefusedForUs(_("The gateway refuses our call (HTTP %s). Check the URL in its settings.") % code, code)
    raise OutcomeUnknown(_("The gateway failed (HTTP %s).") % code, code)


def of_transport_error(error: Exception, timeout: float) -> GatewayError:
    """What a failure below HTTP proves: before the connection stood nothing can have left."""
    causes = _causes(error)
    if any(isinstance(cause, NOT_A_URL) for cause in causes):
        return RefusedForUs(_("The gateway's address is not a URL. Correct the URL in its settings."))
    # Not ProxyError: urllib3 also calls so what broke after the request had left by way of a proxy.
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return RefusedForUs(_("No safe connection to the gateway: its certificate could not be verified."))
        return NotNow(_("The gateway could not be reached: no connection."))
    # NewConnectionError is one of these too.
    if any(isinstance(cause, ConnectTimeoutError) for cause in causes):
        return NotNow(_("The gateway could not be reached within %g s.") % timeout)
    if isinstance(error, requests.exceptions.ReadTimeout):
        return OutcomeUnknown(_("The gateway did not answer in %g s.") % timeout)
    return OutcomeUnknown(_("The connection to the gateway broke before it answered."))


def _causes(error: BaseException) -> list[BaseException]:
    """The error with all that is wrapped in it: requests keeps urllib3's as its argument or `reason`.

    Not its `__context__`: that also holds what the caller was handling at the time, e.g. a lost connection to
    another machine, about which this SMS is to tell.
    """
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [*one.args, one.__cause__, getattr(one, "reason", None)]
    return found


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The wait that the gateway asks for, in seconds (RFC 9110 §10.2.3); a date is left to our own back-off."""
    seconds = _whole_number(headers.get("Retry-After", ""))
    return None if seconds is None else timedelta(seconds=min(seconds, 3600))


def _whole_number(text: str) -> int | None:
    """The number that a header holds; None for anything else, also for more digits than a number can be worth."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
