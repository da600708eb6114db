"""What `manage.py check` says of wrong settings, each with its mend.

No message repeats a value that may be a secret: of what stands in a dict only the keys are named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from smsoffice.backend.sms.base import Gateway, SMSBackend
from smsoffice.conf import Setting, conf
from smsoffice.models.sms import AbstractSMSTemplate

TAG = "smsoffice"

IN_WORDS = {str: "text", bool: "True or False", dict: "a dict", int: "a whole number", float: "a number"}

PYMESS_ONLY = re.compile(
    r"PYMESS_(EMAIL|PUSH|DIALER)_|PYMESS_SMS_(LOG_IDLE_MESSAGES|SET_ERROR_TO_IDLE_MESSAGES|IDLE_MESSAGES_TIMEOUT_MINUTES"
    r"|RETRY_SENDING|BATCH_(SIZE|MAX_NUMBER_OF_SEND_ATTEMPTS|MAX_SECONDS_TO_SEND|LOCK_FILE|LOCK_WAIT_TIMEOUT))$"
)
"""Settings of pymess for what smsoffice does not do, or does by itself: a host may share one configuration."""

PYMESS_BACKEND = re.compile(r"pymess\.backends?\.sms\.(?P<rest>[\w.]+)")

CALLED_BACK = {"STATUS_CALLBACK_URL"}
"""The keys whose address is ours, and called by the gateway."""

GATEWAY, SITE = "https://gateway.example.com/sms", "https://sms.example.com/sms/callbacks/twilio/"

SQLITE_OPTIONS = """"OPTIONS": {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}"""

SNS_ATTRIBUTES = {
    "SMS_TYPE": ("Promotional|Transactional", "Write Promotional or Transactional."),
    "SENDER_ID": (
        "(?=.*[A-Za-z])[A-Za-z0-9]{1,11}",
        "Write 1 to 11 letters (A to Z) and digits, with one letter at least, or leave it empty.",
    ),
}
"""What AWS takes as the values of an SMS's attributes, and the mend for any other."""

Check = Callable[[], Iterable[CheckMessage]]


def checked(*, deploy: bool = False) -> Callable[[Check], Check]:
    """Register a function without arguments as a check of smsoffice."""

    def decorate(check: Check) -> Check:
        def run(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
            return list(check())

        register(run, TAG, deploy=deploy)
        return check

    return decorate


# --- Each setting by itself ----------------------------------------------------------------------------------------


@checked()
def settings_have_their_types() -> Iterator[CheckMessage]:
    for setting in conf:
        value = _given(setting)
        yield from _value_is(setting.name, value, setting.types, setting.meaning)
        if isinstance(setting.default, dict) and isinstance(value, dict):
            yield from _keys_are_right(setting, value)


def _keys_are_right(setting: Setting[Any], value: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for key, given in value.items():
        name = f'{setting.name}["{key}"]'
        if key not in setting.default:
            hint = f"{_did_you_mean(str(key), setting.default)}It knows {', '.join(setting.default)}."
            yield Warning(f"{name} is not known and has no effect.", hint=hint, id="smsoffice.W003")
        # A text of None is a text that is not given, as from a variable missing in the environment.
        elif given is not None or not isinstance(setting.default[key], str | None):
            yield from _value_is(name, given, _types_like(setting.default[key]), setting.meaning)
            if _holds_a_url(key) and isinstance(given, str) and given and _split_url(given) is None:
                whose, example = ("of our site", SITE) if key in CALLED_BACK else ("of a gateway", GATEWAY)
                hint = f"Write the whole address, e.g. {example}."
                yield Error(f"{name} is not the address {whose}.", hint=hint, id="smsoffice.E004")


def _value_is(name: str, value: object, types: tuple[type, ...], meaning: str) -> Iterator[CheckMessage]:
    # To Python True is a number, to a reader it is not.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        message = f"{name} is of the type {type(value).__name__}, but it must be {_in_words(types)}."
        yield Error(message, hint=meaning, id="smsoffice.E001")
    elif isinstance(value, int | float) and not isinstance(value, bool) and not (math.isfinite(value) and value > 0):
        yield Error(f"{name} must be a number greater than 0.", hint=meaning, id="smsoffice.E002")


def _in_words(types: tuple[type, ...]) -> str:
    """The types as one says them; a number may be a whole one without saying so."""
    return " or ".join(IN_WORDS.get(kind, "None") for kind in types if kind is not int or float not in types)


def _types_like(default: object) -> tuple[type, ...]:
    """What a value in a dict may be, judged by its default; None as the default tells nothing."""
    if default is None:
        return (str, int, float, bool)
    if isinstance(default, int | float) and not isinstance(default, bool):
        return (int, float)
    return (type(default),)


@checked()
def no_setting_is_misspelt() -> Iterator[CheckMessage]:
    known = [*(setting.name for setting in conf), getattr(_gateway(), "config_setting", "")]
    for name in dir(settings):
        if name.startswith("PYMESS_") and name not in known and not PYMESS_ONLY.match(name):
            hint = f"{_did_you_mean(name, known)}Correct its name, or remove it."
            yield Warning(f"The setting {name} is not known and has no effect.", hint=hint, id="smsoffice.W003")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question after the nearest known name, whatever the order of its words; nothing if none is near."""
    sorted_words = {"_".join(sorted(one.split("_"))): one for one in known}
    nearest = get_close_matches("_".join(sorted(name.upper().split("_"))), sorted_words, n=1, cutoff=0.7)
    return f"Did you mean {sorted_words[nearest[0]]}? " if nearest else ""


@checked()
def the_default_phone_code_is_a_countrys() -> Iterator[CheckMessage]:
    code = conf.SMS_DEFAULT_PHONE_CODE
    if not isinstance(code, str) or not code.strip():
        return
    written = re.fullmatch(r"(?:\+|00)?([1-9][0-9]{0,2})", code.strip())
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(written[1]), ()) if written else ()
    if not regions or regions == (phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY,):
        message = f"PYMESS_SMS_DEFAULT_PHONE_CODE is “{code}”, which is no country's code."
        yield Error(message, hint="Write it with a plus, e.g. “+420”, or leave it empty.", id="smsoffice.E005")


@checked()
def the_template_model_is_one() -> Iterator[CheckMessage]:
    name: Any = conf.SMS_TEMPLATE_MODEL
    if not isinstance(name, str):
        return
    wrong, hint = "", "The model of smsoffice itself is “smsoffice.SMSTemplate”."
    try:
        model = apps.get_model(name, require_ready=False)
    except ValueError:
        wrong, hint = "is not of the form “app_label.Model”", f"Write the app's label and the model's name. {hint}"
    except LookupError:
        wrong, hint = "names a model that is not installed", f"Correct it, or add its app to INSTALLED_APPS. {hint}"
    else:
        if not issubclass(model, AbstractSMSTemplate):
            wrong = "names a model that is no SMS template"
            hint = f"Let it extend smsoffice.models.sms.AbstractSMSTemplate. {hint}"
    if wrong:
        yield Error(f"PYMESS_SMS_TEMPLATE_MODEL is “{name}”, which {wrong}.", hint=hint, id="smsoffice.E006")


# --- The gateway in force --------------------------------------------------------------------------------------------


@checked()
def the_gateway_is_one() -> Iterator[CheckMessage]:
    path = conf.SMS_SENDER_BACKEND
    if not isinstance(path, str) or _gateway() is not None:
        return
    hint = "Write the class's full path, e.g. “smsoffice.backend.sms.sms_operator.SMSOperatorBackend”."
    if old := PYMESS_BACKEND.fullmatch(path):
        reason, hint = "is a path of pymess", f"Write “smsoffice.backend.sms.{old['rest']}”."
    else:
        reason = _why_it_is_no_gateway(path)
    yield Error(f"PYMESS_SMS_SENDER_BACKEND is “{path}”, which {reason}.", hint=hint, id="smsoffice.E007")


def _why_it_is_no_gateway(path: str) -> str:
    try:
        import_string(path)
    except ImportError as error:
        return f"cannot be imported ({error})"
    except Exception as error:
        # The words of a foreign error may hold anything.
        return f"cannot be imported ({type(error).__name__})"
    return "is not a class that inherits from smsoffice.backend.sms.SMSBackend"


@checked()
def the_gateway_has_its_credentials() -> Iterator[CheckMessage]:
    gateway = _gateway()
    config = _config_of(gateway)
    if gateway is None or not issubclass(gateway, Gateway):
        return
    for key in gateway.required:
        if _is_missing(config, key):
            message = f'{gateway.config_setting}["{key}"] is missing, and {gateway.title()} cannot send without it.'
            hint = "Set it to what the gateway's provider gave you, or choose another PYMESS_SMS_SENDER_BACKEND."
            yield Error(message, hint=hint, id="smsoffice.E008")


@checked()
def twilio_has_a_sender() -> Iterator[CheckMessage]:
    config = _config_in_force("PYMESS_TWILIO_CONFIG")
    if config and _is_missing(config, "SENDER") and _is_missing(config, "MESSAGING_SERVICE_SID"):
        message = "PYMESS_TWILIO_CONFIG names no sender, and Twilio cannot send without one."
        hint = "Set SENDER to a number of yours at Twilio, or MESSAGING_SERVICE_SID to a messaging service of yours."
        yield Error(message, hint=hint, id="smsoffice.E008")


@checked()
def sns_has_a_whole_key_or_none() -> Iterator[CheckMessage]:
    config = _config_in_force("PYMESS_SNS_CONFIG")
    missing = [key for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if _is_missing(config, key)]
    if config and len(missing) == 1:
        message = f'PYMESS_SNS_CONFIG["{missing[0]}"] is missing, and one half of a key is none.'
        hint = "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither where the machine has a role at AWS."
        yield Error(message, hint=hint, id="smsoffice.E008")


@checked()
def sns_has_attributes_that_aws_takes() -> Iterator[CheckMessage]:
    config = _config_in_force("PYMESS_SNS_CONFIG")
    for key, (shape, hint) in SNS_ATTRIBUTES.items():
        value = config.get(key)
        if isinstance(value, str) and value and not re.fullmatch(shape, value):
            yield Error(f'PYMESS_SNS_CONFIG["{key}"] is nothing that AWS takes.', hint=hint, id="smsoffice.E013")


@checked(deploy=True)
def the_gateway_is_fit_for_production() -> Iterator[CheckMessage]:
    gateway = _gateway()
    if settings.DEBUG or gateway is None:
        return
    if not gateway.sends:
        hint = "Set PYMESS_SMS_SENDER_BACKEND to the gateway that is to send, or DEBUG where nothing is to be sent."
        message = f"Nothing is sent: PYMESS_SMS_SENDER_BACKEND is “{conf.SMS_SENDER_BACKEND}”, and DEBUG is off."
        yield Warning(message, hint=hint, id="smsoffice.W009")
    for key, value in _config_of(gateway).items():
        url = _split_url(value) if _holds_a_url(key) and isinstance(value, str) else None
        if url and url.scheme == "http" and not _is_loopback(url.hostname or ""):
            name = f'{getattr(gateway, "config_setting", "")}["{key}"]'
            what = "all receipts" if key in CALLED_BACK else "the password and all texts"
            message = f"{name} begins with http:// and so {what} travel in the clear."
            yield Error(message, hint="Write the address with https://.", id="smsoffice.E010")


def _gateway() -> type[SMSBackend] | None:
    """The class of the gateway in force; None where PYMESS_SMS_SENDER_BACKEND leads to none."""
    try:
        found = import_string(conf.SMS_SENDER_BACKEND)
    except Exception:
        return None
    return found if isinstance(found, type) and issubclass(found, SMSBackend) else None


def _config_of(gateway: type[SMSBackend] | None) -> Mapping[str, Any]:
    """The gateway's own setting, ours with the defaults; empty where it has none or it is no dict."""
    name = getattr(gateway, "config_setting", "")
    is_ours = name in [setting.name for setting in conf]
    config: Any = getattr(conf, name.removeprefix("PYMESS_")) if is_ours else getattr(settings, name, None)
    return config if isinstance(config, dict) else {}


def _config_in_force(setting: str) -> Mapping[str, Any]:
    """This setting, if it is that of the gateway in force; else empty."""
    gateway = _gateway()
    return _config_of(gateway) if getattr(gateway, "config_setting", "") == setting else {}


def _is_missing(config: Mapping[str, Any], key: str) -> bool:
    return config.get(key) is None or not str(config[key]).strip()


def _holds_a_url(key: object) -> bool:
    return isinstance(key, str) and (key == "URL" or key.endswith("_URL"))


def _split_url(text: str) -> SplitResult | None:
    """The parts of an http or https address; None for any other text."""
    try:
        url = urlsplit(text)
        named = url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        return None
    return url if named and url.scheme in {"http", "https"} and not re.search(r"\s", text) else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# --- The site around it ----------------------------------------------------------------------------------------------


@checked()
def times_have_their_zone() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        message = "USE_TZ is off: times without a zone are wrong by an hour when the clocks change."
        yield Error(message, hint="Set USE_TZ = True.", id="smsoffice.E011")


@checked()
def sqlite_takes_its_lock_at_once() -> Iterator[CheckMessage]:
    database = settings.DATABASES.get("default", {})
    mode = str(database.get("OPTIONS", {}).get("transaction_mode") or "DEFERRED").upper()
    if str(database.get("ENGINE", "")).endswith(".sqlite3") and mode == "DEFERRED":
        message = "Two processes that send would meet “database is locked” in the SQLite of DATABASES['default']."
        hint = f"Let a transaction take its lock when it begins; put there:\n{SQLITE_OPTIONS}"
        yield Warning(message, hint=hint, id="smsoffice.W012")


def _given(setting: Setting[Any]) -> object:
    """What stands in Django's settings, before defaults are filled in."""
    return getattr(settings, setting.name, setting.default)
