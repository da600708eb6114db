"""docs/sending-from-your-admin.md is so: its code is the demo shop's, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smsoffice.admin import SendSMSMixin, send_selected
from smsoffice.admin.messages_of_object import SHOWN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sending-from-your-admin.md").read_text()
DEMO = (ROOT / "project" / "demo" / "admin.py").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", CODE)
def test_the_code_of_the_page_is_the_demo_shops_word_for_word(code: str) -> None:
    assert code in DEMO


def test_every_name_and_number_that_the_page_speaks_of_is_true() -> None:
    assert len(CODE) == 3
    for name in re.findall(r"`((?:get|has_send)_\w+)\(", PAGE):
        assert hasattr(SendSMSMixin, name)
    assert f"up to {send_selected.AT_ONCE} rows" in PAGE
    assert f"More than {send_selected.ONE_BY_ONE} messages" in PAGE
    assert SHOWN == 10
    assert f"`{send_selected.SEND}`" in PAGE
