"""The id that we give a message at a gateway is kept on its row, whatever becomes of the setting."""

from __future__ import annotations

from typing import Any

import pytest

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.simulator import Fault, Simulator
from smsoffice.testing.wire import accepted_once, let_time_pass, numbers, states, waiting

pytestmark = pytest.mark.django_db

GATEWAYS = {
    "sms-operator": ("smsoffice.backend.sms.sms_operator.SMSOperatorBackend", "PYMESS_SMS_OPERATOR_CONFIG"),
    "ats": ("smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend", "PYMESS_ATS_SMS_CONFIG"),
}


@pytest.mark.parametrize("path", GATEWAYS)
def test_a_prefix_that_changes_meanwhile_doubles_nothing(path: str, settings: Any) -> None:
    settings.PYMESS_SMS_SENDER_BACKEND, name = GATEWAYS[path]
    settings.PYMESS_SMS_UNKNOWN_GRACE = 0
    base._instance.cache_clear()
    with Simulator(delivery_delay=0) as simulator:
        config = {"URL": simulator.url(path), "USERNAME": "simulator", "PASSWORD": "simulator", "UNIQ_PREFIX": "old"}
        setattr(settings, name, config)
        messages = waiting(*numbers(3))
        simulator.fail(Fault.CUT_AFTER, on="submit", times=1)
        delivery.send_waiting(limit=3)
        assert states(messages) == ["UNKNOWN"] * 3

        setattr(settings, name, {**config, "UNIQ_PREFIX": "new"})
        let_time_pass()
        delivery.check_states()
        delivery.send_waiting()
        assert states(messages) == ["DELIVERED"] * 3
        assert accepted_once(simulator, messages)
    base._instance.cache_clear()
