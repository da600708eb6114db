"""The models, where Django looks for them; `smsoffice.models.sms` has the names that others import."""

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.cancellation import Cancellation
from smsoffice.models.counts import DayCount
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun
from smsoffice.models.sms import (
    AbstractSMSTemplate,
    OutputSMSEvent,
    OutputSMSMessage,
    OutputSMSRelatedObject,
    SMSTemplate,
)
from smsoffice.models.uses import TemplateUse

__all__ = [
    "AbstractSMSTemplate",
    "Batch",
    "BatchChunk",
    "Cancellation",
    "CommandRun",
    "DayCount",
    "GatewayStatus",
    "OutputSMSEvent",
    "OutputSMSMessage",
    "OutputSMSRelatedObject",
    "SMSTemplate",
    "TemplateUse",
]
