"""`export_sms_messages`: the same file as the admin's, whole or not at all, and clear words where it cannot be."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from smsoffice.export.columns import USUAL
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.admin.people import superuser
from tests.factories import message

pytestmark = pytest.mark.django_db


def run(output: object, *arguments: str) -> tuple[str, str]:
    """What the command writes to its two streams."""
    out, err = StringIO(), StringIO()
    call_command("export_sms_messages", f"--output={output}", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def texts(path: Path) -> list[str]:
    """The texts in a CSV file of the usual columns."""
    return [row["Text"] for row in csv.DictReader(StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))]


def test_the_file_is_the_one_that_the_admin_gives(tmp_path: Path) -> None:
    message(State.ERROR, tag="a", content="=1+1", recipient="+420777123456")
    message(State.SENT, tag="a")
    run(tmp_path / "log.csv", "--filter", "tag=a", "--filter", "state=ERROR")
    url = "/admin/smsoffice/outputsmsmessage/export/?tag=a&state=ERROR"
    answer = superuser().post(url, {"column": list(USUAL)})
    assert (tmp_path / "log.csv").read_bytes() == answer.getvalue()
    assert texts(tmp_path / "log.csv") == ["'=1+1"]


def test_it_says_how_many_were_written_and_stays_silent_when_asked(tmp_path: Path) -> None:
    message()
    assert run(tmp_path / "log.csv") == (f"Rows written to {tmp_path / 'log.csv'}: 1.\n", "")
    assert run(tmp_path / "log.csv", "--verbosity=0") == ("", "")


def test_filters_of_one_name_add_up(tmp_path: Path) -> None:
    for state in (State.ERROR, State.SENT, State.WAITING):
        message(state, content=state)
    run(tmp_path / "log.csv", "--filter", "state=ERROR", "--filter", "state=SENT")
    assert set(texts(tmp_path / "log.csv")) == {"ERROR", "SENT"}


def test_the_ending_or_the_option_says_the_format(tmp_path: Path) -> None:
    message(content="Hello")
    run(tmp_path / "log.xlsx")
    run(tmp_path / "log", "--format=xlsx", "--columns=text")
    run(tmp_path / "odd.xlsx", "--format=csv")
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "log.xlsx").active["C"]] == ["Text", "Hello"]
    sheet = openpyxl.load_workbook(BytesIO((tmp_path / "log").read_bytes())).active
    assert [[cell.value for cell in row] for row in sheet.rows] == [["Text"], ["Hello"]]
    assert texts(tmp_path / "odd.xlsx") == ["Hello"]


def test_columns_come_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    stored = message(content="Hello")
    run(tmp_path / "log.csv", "--columns", "text, id")
    assert (tmp_path / "log.csv").read_bytes().decode("utf-8-sig") == f"Text,ID\r\nHello,{stored.pk}\r\n"


def test_a_dash_writes_the_bytes_to_standard_output_and_nothing_else() -> None:
    message(content="Dobrý den")
    beneath = BytesIO()
    out = TextIOWrapper(beneath, encoding="utf-8")
    call_command("export_sms_messages", "--output=-", "--columns=text", stdout=out)
    assert beneath.getvalue() == "\ufeffText\r\nDobrý den\r\n".encode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "state=LOST"], "--filter state: There is no state “LOST”."),
        (["--filter", "sate=ERROR"], "--filter sate=ERROR: write it as NAME=VALUE, where NAME is one of: state,"),
        (["--filter", "ERROR"], "--filter ERROR: write it as NAME=VALUE"),
        (["--filter", "tag="], "--filter tag: there is no value"),
        (["--filter", "tag=\udcff"], "--filter tag: there is no value, or it is no text."),
        (["--filter", "created_after=yesterday"], "--filter created_after: This is not a date."),
        (["--filter", "recipient=Jana"], "is not a possible phone number"),
        (["--filter", "state=X", "--filter", "created_after=y"], "--filter created_after"),
        (["--columns", "text,nothing"], "There is no column “nothing”. There are: created,"),
        (["--columns", ","], "There is no column in the list."),
        (["--format", "ods"], "invalid choice: 'ods'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    message()
    with pytest.raises(CommandError) as caught:
        run(tmp_path / "log.csv", *arguments)
    assert words in str(caught.value)
    assert caught.value.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    for place, words in (
        (tmp_path, "is not a file. Name a file, or - for standard output."),
        (tmp_path / "none" / "log.csv", "No file can be written in"),
        (Path("/dev/null"), "is not a file."),
    ):
        with pytest.raises(CommandError) as caught:
            run(place)
        assert words in str(caught.value)


def test_more_than_a_sheet_holds_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.management.commands.export_sms_messages.XLSX_ROWS", 1)
    message()
    message()
    with pytest.raises(CommandError, match=r"XLSX holds 1 rows; these are 2\. Choose --format csv"):
        run(tmp_path / "log.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. Nothing was written."),
        (OSError(28, "No space left on device"), 1, "The file cannot be written: No space left on device."),
    ],
)
def test_a_file_that_breaks_off_leaves_the_old_one_and_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, code: int, words: str
) -> None:
    message()
    path = tmp_path / "log.csv"
    path.write_text("old")

    def breaking(*arguments: Any) -> Any:
        yield b"half"
        raise trouble

    monkeypatch.setattr("smsoffice.management.commands.export_sms_messages.export", breaking)
    with pytest.raises(CommandError) as caught:
        run(path)
    assert (caught.value.returncode, str(caught.value)) == (code, words)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_for_whom_new_files_are(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        run(tmp_path / "log.csv")
    finally:
        os.umask(old)
    assert (tmp_path / "log.csv").stat().st_mode & 0o777 == 0o640


def test_a_link_keeps_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real.csv").touch()
    (tmp_path / "log.csv").symlink_to(tmp_path / "real.csv")
    run(tmp_path / "log.csv")
    assert (tmp_path / "log.csv").is_symlink()
    assert "Created" in (tmp_path / "real.csv").read_text(encoding="utf-8-sig")


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_has_enough_ends_it_in_a_sentence(tmp_path: Path) -> None:
    from django.db import connection

    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(recipient="+420777123456", content="x" * 1000) for _ in range(3_000)
    )
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}" if connection.vendor == "sqlite" else f"postgres://postgres@127.0.0.1:5432/{name}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "export_sms_messages", "--output=-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": url, "DEBUG": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(10)
    process.stdout.close()
    complaint = process.stderr.read().decode()
    assert process.wait(60) == 1
    assert "The reader went away before all was written." in complaint
    assert "Traceback" not in complaint
    assert "Exception ignored" not in complaint


def test_a_person_at_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for _ in range(3):
        message()
    err = Terminal()
    call_command("export_sms_messages", f"--output={tmp_path / 'log.csv'}", stdout=StringIO(), stderr=err)
    assert "3/3" in err.getvalue()
