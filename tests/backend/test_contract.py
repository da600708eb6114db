"""Every gateway of ours passes the contract kit, and so does a backend of somebody else's as far as it applies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from smsoffice import delivery
from smsoffice.backend.sms import SMSBackend
from smsoffice.simulator import Simulator
from smsoffice.testing import BackendContract, PublishingContract
from smsoffice.testing.wire import numbers, states, waiting


class TestSMSOperator(BackendContract):
    backend: ClassVar[str] = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        return {
            "PYMESS_SMS_OPERATOR_CONFIG": {
                "URL": simulator.url("sms-operator"),
                "USERNAME": simulator.username,
                "PASSWORD": password,
                "TIMEOUT": timeout,
            }
        }


class TestATS(BackendContract):
    backend: ClassVar[str] = "smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend"

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        return {
            "PYMESS_ATS_SMS_CONFIG": {
                "URL": simulator.url("ats"),
                "USERNAME": simulator.username,
                "PASSWORD": password,
                "TIMEOUT": timeout,
            }
        }


class TestTwilio(BackendContract):
    backend: ClassVar[str] = "smsoffice.backend.sms.twilio.TwilioSMSBackend"

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        return {
            "PYMESS_TWILIO_CONFIG": {
                "ACCOUNT_SID": simulator.username,
                "AUTH_TOKEN": password,
                "SENDER": "+420777000000",
                "API_URL": simulator.url("twilio"),
                "TIMEOUT": timeout,
            }
        }


class TestSNS(BackendContract):
    backend: ClassVar[str] = "smsoffice.backend.sms.sns.SNSSMSBackend"
    # A lost answer holds the only reference that SNS ever gives.
    resolves_lost: ClassVar[bool] = False

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        # A secret key is signed with and never sent, so a gateway that takes any signature knows us by the key's id.
        known = simulator.username if password == simulator.password else "AKIASOMEBODYELSE"
        return {
            "PYMESS_SNS_CONFIG": {
                "AWS_ACCESS_KEY_ID": known,
                "AWS_SECRET_ACCESS_KEY": password,
                "ENDPOINT_URL": simulator.url("sns"),
                "LOGS_ENDPOINT_URL": simulator.url("logs"),
                "DELIVERY_LOGS": True,
                "TIMEOUT": timeout,
            }
        }


class TestDummy(PublishingContract):
    backend: ClassVar[str] = "smsoffice.backend.sms.dummy.DummySMSBackend"
    leads_to: ClassVar[Collection[str]] = {"DEBUG"}

    def test_no_gateway_hears_of_a_message(self, in_force: SMSBackend, settings: Any) -> None:
        with Simulator() as gateway:
            settings.PYMESS_SMS_OPERATOR_CONFIG = {"URL": gateway.url("sms-operator"), "USERNAME": "simulator"}
            messages = waiting(*numbers(5))
            delivery.send_waiting()
            delivery.check_states()
        assert states(messages) == ["DEBUG"] * 5
        assert gateway.requests == 0


class TestSomebodyElses(PublishingContract):
    """The seed's backend to the letter: publish, set the state, save."""

    backend: ClassVar[str] = "tests.backend.test_third_party.Publishes"
