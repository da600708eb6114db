"""What a host project uses in its own tests.

In a host's tests no gateway is needed: `assert_sms_sent` looks at what was accepted, `gateway_says` puts a gateway in
force that lives in the test and says what it is told to, and `drain` lets happen now what would happen later. Who
writes a gateway inherits `BackendContract`, or `PublishingContract` where nothing goes over a wire.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from smsoffice.testing.outbox import assert_sms_sent, outbox
from smsoffice.testing.scripted import ScriptedGateway, gateway_says
from smsoffice.testing.wire import drain

if TYPE_CHECKING:
    from smsoffice.testing.contract import BackendContract
    from smsoffice.testing.publishing import PublishingContract

__all__ = [
    "BackendContract",
    "PublishingContract",
    "ScriptedGateway",
    "assert_sms_sent",
    "drain",
    "gateway_says",
    "outbox",
]

_CONTRACTS = {
    "BackendContract": "smsoffice.testing.contract",
    "PublishingContract": "smsoffice.testing.publishing",
}


def __getattr__(name: str) -> Any:
    if name not in _CONTRACTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Only who tests a gateway needs pytest and a simulator.
    import pytest

    # Else a failed assertion would not tell what it compared.
    pytest.register_assert_rewrite(*_CONTRACTS.values())
    return getattr(import_module(_CONTRACTS[name]), name)
