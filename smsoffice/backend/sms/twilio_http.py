"""Twilio's own client over our own connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from smsoffice.backend.sms.http import HTTPAnswer, HTTPClient, check_status
from smsoffice.conf import conf


class Transport(TwilioHttpClient):  # type: ignore[misc]  # it has no stubs
    """Carries the calls of Twilio's client: none without a time-out, none repeated, none written to a log."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=False)
        self.http = HTTPClient(connections)

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Call once.

        Raises:
            GatewayError: nobody answered, or the answer is not Twilio's; its own errors are left to its client.
        """
        config = conf.TWILIO_CONFIG
        answer = self.http.call(
            method,
            _moved(url, config["API_URL"]),
            config["TIMEOUT"],
            _read_whatever_the_status,
            headers=headers or {},
            params=params,
            data=data,
            # As bytes: of a text only what Latin-1 has could be said.
            auth=auth and tuple(part.encode() for part in auth),
        )
        # Of a list that failed Twilio's client keeps nothing.
        is_list = method == "GET" and url.endswith("/Messages.json")
        if not 200 <= answer.status < 300 and (is_list or not _is_refusal(answer)):
            check_status(answer.status, answer.headers)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def _moved(url: str, api_url: str) -> str:
    """The address at another server than Twilio's."""
    if not api_url:
        return url
    _scheme, _host, path, query, _fragment = urlsplit(url)
    return f"{api_url.rstrip('/')}{path}{'?' if query else ''}{query}"


def _read_whatever_the_status(status: int, headers: Mapping[str, str]) -> None:
    """Twilio tells in the body what a status means."""


def _is_refusal(answer: HTTPAnswer) -> bool:
    """Whether Twilio itself refuses the call, and tells why in the body; a gateway or proxy before it does not."""
    if not 400 <= answer.status < 500 or answer.status in {408, 409}:
        return False
    if answer.status == 429 and "Retry-After" in answer.headers:
        return False
    try:
        said: Any = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(said, dict) and "code" in said
