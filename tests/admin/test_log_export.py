"""The export of the log: exactly what is filtered, in the columns that one chose, safe to open, and recorded."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from smsoffice.export import export
from smsoffice.export.columns import CHUNK, USUAL, columns
from smsoffice.export.formulas import safe
from smsoffice.models.log import TookTooLong
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.admin.people import VIEW, a_message, browser_of, superuser

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
URL = reverse("admin:smsoffice_outputsmsmessage_export")
EXPORT = "export_outputsmsmessage"
SMS_OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"


def taken(browser: Client, query: str = "", **posted: Any) -> Any:
    """The answer to the button; the usual columns are ticked where the test says nothing of them."""
    return browser.post(f"{URL}?{query}", {"column": list(USUAL), **posted})


def read_csv(answer: Any, delimiter: str = ",") -> list[list[str]]:
    return parted(answer.getvalue().decode("utf-8-sig"), delimiter)


def parted(file: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file, newline=""), delimiter=delimiter))


def read_xlsx(answer: Any) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    return [[cell.value for cell in row] for row in sheet.rows]


# --- What is in the file ---------------------------------------------------------------------------------------------


def test_the_file_holds_what_is_filtered_newest_first_in_words() -> None:
    moment = datetime(2026, 7, 1, 8, 0, 5, 123456, tzinfo=UTC)
    a_message(
        content='Dobrý den,\n"Jano"',
        state=State.ERROR,
        error="The number does not exist.",
        template_slug="ready",
        tag="a",
        backend=SMS_OPERATOR,
        segments=2,
        created_at=moment,
        sent_at=moment,
    )
    a_message(content="Newer", state=State.ERROR, tag="a", created_at=moment.replace(year=2027))
    a_message(content="Other", state=State.SENT, tag="a")
    rows = read_csv(taken(superuser(), "tag=a&state=ERROR"))
    assert rows == [
        ["Created", "Recipient", "Text", "State", "Reason", "Template", "Tag", "Gateway", "Parts", "Handed over"],
        ["2027-07-01 10:00:05", "'+420777123456", "Newer", "Error", "", "", "a", "", "1", ""],
        [
            *("2026-07-01 10:00:05", "'+420777123456", 'Dobrý den,\n"Jano"', "Error", "The number does not exist."),
            *("ready", "a", "SMS Operator", "2", "2026-07-01 10:00:05"),
        ],
    ]


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        ("2026-07-01 21:59:59.999999", "2026-07-01 23:59:59"),
        ("2026-01-01 23:00:00.000000", "2026-01-02 00:00:00"),
        ("2026-10-25 00:30:00.000001", "2026-10-25 02:30:00"),
        ("2026-10-25 01:30:00.000001", "2026-10-25 02:30:00"),
    ],
    ids=["summer", "winter", "before the clock is set back", "after it"],
)
def test_times_are_those_of_the_sites_clock_to_the_second(utc: str, shown: str) -> None:
    a_message(created_at=datetime.fromisoformat(f"{utc}+00:00"))
    assert read_csv(taken(superuser(), column=["created"]))[1] == [shown]
    assert read_xlsx(taken(superuser(), format="xlsx", column=["created"]))[1] == [datetime.fromisoformat(shown)]


def test_excel_knows_the_encoding_by_its_mark() -> None:
    a_message(content="Příliš žluťoučký")
    answer = taken(superuser())
    assert answer.getvalue().startswith(b"\xef\xbb\xbf")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="sms-20')


def test_a_czech_gets_czech_words_and_what_a_czech_excel_parts_the_fields_by() -> None:
    a_message(state=State.ERROR, error="The number does not exist.", content="a;b")
    answer = superuser().post(URL, {"column": list(USUAL)}, headers={"accept-language": "cs"})
    rows = read_csv(answer, ";")
    assert rows[1][2:5] == ["a;b", "Chyba", "Číslo neexistuje."]
    assert len(rows[0]) == len(rows[1]) == len(USUAL)


def test_one_chooses_the_columns() -> None:
    message = a_message(sender="Shop")
    rows = read_csv(taken(superuser(), column=["id", "sender", "unknown"]))
    assert rows == [["ID", "Sender"], [str(message.pk), "Shop"]]


def test_without_a_column_there_is_no_file() -> None:
    a_message(tag="a")
    browser = superuser()
    for chosen in ([], ["unknown"]):
        answer = browser.post(f"{URL}?tag=a", {"column": chosen})
        assert answer["Location"] == "../?tag=a"
        assert "Nothing was exported: tick at least one column." in browser.get(LIST).content.decode()
    assert not LogEntry.objects.exists()


def test_where_nothing_matches_the_file_has_its_headings() -> None:
    assert [len(row) for row in read_csv(taken(superuser(), "tag=nobody"))] == [len(USUAL)]


def test_a_czech_reads_in_czech_also_the_reasons_with_a_number_in_them() -> None:
    a_message(state=State.ERROR, error="The gateway failed (HTTP 503).")
    answer = superuser().post(URL, {"column": ["error"]}, headers={"accept-language": "cs"})
    assert read_csv(answer, ";")[1] == ["Brána selhala (HTTP 503)."]


def test_every_column_can_be_taken() -> None:
    a_message()
    for file_format, read in (("csv", read_csv), ("xlsx", read_xlsx)):
        rows = read(taken(superuser(), column=list(columns()), format=file_format))
        assert len(rows) == 2
        assert len(rows[0]) == len(rows[1]) == len(columns())


def test_all_rows_come_whatever_the_chunks() -> None:
    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(recipient="+420777123456", content=str(n)) for n in range(2 * CHUNK + 1)
    )
    for file_format, read in (("csv", read_csv), ("xlsx", read_xlsx)):
        rows = read(taken(superuser(), column=["text"], format=file_format))
        assert {row[0] for row in rows[1:]} == {str(n) for n in range(2 * CHUNK + 1)}
        assert len(rows) == 2 * CHUNK + 2


def test_a_sheet_has_texts_as_texts_and_times_as_times() -> None:
    moment = datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)
    a_message(created_at=moment, content="=1+1\r\n\x07<b>&", segments=3)
    answer = taken(superuser(), format="xlsx", column=["created", "recipient", "text", "tag", "parts"])
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    row = list(sheet.rows)[1]
    assert [cell.value for cell in row] == [
        *(datetime(2026, 7, 1, 10, 0, 5), "+420777123456", "=1+1\r\n\ufffd<b>&", None, 3),
    ]
    # "f" would be a formula. Typed over, a cell of format "@" stays text.
    assert [cell.data_type for cell in row[:3]] == ["d", "s", "s"]
    assert row[1].number_format == row[2].number_format == "@"


# --- Safe to open ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+420777123456", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "\xa0=1", "\ufeff=1"),
        *(
            "\uff1d1",
            "\uff0b1",
            "\uff0d1",
            "\uff20x",
            "\u2212" + "1",
            "\u3000=1",
            "\u200b=1",
            "\u2060=1",
            "\u00ad\u202e=1",
            '=HYPERLINK("x")',
            "=cmd|' /C calc'!A0",
        ),
    ],
)
def test_what_a_spreadsheet_could_take_for_a_formula_is_made_safe(text: str) -> None:
    assert safe(text) == f"'{text}"
    a_message(content=text, tag=text, template_slug=text)
    assert read_csv(taken(superuser(), column=["text", "tag", "template"]))[1] == [f"'{text}"] * 3


LINK = 'HYPERLINK("http://x")'


@pytest.mark.parametrize(
    "text",
    [
        f"Hello;={LINK}",
        f"Hello,={LINK}",
        f"Hello\t={LINK}",
        f"Hello\n={LINK}",
        f"Hello\r\n+{LINK}",
        f"Hello; -{LINK}",
        f'Hello;"={LINK}',
        f'Hello, " ={LINK}',
        f"Hello;\n@{LINK}",
        f"Hello;;\uff1d{LINK}",
        f"a,b;-cmd|' /C calc'!A0\n- milk,+{LINK}",
        "Hello;+1",
        # The end of the text is not the end of the cell for who parts it otherwise: a tag may go on.
        'Hello "you" 100,-',
        "Shopping:\n-",
    ],
)
@pytest.mark.parametrize("language", ["en", "cs"])
def test_nothing_computes_for_a_reader_who_parts_the_cells_otherwise(text: str, language: str) -> None:
    a_message(content=text, tag=text)
    answer = superuser().post(URL, {"column": ["created", "text", "tag"]}, headers={"accept-language": language})
    file = answer.getvalue().decode("utf-8-sig")
    for delimiter in ",;\t":
        for cell in (cell for row in parted(file, delimiter) for cell in row):
            words = cell.lstrip()
            assert words[:1] not in "=@\uff1d" or not words
            assert words[:1] not in "+-" or not set(words) & set('(|!"')


@pytest.mark.parametrize("sign", "\t\r\n")
def test_before_a_sign_that_parts_cells_there_is_an_apostrophe_too(sign: str) -> None:
    assert safe(f"{sign}=1") == f"'{sign}'=1"


def test_an_apostrophe_is_set_before_each_part_that_would_compute_and_nowhere_else() -> None:
    assert safe("a;=1 = 1; b\n@c, d; -1\t +2") == "a;'=1 = 1; b\n'@c, d;' -1\t' +2"


@pytest.mark.parametrize(
    "text",
    [
        *("", "Hello", "1 = 1", "(+420)", "'=1", "Ž=", " x", "a;b", "a; b=1", "a - b", "a\n\nb", "a;\n"),
        *("Price: 100,-", "It costs 250,- CZK.", "Temperatures 1,-5", "Yes, - no."),
        *("Shopping:\n- milk, 2 l\n- bread\n", "Shopping:\r\n- milk\r\n- bread", "Call us:\n+420 777 123 456"),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


# --- Who, and what is told -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rights", "status"), [((), 403), ((VIEW,), 403), ((EXPORT,), 403), ((VIEW, EXPORT), 200)])
def test_it_needs_its_own_right_and_that_to_view(rights: tuple[str, ...], status: int) -> None:
    message = a_message()
    assert taken(browser_of(*rights)).status_code == status
    posted = {"action": "export_selected", "index": "0", "_selected_action": [message.pk], "column": ["text"]}
    answer = browser_of(*rights).post(LIST, posted)
    assert (answer.status_code == 200 and answer.streaming) == (status == 200)


def test_it_is_a_post_with_a_token() -> None:
    assert superuser().get(URL).status_code == 405
    assert browser_of(VIEW, EXPORT, enforce_csrf_checks=True).post(URL).status_code == 403


def test_who_took_what_is_recorded_without_numbers_and_texts() -> None:
    a_message(content="Secret", tag="a")
    browser = superuser()
    query = "recipient=777+123+456&text=Secret&tag=a&state=WAITING&state=ERROR"
    taken(browser, query, format="xlsx").getvalue()
    entry = LogEntry.objects.get()
    assert str(entry.user) == "root-0"
    assert "1 message" in entry.change_message
    assert "XLSX" in entry.change_message
    assert "recipient, text, tag=a, state=WAITING, state=ERROR" in entry.change_message
    assert "777" not in entry.change_message + entry.object_repr
    assert "Secret" not in entry.change_message + entry.object_repr


@pytest.mark.parametrize("query", ["created_after=yesterday", "sate=ERROR", "state=LOST"])
def test_nonsense_exports_nothing_and_leads_back(query: str) -> None:
    a_message()
    browser = superuser()
    answer = taken(browser, query)
    assert answer["Location"] == f"../?{query}"
    assert "Nothing was exported: a filter makes no sense." in browser.get(f"{LIST}?{query}").content.decode()
    assert not LogEntry.objects.exists()


def test_a_search_that_takes_too_long_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def given_up(found: Any) -> Any:
        raise TookTooLong("It was given up.")

    monkeypatch.setattr("smsoffice.models.log.Found.count", given_up)
    browser = superuser()
    assert taken(browser, "text=Hello")["Location"] == "../?text=Hello"
    assert "It was given up." in browser.get(LIST, {"state": "LOST"}).content.decode()


def test_a_file_type_that_does_not_exist_is_refused_in_words() -> None:
    a_message()
    browser = superuser()
    assert taken(browser, "tag=", format="exe").status_code == 302
    assert "There is no such file type." in browser.get(LIST).content.decode()


def test_more_than_a_sheet_holds_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsoffice.models.log.MANY", 1)
    monkeypatch.setattr("smsoffice.admin.log_export.XLSX_ROWS", 2)
    for _ in range(3):
        a_message()
    browser = superuser()
    assert taken(browser, format="xlsx").status_code == 302
    assert "XLSX holds 2 rows; this is more. Choose CSV" in browser.get(LIST).content.decode()
    assert len(read_csv(taken(browser, format="csv"))) == 4


def test_the_chosen_rows_are_exported_in_the_chosen_columns() -> None:
    first, _second = a_message(content="First"), a_message(content="Second")
    posted = {"action": "export_selected", "index": "0", "_selected_action": [first.pk], "column": ["text"]}
    assert read_csv(superuser().post(LIST, posted)) == [["Text"], ["First"]]


def test_the_form_of_the_list_leads_to_exactly_what_it_shows() -> None:
    a_message(tag="a")
    text = superuser().get(f"{LIST}?tag=a&state=WAITING&older=99999999999999999-1").content.decode()
    assert f'formaction="{URL}?tag=a&amp;state=WAITING"' in text


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_goes_away_leaves_nothing_open() -> None:
    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(recipient="+420777123456", content="x") for _ in range(CHUNK + 1)
    )
    for file_format in ("csv", "xlsx"):
        pieces = export(OutputSMSMessage.objects.all(), file_format, USUAL)
        next(pieces)
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        assert not connection.in_atomic_block
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
                assert cursor.fetchone() == (0,)


def test_an_empty_file_has_its_headings() -> None:
    assert list(export(OutputSMSMessage.objects.none(), "csv", ["id"])) == ["\ufeffID\r\n".encode()]
