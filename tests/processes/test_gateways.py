"""`make run GATEWAY=...`: in a running house, each gateway is given a message and tells what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.house import PATIENCE, House, house_in, until

NUMBER = "+420777100100"


@pytest.fixture
def house(tmp_path: Path, demo_data: Path) -> Iterator[House]:
    with house_in(tmp_path, demo_data) as house:
        yield house


class Operator(requests.Session):
    """Somebody who has logged in to the admin of a house."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.submit("/admin/login/", username="operator", password="operator")

    def page(self, path: str) -> requests.Response:
        answer = self.get(f"{self.house.url}{path}", timeout=PATIENCE)
        answer.raise_for_status()
        return answer

    def submit(self, path: str, **fields: str) -> requests.Response:
        """Post the form of a page, with what it holds already."""
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page(path).text)
        answer = self.post(f"{self.house.url}{path}", {**dict(hidden), **fields}, timeout=PATIENCE)
        answer.raise_for_status()
        return answer


def state_on(page: str) -> str:
    """The state that a message's page shows."""
    [state] = re.findall(r'class="so-verdict so-(\w+)"', page)
    return str(state)


@pytest.mark.parametrize(
    ("gateway", "last", "told_by"),
    [
        ("sms-operator", "delivered", "SMS Operator was asked about it"),
        ("ats", "delivered", "ATS was asked about it"),
        ("twilio", "delivered", "A receipt came from Twilio"),
        ("sns", "delivered", "Amazon SNS was asked about it"),
        ("dummy", "debug", "Not sent, on purpose"),
    ],
    ids=["sms-operator", "ats", "twilio", "sns", "dummy"],
)
def test_each_gateway_takes_a_message_and_tells_what_became_of_it(
    house: House, gateway: str, last: str, told_by: str
) -> None:
    house.start(GATEWAY=gateway)
    until(house.answers, "the site")
    operator = Operator(house)
    text = {"kind": "text", "own_text": "Your parcel is here.", "recipients": NUMBER, "when": "now", "_continue": ""}
    summary = operator.submit("/admin/smsoffice/outputsmsmessage/add/", **text)
    message = operator.submit(summary.url.removeprefix(house.url), _confirm="")
    path = message.url.removeprefix(house.url)
    until(lambda: state_on(operator.page(path).text) == last, f"the message to be {last}")
    assert told_by in operator.page(path).text

    took = requests.get(f"http://127.0.0.1:{house.gateway_port}/stats.json", timeout=PATIENCE).json()["by_number"]
    assert took == ({} if gateway == "dummy" else {NUMBER: 1})


def test_a_gateway_that_is_not_here_is_told_with_those_that_are(house: House) -> None:
    process = house.start(GATEWAY="pigeon")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output == (
        "There is no local gateway “pigeon”. Choose one of sms-operator, ats, twilio, sns, dummy: "
        "make run GATEWAY=twilio\n"
    )


@pytest.mark.parametrize("variable", ["PYMESS_TWILIO_CONFIG", "PYMESS_SMS_SENDER_BACKEND"])
def test_an_account_of_the_users_own_is_not_used_by_mistake(house: House, variable: str) -> None:
    process = house.start(GATEWAY="twilio", **{variable: '{"ACCOUNT_SID": "AC17"}'})
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output == f"GATEWAY=twilio and {variable} contradict each other. Unset one of them.\n"
