"""Templates move between sites as CSV, XLSX and JSON: looked at first, taken whole or not at all, and unharmed."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as DjangoCase
from openpyxl import Workbook, load_workbook

from smsoffice.admin.template_files import FILES, guarded, unguarded
from smsoffice.models.sms import SMSTemplate
from smsoffice.models.uses import TemplateUse
from tests.admin.people import browser_of, superuser
from tests.factories import ago

pytestmark = pytest.mark.django_db

LIST, IMPORT, PROCESS, EXPORT = (
    reverse(f"admin:smsoffice_smstemplate_{page}") for page in ("changelist", "import", "process_import", "export")
)
ADD, SEE, CHANGE = "add_smstemplate", "view_smstemplate", "change_smstemplate"
KINDS = {kind.title: str(place) for place, kind in enumerate(FILES)}
VARIABLES = [{"name": "name", "example": "Jana", "longest": "", "note": "The =first= name"}]


def stored(slug: str = "hello", body: str = "Hello {{ name }}.", **columns: Any) -> SMSTemplate:
    return SMSTemplate.objects.create(slug=slug, body=body, **columns)


def exported(kind: str = "CSV", browser: Client | None = None, query: str = "") -> bytes:
    answer = (browser or superuser()).post(EXPORT + query, {"format": KINDS[kind], "resource": "0"})
    assert answer.status_code == 200, answer
    return bytes(answer.content)


def upload(content: bytes | str, browser: Client | None = None, name: str = "templates.csv") -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return (browser or superuser()).post(IMPORT, {"import_file": SimpleUploadedFile(name, data)})


def confirm(look: Any, **typed: str) -> Any:
    return look.client.post(PROCESS, {"sealed": look.context["sealed"], **typed})


def imported(content: bytes | str, browser: Client | None = None) -> Any:
    look = upload(content, browser)
    assert "sealed" in look.context, text_of(look)
    return confirm(look)


def text_of(answer: Any) -> str:
    return unescape(str(answer.content.decode()))


def problems(answer: Any) -> list[tuple[int | None, str, str]]:
    return answer.context.get("problems") or []


def complaint(answer: Any) -> str:
    """What is said of a file that cannot be read."""
    [words] = answer.context["form"].errors["import_file"]
    return str(words)


def as_csv(*rows: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def as_xlsx(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# --- There and back --------------------------------------------------------------------------------------------------

NASTY = [
    '=HYPERLINK("http://evil.example","Click")',
    "+420 601 000 001",
    "-1+1",
    "@SUM(A1)",
    "'=quoted",
    "''twice",
    "'plain quoted",
    " =after a blank",
    "＝1+1",
    'Two\nlines; with, every "sign"\tand ěščř € 😀',
    "Hello;=1+1",
    "Hello;'=1+1\n'' -1,\"'+1",
    "Shopping:\n- milk\n'- bread\n- 250,- (CZK)",
    "_x0041_ is no escape",
    "-",
    "0601",
    "1e5",
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_comes_back_letter_for_letter(kind: str) -> None:
    for place, body in enumerate(NASTY):
        stored(f"t{place}", body, description=body, variables=VARIABLES, is_active=bool(place % 2))
    before = list(SMSTemplate.objects.values_list("slug", "description", "body", "variables", "is_active"))
    file = exported(kind)

    unchanged = upload(file)
    assert "There is nothing to import." in text_of(unchanged)

    SMSTemplate.objects.all().delete()
    assert imported(file).url == LIST
    assert list(SMSTemplate.objects.values_list("slug", "description", "body", "variables", "is_active")) == before


def test_no_cell_of_a_csv_starts_a_formula() -> None:
    for place, body in enumerate(NASTY):
        stored(f"t{place}", body, description=body)
    file = exported("CSV").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(file)))
    assert rows[0] == ["slug", "description", "body", "variables", "is_active"]
    assert len(rows) == 1 + len(NASTY)
    for cell in (cell.lstrip() for row in rows for cell in row):
        assert cell[:1] not in "=+-@＝\t\r" or cell == ""
    assert "Hello;=1+1" not in file


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    for place, body in enumerate(NASTY):
        stored(f"t{place}", body)
    sheet = load_workbook(io.BytesIO(exported("XLSX"))).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}


def test_the_csv_has_the_mark_by_which_excel_knows_utf_8() -> None:
    stored(body="Dobrý den")
    assert exported("CSV").startswith(b"\xef\xbb\xbf")


def test_the_json_is_for_people_and_programs() -> None:
    stored(variables=VARIABLES, is_active=False)
    [one] = json.loads(exported("JSON"))
    assert one == {
        "slug": "hello",
        "description": "",
        "body": "Hello {{ name }}.",
        "variables": VARIABLES,
        "is_active": False,
    }


class TestAnyText(DjangoCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("=+-@'\n\r\t;, \"(\u2212_x0041"),
            min_size=1,
        )
    )
    def test_any_cell_comes_back(self, text: str) -> None:
        assert unguarded(guarded(text)) == text


def test_the_export_is_what_the_list_shows_and_is_written_down() -> None:
    stored("one", "One.")
    stored("two", "Two.", is_active=False)
    rows = json.loads(exported("JSON", query="?is_active__exact=0"))
    assert [row["slug"] for row in rows] == ["two"]
    assert LogEntry.objects.get().get_change_message() == "Exported 1 template."


def test_a_filter_that_makes_no_sense_is_told() -> None:
    browser = superuser()
    assert browser.get(f"{EXPORT}?is_active__exact=perhaps").headers["Location"] == LIST
    assert "The filter in the address makes no sense." in str(next(iter(browser.get(LIST).context["messages"])))


def test_what_no_cell_of_a_workbook_holds_is_refused_in_words() -> None:
    rows = [{"name": f"n{place}", "example": "x" * 1000, "longest": "", "note": ""} for place in range(40)]
    stored(variables=rows)
    browser = superuser()
    browser.post(EXPORT, {"format": KINDS["XLSX"]})
    [words] = browser.get(EXPORT).context["messages"]
    assert str(words) == "“hello” has more text than a cell of XLSX holds. Export as CSV or JSON."
    assert len(json.loads(exported("JSON"))[0]["variables"]) == 40


# --- What an import does ---------------------------------------------------------------------------------------------

HEAD = ["slug", "description", "body", "variables", "is_active"]


def test_the_look_stores_nothing_and_shows_the_difference() -> None:
    stored(body="Hello {{ name }}.", description="Greeting")
    stored("same", "The same.")
    rows = [["hello", "Greeting", "Good day {{ name }}.", "[]", "1"], ["fresh", "", "New.", "", "0"]]
    look = upload(as_csv(HEAD, *rows, ["same", "", "The same.", "[]", "1"]))
    text = text_of(look)
    assert "<del>Hello</del><ins>Good day</ins> {{ name }}." in text
    for words in ("2 templates would be written", "1 is as it stands here already", "now version 1"):
        assert words in text
    assert SMSTemplate.objects.get(slug="hello").version == 1
    assert SMSTemplate.objects.count() == 2
    assert LogEntry.objects.count() == 0


def test_a_changed_body_is_a_new_version_with_history_and_an_unchanged_row_is_none() -> None:
    hello, same = stored(), stored("same", "The same.")
    moved = same.changed_at
    answer = imported(as_csv(HEAD[:3], ["hello", "", "Good day {{ name }}."], ["same", "", "The same."]))
    hello.refresh_from_db()
    same.refresh_from_db()
    assert (hello.body, hello.version, same.version) == ("Good day {{ name }}.", 2, 1)
    kept = hello.history.first()
    assert (kept.version, kept.history_user.username) == (2, answer.wsgi_request.user.username)
    assert [one.version for one in same.history.all()] == [1]
    assert same.changed_at == moved
    [entry] = LogEntry.objects.all()
    assert (entry.object_repr, entry.get_change_message()) == ("hello", "Changed Text.")
    assert [str(one) for one in answer.client.get(LIST).context["messages"]] == [
        "Imported: 0 new, 1 changed. All others were as in the file."
    ]


def test_columns_that_the_file_lacks_stay_as_they_are() -> None:
    hello = stored(description="Greeting", variables=VARIABLES, is_active=False)
    imported(as_csv(["slug", "body"], ["hello", "Good day."]))
    hello.refresh_from_db()
    assert (hello.description, hello.variables, hello.is_active) == ("Greeting", VARIABLES, False)


def test_a_row_that_says_the_same_in_another_spelling_changes_nothing() -> None:
    stored(body="Two\r\nlines", variables=[{"name": "name"}])
    variables = json.dumps([{"name": "name", "example": "", "longest": "", "note": ""}])
    look = upload(as_csv(["slug", "body", "variables"], ["hello", "Two\nlines", variables]))
    assert "There is nothing to import." in text_of(look)


def test_a_broken_template_that_is_stored_may_stay_as_it_is() -> None:
    stored(body="{{ name")
    assert "There is nothing to import." in text_of(upload(exported("CSV")))


def test_a_change_that_cuts_callers_off_is_told_before() -> None:
    stored()
    TemplateUse.objects.create(template_slug="hello", day=ago(days=1).date(), count=3, last_used_at=ago(days=1))
    look = upload(as_csv(["slug", "body"], ["hello", "Hello {{ name }}, {{ code }}."]))
    assert "This change can stop texts from being sent" in text_of(look)
    assert '<span class="so-var">code</span>' in text_of(look)


def test_what_a_file_says_is_no_markup() -> None:
    look = upload(as_csv(["slug", "description", "body"], ["x", "<script>alert(1)</script>", "<b>bold</b>"]))
    assert b"<script>alert" not in look.content
    assert b"<b>bold" not in look.content


# --- A bad row -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (["", "", "Text.", "", "1"], "slug", "This field cannot be blank."),
        (["two words", "", "Text.", "", "1"], "slug", "Enter a valid “slug”"),
        (["x" * 101, "", "Text.", "", "1"], "slug", "at most 100 characters"),
        (["x", "d" * 201, "Text.", "", "1"], "description", "at most 200 characters"),
        (["x", "", "", "", "1"], "body", "This field cannot be blank."),
        (["x", "", "Hello {{ name", "", "1"], "body", "Line 1, column 7: "),
        (["x", "", "a" * 4001, "", "1"], "body", "4,001 characters"),
        (["x", "", "Text.", "{not json", "1"], "variables", "This is no JSON. Write it like"),
        (["x", "", "Text.", '{"name": "a"}', "1"], "variables", "Write the variables as a list."),
        (["x", "", "Text.", '[{"name": "1 a"}]', "1"], "variables", "Variable 1: “1 a” is no name."),
        (["x", "", "Text.", '[{"name": "a"}, {"name": "a"}]', "1"], "variables", "“a” is declared twice."),
        (["x", "", "Text.", "[" * 100_000, "1"], "variables", "This is no JSON."),
        (["x", "", "Text.", "", "perhaps"], "is_active", "“perhaps” is neither yes nor no. Write 1 or 0."),
        (["first", "", "Another.", "", "1"], "slug", "“first” stands in row 2 already."),
    ],
)
@pytest.mark.parametrize("kind", ["CSV", "JSON"])
def test_a_bad_row_is_named_with_its_reason_and_nothing_is_half_done(
    kind: str, row: list[str], column: str, reason: str
) -> None:
    rows = [["first", "", "Good.", "", "1"], row, ["last", "", "Good.", "", "1"]]
    if kind == "CSV":
        look, line = upload(as_csv(HEAD, *rows)), 3
    else:
        look, line = upload(json.dumps([dict(zip(HEAD, one, strict=True)) for one in rows])), 2
        reason = reason.replace("in row 2", "in row 1")
    [(told_line, told_column, words)] = problems(look)
    assert (told_line, told_column) == (line, column)
    assert reason in words
    assert "Nothing was imported." in text_of(look)
    assert "<title>Error:" in text_of(look).replace("\n", "")
    assert "sealed" not in look.context
    assert SMSTemplate.objects.count() == 0


@pytest.mark.parametrize("sign", ["\\u0000", "\\ud800"])
def test_what_no_database_holds_is_refused(sign: str) -> None:
    [(row, column, words)] = problems(upload(f'[{{"slug": "x", "body": "Text {sign}"}}]'))
    assert (row, column) == (1, "body")
    assert "characters that cannot be stored" in words


def test_every_bad_row_is_named_by_its_row_in_the_file_blank_ones_counted() -> None:
    look = upload(as_csv(HEAD[:3], [], ["a", "", "Good."], ["", "", ""], ["b", "", "{{"], ["c", "", "two\nlines {%"]))
    assert [(row, column) for row, column, _why in problems(look)] == [(5, "body"), (6, "body")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (as_csv(["name", "body"], ["x", "Text."]), "There is no column “slug”."),
        (as_csv(["slug", "body", "price"], ["x", "Text.", "1"]), "No template has “price”."),
    ],
)
def test_columns_that_make_no_sense_are_told(content: str, words: str) -> None:
    [(row, _column, reason)] = problems(upload(content))
    assert row is None
    assert words in reason


def test_truths_are_read_as_people_write_them() -> None:
    words = ["1", "true", "ANO", "Yes", "PRAVDA", "0", "ne", "False"]
    imported(as_csv(["slug", "body", "is_active"], *([f"t{n}", "Text.", word] for n, word in enumerate(words))))
    assert list(SMSTemplate.objects.values_list("is_active", flat=True)) == [True] * 5 + [False] * 3


# --- Files of every kind ---------------------------------------------------------------------------------------------

ACCENTS = "Dobrý den, žluťoučký kůň {{ name }}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_in_the_encodings_of_spreadsheets_is_read(encoding: str, delimiter: str) -> None:
    text = f'slug{delimiter}body\r\nhello{delimiter}"{ACCENTS}"\r\n'
    imported(text.encode(encoding))
    assert SMSTemplate.objects.get().body == ACCENTS


def test_a_workbook_that_a_spreadsheet_saved_anew_is_read() -> None:
    rows: list[list[Any]] = [["hello", "", ACCENTS, None, True], ["number", 5, 12.5, None, 0]]
    imported(as_xlsx(HEAD, *rows, [None] * 5))
    assert list(SMSTemplate.objects.values_list("slug", "description", "body", "is_active")) == [
        ("hello", "", ACCENTS, True),
        ("number", "5", "12.5", False),
    ]


def test_a_cell_at_the_far_end_of_a_sheet_costs_nothing() -> None:
    book = Workbook()
    book.worksheets[0].append(["slug", "body"])
    book.worksheets[0].append(["a", "Text."])
    book.worksheets[0].cell(1_048_576, 16_384, "far")
    out = io.BytesIO()
    book.save(out)
    imported(out.getvalue())
    assert SMSTemplate.objects.get().slug == "a"


def zip_bomb() -> bytes:
    """The workbook of a few kilobytes whose sheet would unpack to twenty million."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(["slug"], ["a"]))) as good, zipfile.ZipFile(out, "w", 8) as bomb:
        for name in good.namelist():
            bomb.writestr(name, good.read(name) if "sheet1" not in name else b"<sheetData>" + b" " * 20_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The submitted file is empty."),
        (b"\n\n", "There are no templates in the file."),
        (b"slug,body\n", "There are no templates in the file."),
        (b"slug,slug\na,b\n", "Two columns have the same name."),
        (b"slug,body\na,b,c,d\n", "Row 2 has more cells than there are columns."),
        (b'slug,body\na,"' + b"x" * 200_000 + b'"\n', "a cell that is too long"),
        (b'slug,body\na,"never closed', "Line 2"),
        (b"slug,body\na,\x81\x00\n", "The encoding of the file is not known."),
        (b"PK\x03\x04 and no more", "The file is damaged."),
        (as_xlsx(["slug"], ["a"])[:3000], "The file is damaged."),
        (bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600, "This is a workbook of the old kind (XLS)"),
        (b"[1, 2]", "The JSON is no list of templates"),
        (b'{"slug": "a"}', "The JSON is no list of templates"),
        (b'[{"slug": "a"', "Line 1, column 14: this is not JSON."),
        (b"[" * 100_000, "This is not JSON of templates."),
        (b'[{"slug": "a"}, {"slug": "b", "body": "c"}]', "Not all templates of the file have the same fields."),
        (as_csv(["slug", "body"], *([f"t{n}", "Text."] for n in range(1001))).encode(), "more than 1000 templates"),
        (b"x" * 2_000_001, "The file has more than 2 MB."),
        (zip_bomb(), "The file would unpack to far more than a list of rows."),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content: bytes, words: str) -> None:
    look = upload(content)
    assert look.status_code == 200
    assert words in complaint(look)
    assert SMSTemplate.objects.count() == 0


def test_no_file_is_asked_for() -> None:
    assert complaint(superuser().post(IMPORT)) == "Choose a file."


def test_a_thousand_templates_are_taken_at_once() -> None:
    imported(as_csv(["slug", "body"], *([f"t{n:04}", f"Text {n}: {'x' * 100}."] for n in range(1000))))
    assert SMSTemplate.objects.count() == 1000


def test_what_would_not_fit_into_the_page_is_refused_in_words() -> None:
    import random

    dice = random.Random(1)
    rows = [[f"t{n}", "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(1000))] for n in range(600)]
    look = upload(as_csv(["slug", "body"], *rows).encode("utf-8"))
    assert look.status_code == 200
    assert "There is more text in the file than can be imported at once." in text_of(look)


# --- Between the look and the button ---------------------------------------------------------------------------------


def test_a_template_that_changed_after_the_look_is_shown_anew() -> None:
    hello = stored()
    look = upload(as_csv(["slug", "body"], ["hello", "Good day."], ["fresh", "New."]))
    hello.body = "Somebody was faster."
    hello.save()
    again = confirm(look)
    assert "templates have changed since this was shown" in text_of(again)
    assert "<del>Somebody" in text_of(again)
    assert SMSTemplate.objects.count() == 1
    confirm(again)
    hello.refresh_from_db()
    assert (hello.body, hello.version, SMSTemplate.objects.count()) == ("Good day.", 3, 2)


def test_the_button_pressed_twice_imports_once() -> None:
    hello = stored()
    look = upload(as_csv(["slug", "body"], ["hello", "Good day."]))
    confirm(look)
    again = text_of(confirm(look))
    assert "This was imported before, and not a second time." in again
    assert "Nothing was imported yet" not in again
    hello.refresh_from_db()
    assert (hello.version, LogEntry.objects.count()) == (2, 1)


@pytest.mark.parametrize("sealed", ["", "nonsense", "another's"])
def test_rows_that_were_not_looked_at_are_refused(sealed: str) -> None:
    browser = superuser()
    if sealed == "another's":
        sealed = upload(as_csv(["slug", "body"], ["a", "Text."])).context["sealed"]
    answer = browser.post(PROCESS, {"sealed": sealed})
    assert answer.headers["Location"] == IMPORT
    assert SMSTemplate.objects.count() == 0


# --- Permissions and pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "may_import", "may_export"),
    [
        ((ADD, CHANGE, SEE), True, True),
        ((ADD, SEE), False, True),
        ((CHANGE,), False, True),
        ((SEE,), False, True),
        ((ADD,), False, False),
        ((), False, False),
    ],
)
def test_each_page_asks_for_its_permission(permissions: tuple[str, ...], may_import: bool, may_export: bool) -> None:
    browser = browser_of(*permissions)
    sealed = upload(as_csv(["slug", "body"], ["a", "Text."])).context["sealed"]
    assert (browser.get(IMPORT).status_code == 200) == may_import
    assert (upload(as_csv(["slug", "body"], ["a", "Text."]), browser).status_code == 200) == may_import
    assert (browser.post(PROCESS, {"sealed": sealed}).status_code == 302) == may_import
    assert (browser.get(EXPORT).status_code == 200) == may_export
    assert (browser.post(EXPORT, {"format": "0"}).status_code == 200) == may_export
    if SEE in permissions or CHANGE in permissions:
        text = browser.get(LIST).content.decode()
        assert (f'href="{IMPORT}"' in text or f"href='{IMPORT}'" in text) == may_import
        assert (f'href="{EXPORT}?"' in text) == may_export
    assert SMSTemplate.objects.count() == 0


def test_nothing_is_imported_by_get() -> None:
    assert superuser().get(PROCESS).status_code == 405


@pytest.mark.parametrize("url", [IMPORT, EXPORT])
def test_the_pages_have_nothing_that_a_strict_policy_forbids(url: str) -> None:
    stored()
    for answer in (superuser().get(url), upload(as_csv(["slug", "body"], ["hello", "Good day."]))):
        text = answer.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert " onchange=" not in text
        assert "<script>" not in text
