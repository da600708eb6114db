"""The gateways that `make run GATEWAY=...` shows, each as the local simulator speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

LOGIN = "simulator"
"""The simulator's user name, and its password."""


class LocalGateway(NamedTuple):
    """A gateway's class under `smsoffice.backend.sms`, and its setting with what stands in it."""

    backend: str
    setting: str
    config: Mapping[str, Any]


def local_gateways(gateway: str, site: str) -> dict[str, LocalGateway]:
    """What can be chosen, by its name.

    Args:
        gateway: the address of the simulator.
        site: the address of our own site.
    """
    xml = {"UNIQ_PREFIX": "demo", "USERNAME": LOGIN, "PASSWORD": LOGIN}
    twilio = {
        "ACCOUNT_SID": LOGIN,
        "AUTH_TOKEN": LOGIN,
        "SENDER": "+420777000000",
        "API_URL": f"{gateway}/twilio",
        "STATUS_CALLBACK_URL": f"{site}/sms/callbacks/twilio/",
    }
    sns = {
        "AWS_ACCESS_KEY_ID": LOGIN,
        "AWS_SECRET_ACCESS_KEY": LOGIN,
        "ENDPOINT_URL": f"{gateway}/sns",
        "LOGS_ENDPOINT_URL": f"{gateway}/logs",
        "DELIVERY_LOGS": True,
    }
    return {
        "sms-operator": LocalGateway(
            "sms_operator.SMSOperatorBackend", "PYMESS_SMS_OPERATOR_CONFIG", {"URL": f"{gateway}/sms-operator", **xml}
        ),
        "ats": LocalGateway(
            "ats_sms_operator.ATSSMSBackend", "PYMESS_ATS_SMS_CONFIG", {"URL": f"{gateway}/ats", **xml}
        ),
        "twilio": LocalGateway("twilio.TwilioSMSBackend", "PYMESS_TWILIO_CONFIG", twilio),
        "sns": LocalGateway("sns.SNSSMSBackend", "PYMESS_SNS_CONFIG", sns),
        "dummy": LocalGateway("dummy.DummySMSBackend", "", {}),
    }


def variables(environment: Mapping[str, str], gateway: str, site: str) -> dict[str, str]:
    """The variables that put the gateway in force which GATEWAY names, or the first one where it names none.

    All of them are set up: a message of the day before is asked about where it was handed over.

    Args:
        environment: what the user has set.
        gateway, site: as for `local_gateways`.

    Raises:
        ValueError: GATEWAY names none that is here, or the environment says otherwise; the text says what to do.
    """
    known, name = local_gateways(gateway, site), environment.get("GATEWAY", "")
    if name and name not in known:
        raise ValueError(
            f"There is no local gateway “{name}”. Choose one of {', '.join(known)}: make run GATEWAY=twilio"
        )
    chosen = known[name or next(iter(known))]
    # An account of the user's own would be used, where a gateway that sends nothing was asked for.
    if name and (others := sorted({"PYMESS_SMS_SENDER_BACKEND", chosen.setting} & environment.keys())):
        raise ValueError(f"GATEWAY={name} and {' and '.join(others)} contradict each other. Unset one of them.")
    configs = {local.setting: json.dumps(local.config) for local in known.values() if local.setting}
    return {"PYMESS_SMS_SENDER_BACKEND": f"smsoffice.backend.sms.{chosen.backend}", **configs}
