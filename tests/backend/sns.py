"""Amazon SNS's client, as its tests set it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.sns import SNSSMSBackend
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.simulator import Fault, Simulator
from tests.gateway import let_time_pass

SECRET = "a secret key of the shop"

SLOW = {Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.LATE, Fault.DRIP}
"""The faults that a client can only end by giving up."""

Configure = Callable[..., SNSSMSBackend]


def forget_the_machines_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let boto3 find none of a developer's own credentials, nor look for those of a cloud's machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def use_sns(settings: Any, **config: object) -> SNSSMSBackend:
    """Choose SNS's client, new and without a connection, with the given keys of its configuration."""
    base._instance.cache_clear()
    settings.PYMESS_SMS_SENDER_BACKEND = SNSSMSBackend.path()
    settings.PYMESS_SMS_UNKNOWN_GRACE = 0
    settings.PYMESS_SNS_CONFIG = {
        "AWS_ACCESS_KEY_ID": "simulator",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-west-1",
        "DELIVERY_LOGS": True,
        "TIMEOUT": 10,
        **config,
    }
    backend = base.get_sms_backend()
    assert isinstance(backend, SNSSMSBackend)
    return backend


def at(simulator: Simulator, fault: Fault = Fault.NONE) -> dict[str, Any]:
    """The configuration for a simulator; impatient, where nothing else ends a call with the fault."""
    urls = {"ENDPOINT_URL": simulator.url("sns"), "LOGS_ENDPOINT_URL": simulator.url("logs")}
    return {**urls, "TIMEOUT": 0.5 if fault in SLOW else 10}


def errors() -> list[str]:
    """What stands beside the messages' states, in the order of their keys."""
    return list(OutputSMSMessage.objects.order_by("pk").values_list("error", flat=True))


def ask_later() -> delivery.CheckRound:
    """Ask about what was handed over an hour ago."""
    let_time_pass()
    return delivery.check_states()
