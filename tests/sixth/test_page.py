"""docs/adding-a-gateway.md is so: its code is what the tests of the sixth gateway run, its settings pass `check`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from smsoffice import exceptions
from smsoffice.backend.sms import get_sms_backend
from smsoffice.backend.sms.base import Gateway
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.testing import BackendContract, PublishingContract
from tests.sixth.gateway import PigeonSMSBackend

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "adding-a-gateway.md").read_text()
SETTINGS, *FILES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def given() -> dict[str, Any]:
    """What the page's settings say."""
    values: dict[str, Any] = {}
    exec(SETTINGS, values)
    return {name: value for name, value in values.items() if name.isupper()}


def test_the_code_of_the_page_is_that_of_the_files_that_it_names() -> None:
    names = re.findall(r"`(\w+\.py)`:\n\n```python", PAGE)
    assert names == ["small.py", "gateway.py", "dialect.py", "test_pigeon.py"]
    assert [(HERE / name).read_text() for name in names] == FILES


def test_the_files_use_no_other_code_of_the_tests() -> None:
    imported = set(re.findall(r"^from (tests\.[\w.]+) import", "".join(FILES), re.MULTILINE))
    assert imported == {"tests.sixth.dialect", "tests.sixth.gateway", "tests.sixth.small"}


def test_the_settings_of_the_page_pass_the_check(settings: Any) -> None:
    for name, value in given().items():
        setattr(settings, name, value)
    assert run_checks(tags=["smsoffice"], include_deployment_checks=True) == []
    assert isinstance(get_sms_backend(), PigeonSMSBackend)


@pytest.mark.parametrize("key", PigeonSMSBackend.required)
def test_the_check_names_what_is_missing(settings: Any, key: str) -> None:
    for name, value in given().items():
        setattr(settings, name, value)
    settings.PIGEON_CONFIG = {**settings.PIGEON_CONFIG, key: ""}
    [said] = run_checks(tags=["smsoffice"])
    assert said.msg == f'PIGEON_CONFIG["{key}"] is missing, and Pigeon cannot send without it.'


def test_every_name_that_the_page_speaks_of_exists() -> None:
    known = {
        *vars(exceptions),
        *dir(Gateway),
        *dir(OneByOneGateway),
        *Outcome.__dataclass_fields__,
        *vars(BackendContract),
        *vars(PublishingContract),
    }
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    told = ["NotNow", "RefusedForUs", "OutcomeUnknown", "publish_message", "submit_one", "ask_one", "submit", "ask"]
    told += ["own_prefix", "config_setting", "required", "call_deadline", "deadline", "batch_size", "threads", "asks"]
    told += ["check_size", "external_id", "extra", "retry_after", "tells_states", "resolves_lost", "leads_to"]
    for name in told:
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", text), f"The page does not tell of {name}."
        assert name in known, f"There is no {name}."
