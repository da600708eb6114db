"""The models, where Django looks for them; `smsoffice.models.sms` has the names that others import."""

from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import (
    AbstractSMSTemplate,
    OutputSMSEvent,
    OutputSMSMessage,
    OutputSMSRelatedObject,
    SMSTemplate,
)

__all__ = [
    "AbstractSMSTemplate",
    "GatewayStatus",
    "OutputSMSEvent",
    "OutputSMSMessage",
    "OutputSMSRelatedObject",
    "SMSTemplate",
]
