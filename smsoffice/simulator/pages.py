"""What people and other processes see of the simulator, and how they set it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from smsoffice.simulator.dialect import Answer, Request

if TYPE_CHECKING:
    from smsoffice.simulator.server import Simulator

SHOWN = 50
LONGEST_WAIT = 3600.0
SECONDS = ("latency", "delivery_delay", "late", "early", "drip")


def answer(simulator: Simulator, request: Request) -> Answer:
    """Answer a request that is for the simulator itself, not for a gateway."""
    match request.method, request.path:
        case "GET", "/":
            return Answer(index(simulator).encode(), "text/html; charset=utf-8")
        case "GET", "/stats.json":
            return _json(stats(simulator))
        case "POST", "/reset":
            simulator.reset()
            return _json(stats(simulator))
        case "POST", "/control":
            return control(simulator, request.body)
        case _, "/" | "/stats.json" | "/reset" | "/control":
            return Answer(b"This address takes another method.", status=405)
        case _:
            return Answer(b"There is nothing at this address. See / for the addresses.", status=404)


def stats(simulator: Simulator) -> dict[str, Any]:
    """What came, in numbers."""
    return {
        "accepted": len(simulator.accepted),
        "doubled": simulator.doubled(),
        "by_number": simulator.counts,
        "requests": simulator.requests,
        "connections": simulator.connections,
    }


def control(simulator: Simulator, body: bytes) -> Answer:
    """Set the switches from a JSON object: fault (with times and on), submit_status and the times of `SECONDS`.

    Either all of it is set or, when something in it makes no sense, nothing.
    """
    try:
        wanted = json.loads(body)
        if not isinstance(wanted, dict):
            raise ValueError("The body must be a JSON object.")
        _set(simulator, wanted)
    except ValueError as error:
        return _json({"error": str(error)}, 400)
    return _json({name: getattr(simulator, name) for name in ("fault", "submit_status", *SECONDS)})


def _set(simulator: Simulator, wanted: dict[str, Any]) -> None:
    known = ("fault", "times", "on", "submit_status", *SECONDS)
    if strange := sorted(set(wanted) - set(known)):
        raise ValueError(f"There is no switch {', '.join(strange)}. Choose among {', '.join(known)}.")
    plain = {name: value for name, value in wanted.items() if name in ("submit_status", *SECONDS)}
    for name, value in plain.items():
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if name == "submit_status" and not (numeric and isinstance(value, int)):
            raise ValueError("submit_status must be a whole number.")
        if name in SECONDS and not (numeric and 0 <= value <= LONGEST_WAIT):
            raise ValueError(f"{name} must be a number of seconds from 0 to {LONGEST_WAIT:.0f}.")
    if "fault" in wanted:
        simulator.fail(wanted["fault"], times=wanted.get("times"), on=wanted.get("on", "both"))
    for name, value in plain.items():
        setattr(simulator, name, value)


def index(simulator: Simulator) -> str:
    """The page that shows what came."""
    accepted, doubled = simulator.accepted, simulator.doubled()
    rows = "".join(
        f"<tr><td>{datetime.fromtimestamp(message.at, UTC):%H:%M:%S}</td>"
        + "".join(f"<td>{escape(text)}</td>" for text in (message.id, message.sender, message.number, message.text))
        + "</tr>"
        for message in reversed(accepted[-SHOWN:])
    )
    addresses = "".join(
        f"<li>{escape(dialect.name)}: <code>{escape(simulator.url(prefix))}</code></li>"
        for dialect in simulator.dialects
        for prefix in dialect.prefixes
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SMS gateway simulator</title></head><body>'
        f"<h1>SMS gateway simulator</h1><ul>{addresses}</ul>"
        f"<p>Accepted: {len(accepted)}. Requests: {simulator.requests}. Connections: {simulator.connections}. "
        f"Fault: {simulator.fault}.</p>"
        f"<p>Accepted more than once: {escape(', '.join(doubled[:SHOWN])) or 'none'}"
        f"{f' and {len(doubled) - SHOWN} more' if len(doubled) > SHOWN else ''}.</p>"
        f"<table><caption>The last {SHOWN} accepted, newest first</caption><thead><tr><th>Time (UTC)</th><th>Id</th>"
        f"<th>Sender</th><th>Number</th><th>Text</th></tr></thead><tbody>{rows}</tbody></table></body></html>"
    )


def _json(data: dict[str, Any], status: int = 200) -> Answer:
    return Answer(json.dumps(data).encode(), "application/json", status)
