"""`make run`, with real processes: the site comes up, Ctrl-C ends all of it, a second run keeps the data."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.house import PATIENCE, House, house_in, until


@pytest.fixture
def new_house(tmp_path: Path) -> Iterator[House]:
    """One as a newcomer has it."""
    with house_in(tmp_path) as house:
        yield house


@pytest.fixture
def house(tmp_path: Path, demo_data: Path) -> Iterator[House]:
    """One that ran before."""
    with house_in(tmp_path, demo_data) as house:
        yield house


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_the_site_comes_up_and_one_signal_ends_every_process(house: House, by: signal.Signals) -> None:
    house.start()
    until(house.answers, "the site")
    login = requests.get(f"{house.url}/admin/login/", timeout=10)
    assert login.status_code == 200
    style = requests.get(f"{house.url}/static/admin/css/login.css", timeout=10)
    assert style.headers["Content-Type"].startswith("text/css")
    until(house.gateway_answers, "the gateway")

    code, output = house.stop(by)
    assert code == 0, output
    assert house.left_over() == []
    assert "Traceback" not in output
    assert "user name: operator" in output
    assert f"{house.url}/" in output
    assert house.messages() == 300


def test_a_signal_while_the_programs_are_being_started_is_not_lost(house: House) -> None:
    process = house.start()
    assert process.stdout
    assert any("Ctrl-C ends everything" in line for line in process.stdout)
    code, output = house.stop(signal.SIGINT)
    assert code == 0, output
    assert house.left_over() == []


def test_a_program_that_dies_ends_the_others_and_is_named(house: House) -> None:
    process = house.start()
    until(house.answers, "the site")
    (gateway,) = [pid for pid in house.left_over() if b"simulate_gateway" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(gateway, signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "gateway ended by itself" in output
    assert house.left_over() == []


def test_a_second_run_keeps_the_data(new_house: House) -> None:
    for _ in range(2):
        new_house.start()
        until(new_house.answers, "the site")
        new_house.stop(signal.SIGINT)
    assert new_house.messages() == 300


@pytest.mark.parametrize("variable", ["PORT", "GATEWAY_PORT"])
def test_a_port_that_is_taken_is_named_with_a_way_out(new_house: House, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        process = new_house.start(**{variable: taken})
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output.startswith(f"Port {taken} is not free on this machine.")
    assert f"make run {variable}=" in output
    assert not new_house.database.exists()


def test_what_the_user_set_wins_over_the_defaults_of_make_run(house: House) -> None:
    process = house.start(DEBUG="0", SECRET_KEY="a secret of the user's own")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "DEBUG=1" in output


def test_a_shell_beside_it_sends_as_the_house_does(house: House) -> None:
    house.start()
    until(house.answers, "the site")
    until(house.gateway_answers, "the gateway")
    said = house.shell("from smsoffice.backend.sms import send; print(send('601 000 777', 'Ahoj').recipient)")
    assert said.strip().splitlines()[-1] == "+420601000777"
    stats = f"http://127.0.0.1:{house.gateway_port}/stats.json"
    until(lambda: requests.get(stats, timeout=10).json()["by_number"] == {"+420601000777": 1}, "the message")
    assert house.messages() == 301
