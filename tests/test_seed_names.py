"""The names that others rely on: those of the document that the system is built from, and those added to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.core.management import get_commands
from django.db import models
from django.utils.module_loading import import_string

from smsoffice.backend import sms
from smsoffice.backend.sms import SMSBackend
from smsoffice.conf import conf
from smsoffice.models.sms import (
    AbstractSMSTemplate,
    OutputSMSEvent,
    OutputSMSMessage,
    OutputSMSRelatedObject,
    SMSTemplate,
)

TIMES = {"created_at": models.DateTimeField, "changed_at": models.DateTimeField}

MESSAGE_OF_THE_SEED = {
    **TIMES,
    "sent_at": models.DateTimeField,
    "recipient": models.CharField,
    "sender": models.CharField,
    "content": models.TextField,
    "template_slug": models.CharField,
    "template": models.ForeignKey,
    "state": models.CharField,
    "backend": models.CharField,
    "error": models.TextField,
    "extra_data": models.JSONField,
    "extra_sender_data": models.JSONField,
    "tag": models.CharField,
}
MESSAGE_BEYOND_THE_SEED = {
    "external_id": models.CharField,
    "send_attempts": models.PositiveSmallIntegerField,
    "send_after": models.DateTimeField,
    "expires_at": models.DateTimeField,
    "priority": models.SmallIntegerField,
    "idempotency_key": models.CharField,
    "resend_of": models.ForeignKey,
    "segments": models.PositiveSmallIntegerField,
    "encoding": models.CharField,
}
RELATED_OBJECT = {
    **TIMES,
    "output_sms_message": models.ForeignKey,
    "content_type": models.ForeignKey,
    "object_id_int": models.BigIntegerField,
    "object_id": models.TextField,
}
TEMPLATE = {**TIMES, "slug": models.SlugField, "body": models.TextField}
EVENT = {
    "created_at": models.DateTimeField,
    "from_state": models.CharField,
    "to_state": models.CharField,
    "source": models.CharField,
    "code": models.CharField,
    "words": models.TextField,
    "user": models.ForeignKey,
}

FIELDS = [
    pytest.param(model, name, kind, id=f"{model.__name__}.{name}")
    for model, fields in (
        (OutputSMSMessage, MESSAGE_OF_THE_SEED | MESSAGE_BEYOND_THE_SEED),
        (OutputSMSRelatedObject, RELATED_OBJECT),
        (SMSTemplate, TEMPLATE),
        (OutputSMSEvent, EVENT),
    )
    for name, kind in fields.items()
]


@pytest.mark.parametrize(("model", "name", "kind"), FIELDS)
def test_every_field_exists_and_has_its_type(
    model: type[models.Model], name: str, kind: type[models.Field[Any, Any]]
) -> None:
    assert isinstance(model._meta.get_field(name), kind)


def test_the_states_are_those_of_the_seed_and_each_value_is_its_name() -> None:
    names = ["WAITING", "UNKNOWN", "SENDING", "SENT", "ERROR", "DEBUG", "DELIVERED"]
    assert issubclass(OutputSMSMessage.State, models.TextChoices)
    assert sorted(OutputSMSMessage.State.names) == sorted(names)
    assert OutputSMSMessage.State.names == OutputSMSMessage.State.values


@pytest.mark.parametrize("state", OutputSMSMessage.State.values)
def test_failed_is_true_of_a_message_in_error_and_of_no_other(state: str) -> None:
    assert OutputSMSMessage(state=state).failed is (state == "ERROR")


def test_a_message_has_its_related_objects_and_each_of_them_its_object() -> None:
    relation = OutputSMSMessage._meta.get_field("related_objects")
    assert relation.related_model is OutputSMSRelatedObject
    assert isinstance(inspect.getattr_static(OutputSMSRelatedObject, "content_object"), GenericForeignKey)


def test_the_indexed_columns_of_the_seed_have_an_index() -> None:
    indexed = {index.fields_orders[0][0] for index in OutputSMSMessage._meta.indexes if index.fields}
    assert "tag" in indexed
    assert ["content_type", "object_id_int"] in [index.fields for index in OutputSMSRelatedObject._meta.indexes]
    assert OutputSMSMessage._meta.get_field("idempotency_key").unique


def test_the_default_template_only_inherits_from_the_abstract_one_and_can_be_swapped() -> None:
    assert issubclass(SMSTemplate, AbstractSMSTemplate)
    assert AbstractSMSTemplate._meta.abstract
    own = [field.name for field in SMSTemplate._meta.local_fields]
    inherited = {field.name for field in AbstractSMSTemplate._meta.local_fields}
    assert own[0] == "id"
    assert set(own[1:]) == inherited >= set(TEMPLATE)
    assert SMSTemplate._meta.swappable == "PYMESS_SMS_TEMPLATE_MODEL"


# --- Signatures ------------------------------------------------------------------------------------------------------


def _send(
    recipient,
    content,
    related_objects=None,
    tag=None,
    *,
    idempotency_key=None,
    send_after=None,
    expires_at=None,
    priority=None,
    **sms_attrs,
):
    pass


def _send_template(
    recipient,
    slug,
    context_data,
    related_objects=None,
    tag=None,
    *,
    idempotency_key=None,
    send_after=None,
    expires_at=None,
    priority=None,
):
    pass


def _bulk_send_template(slug, rows, tag=None, *, send_after=None, expires_at=None, priority=None):
    pass


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(
    ("promised", "given"),
    [
        pytest.param(_send, sms.send, id="send"),
        pytest.param(_send_template, sms.send_template, id="send_template"),
        pytest.param(_bulk_send_template, sms.bulk_send_template, id="bulk_send_template"),
        pytest.param(lambda self: None, AbstractSMSTemplate.get_body, id="get_body"),
        pytest.param(lambda self, context_data: None, AbstractSMSTemplate.render_body, id="render_body"),
        pytest.param(lambda self, recipient, context_data: None, AbstractSMSTemplate.can_send, id="can_send"),
        pytest.param(lambda self, message: None, SMSBackend.publish_message, id="publish_message"),
        pytest.param(lambda self, messages: None, SMSBackend.publish_messages, id="publish_messages"),
        pytest.param(lambda self: None, SMSBackend.bulk_check_sms_states, id="bulk_check_sms_states"),
        pytest.param(
            lambda self, obj: None, type(OutputSMSMessage.objects.all()).filter_related_object, id="filter_related"
        ),
    ],
)
def test_a_function_takes_what_was_promised(promised: Callable[..., Any], given: Callable[..., Any]) -> None:
    assert parameters(given) == parameters(promised)


def test_the_send_of_a_template_begins_as_in_the_seed() -> None:
    def _template_send(self, recipient, context_data, related_objects=None, tag=None):
        pass

    assert parameters(AbstractSMSTemplate.send)[:5] == parameters(_template_send)


@pytest.mark.parametrize(
    "path",
    [
        "smsoffice.backend.sms.dummy.DummySMSBackend",
        "smsoffice.backend.sms.sns.SNSSMSBackend",
        "smsoffice.backend.sms.twilio.TwilioSMSBackend",
        "smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend",
        "smsoffice.backend.sms.sms_operator.SMSOperatorBackend",
    ],
)
def test_every_backend_of_the_seed_is_a_backend(path: str) -> None:
    assert issubclass(import_string(path), import_module("smsoffice.backend.sms").SMSBackend)


# --- Settings and commands -------------------------------------------------------------------------------------------

SETTINGS = [
    "PYMESS_SMS_SENDER_BACKEND",
    "PYMESS_SMS_TEMPLATE_MODEL",
    "PYMESS_SMS_USE_ACCENT",
    "PYMESS_SMS_DEFAULT_PHONE_CODE",
    "PYMESS_SMS_BATCH_SENDING",
]
KEYS = {
    "PYMESS_ATS_SMS_CONFIG": (
        "URL UNIQ_PREFIX USERNAME PASSWORD VALIDITY TEXTID OPTID PROJECT_KEYWORD OUTPUT_SENDER_NUMBER TIMEOUT"
    ),
    "PYMESS_SMS_OPERATOR_CONFIG": "URL UNIQ_PREFIX USERNAME PASSWORD TIMEOUT",
    "PYMESS_TWILIO_CONFIG": ("ACCOUNT_SID AUTH_TOKEN SENDER MESSAGING_SERVICE_SID API_URL STATUS_CALLBACK_URL TIMEOUT"),
    "PYMESS_SNS_CONFIG": (
        "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION SENDER_ID SMS_TYPE ENDPOINT_URL LOGS_ENDPOINT_URL "
        "DELIVERY_LOGS TIMEOUT"
    ),
}


@pytest.mark.parametrize("name", [*SETTINGS, *KEYS])
def test_every_setting_is_known_and_has_a_meaning(name: str) -> None:
    known = {setting.name: setting.meaning for setting in conf}
    assert known[name]


@pytest.mark.parametrize("name", KEYS)
def test_every_key_of_a_gateways_setting_has_a_default_and_no_other_is_there(name: str) -> None:
    defaults = {setting.name: setting.default for setting in conf}
    assert sorted(defaults[name]) == sorted(KEYS[name].split())


def test_a_gateways_setting_with_a_few_keys_keeps_the_defaults_of_the_others(settings: Any) -> None:
    settings.PYMESS_ATS_SMS_CONFIG = {"USERNAME": "shop"}
    assert conf.ATS_SMS_CONFIG["USERNAME"] == "shop"
    assert conf.ATS_SMS_CONFIG["VALIDITY"] == 60


@pytest.mark.parametrize("name", ["send_sms_messages", "check_sms_states", "simulate_gateway"])
def test_every_command_exists(name: str) -> None:
    assert get_commands()[name] == "smsoffice"
