"""Settings out of environment variables: what they mean, and what is said of one that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.environment import database, header, log_level, read, settings_of, words
from smsoffice.conf import Setting, conf


class Known:
    """One setting of each type."""

    PATH = Setting("", "A text.", str)
    SWITCH = Setting(False, "A switch.", bool)
    COUNT = Setting(10, "A count.", int)
    SECONDS = Setting[float](1.5, "A time.", int, float)
    LIMIT = Setting[float | None](None, "A limit.", int, float, type(None))
    CONFIG = Setting[dict[str, Any]]({}, "A dict.", dict)


KNOWN = [value for value in vars(Known).values() if isinstance(value, Setting)]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PATH", "app.Model", "app.Model"),
        ("SWITCH", "True", True),
        ("SWITCH", "1", True),
        ("SWITCH", "off", False),
        ("SWITCH", "", False),
        ("COUNT", "3", 3),
        ("SECONDS", "2.5", 2.5),
        ("SECONDS", "60", 60),
        ("LIMIT", "7.5", 7.5),
        ("LIMIT", "", None),
        ("LIMIT", "None", None),
        ("CONFIG", '{"USERNAME": "žofie", "TIMEOUT": 5}', {"USERNAME": "žofie", "TIMEOUT": 5}),
    ],
)
def test_a_variable_gives_a_value_of_its_settings_type(name: str, text: str, value: object) -> None:
    given = settings_of({f"PYMESS_{name}": text}, KNOWN)
    assert given == {f"PYMESS_{name}": value}
    assert type(given[f"PYMESS_{name}"]) is type(value)


def test_an_absent_variable_leaves_the_default() -> None:
    assert settings_of({"HOME": "/root"}, conf) == {}


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("SWITCH", "maybe", "1, true, yes or on"),
        ("COUNT", "3.5", "a whole number"),
        ("COUNT", "many", "a whole number"),
        ("SECONDS", "soon", "a number"),
        ("SECONDS", "nan", "a number"),
        ("SECONDS", "inf", "a number"),
        ("CONFIG", "{'USERNAME': 'x'}", "a JSON object"),
        ("CONFIG", '["a"]', "a JSON object"),
        ("CONFIG", "", "a JSON object"),
    ],
)
def test_a_malformed_value_is_refused_by_the_variables_name_and_with_its_shape(name: str, text: str, hint: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        settings_of({f"PYMESS_{name}": text}, KNOWN)
    assert f"PYMESS_{name}" in str(refusal.value)
    assert hint in str(refusal.value)


def test_a_malformed_value_is_not_repeated_as_it_may_hold_a_secret() -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        settings_of({"PYMESS_CONFIG": "{PASSWORD: hunter2}"}, KNOWN)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "engine", "name"),
    [
        ("postgres://sms:p%40ss@db:5433/office", "django.db.backends.postgresql", "office"),
        ("sqlite:////var/lib/sms.sqlite3", "django.db.backends.sqlite3", "/var/lib/sms.sqlite3"),
    ],
)
def test_a_database_url_is_understood(url: str, engine: str, name: str) -> None:
    entry = database(url)
    assert (entry["ENGINE"], entry["NAME"]) == (engine, name)


@pytest.mark.parametrize("url", ["", "db.sqlite3", "mysql://u@h/d", "postgres://u@h:port/d", "postgres://u@h"])
def test_a_database_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL .* must be a URL such as postgres://"):
        read({"DATABASE_URL": url}, "DATABASE_URL", database, {"NAME": "default"})


def test_a_password_with_a_dollar_sign_is_taken_as_it_is() -> None:
    assert settings_of({"PYMESS_PATH": "$HOME"}, KNOWN) == {"PYMESS_PATH": "$HOME"}


def test_lists_are_split_at_commas() -> None:
    assert words(" a.example.com, b.example.com ,") == ["a.example.com", "b.example.com"]


def test_an_unknown_log_level_is_refused_with_the_known_ones() -> None:
    assert log_level("warning") == "WARNING"
    with pytest.raises(ValueError, match="DEBUG, INFO, WARNING, ERROR or CRITICAL"):
        log_level("loud")


def test_the_proxys_header_is_a_pair_or_nothing() -> None:
    assert header("HTTP_X_FORWARDED_PROTO, https") == ("HTTP_X_FORWARDED_PROTO", "https")
    assert header("") is None
    with pytest.raises(ValueError, match="HTTP_X_FORWARDED_PROTO,https"):
        header("https")


def manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py as a new administrator does, with nothing set but `variables`."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_secret_key_the_site_says_what_to_set_and_nothing_else() -> None:
    done = manage("check")
    assert done.returncode == 1
    assert done.stderr.startswith("Set the environment variable SECRET_KEY")
    assert "Traceback" not in done.stderr


def test_every_setting_of_the_app_reaches_django_from_the_environment() -> None:
    code = "from smsoffice.conf import conf; print(conf.SMS_RATE_LIMIT, conf.SMS_USE_ACCENT)"
    variables = {"DEBUG": "1", "PYMESS_SMS_RATE_LIMIT": "2.5", "PYMESS_SMS_USE_ACCENT": "yes"}
    done = manage("shell", "--no-imports", "-c", code, **variables)
    assert done.stdout.split() == ["2.5", "True"], done.stderr
