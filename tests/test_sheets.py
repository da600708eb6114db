"""Lists that people paste or upload: what is read of them, and in what words the others are refused."""

from __future__ import annotations

import io
import os
import resource
import struct
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from smsoffice.sheets import MAX_CELL, Sheet, SheetError, fault_of, number_column_of, position, read_file, read_text
from tests import spreadsheets
from tests.spreadsheets import ods, ods_cell, ods_row, ods_table, packed, workbook, xlsx, xlsx_of

HEADING = ["phone", "name"]


def rows_of(sheet: Sheet) -> list[tuple[int, list[str]]]:
    return list(sheet.rows)


def cells_of(sheet: Sheet) -> list[list[str]]:
    return [cells for _line, cells in sheet.rows]


def refusal(*, pasted: str | None = None, uploaded: io.BytesIO | bytes = b"") -> str:
    """The words that a list is refused with, at once or while its rows are read."""
    file = io.BytesIO(uploaded) if isinstance(uploaded, bytes) else uploaded
    with pytest.raises(SheetError) as refused:
        rows_of(read_file("people.xlsx", file) if pasted is None else read_text(pasted))
    return str(refused.value)


def notes_of(sheet: Sheet) -> str:
    rows_of(sheet)
    return " ".join(sheet.notes)


# --- Pasted ----------------------------------------------------------------------------------------------------------


def test_numbers_one_a_line_keep_the_lines_that_they_stand_in():
    sheet = read_text("601 000 117\n\n  \n+44 7700 900123\r\n773 000 34")

    assert (sheet.number_column, sheet.heading) == (0, 0)
    assert rows_of(sheet) == [(1, ["601 000 117"]), (4, ["+44 7700 900123"]), (5, ["773 000 34"])]


@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
def test_rows_with_names_on_top_are_read_with_any_usual_delimiter(delimiter: str):
    rows = [["phone", "customer_name", "order"], ["601000117", "Petře", "7"], ["702000261", "", "8"]]
    sheet = read_text("\n".join(delimiter.join(row) for row in rows))

    assert sheet.columns == rows[0]
    assert (sheet.number_column, sheet.heading) == (0, 1)
    assert rows_of(sheet) == [(2, rows[1]), (3, rows[2])]
    assert sheet.notes == []


def test_a_wrong_first_number_is_no_name_of_a_column():
    assert rows_of(read_text("60l 000 117\n702000261")) == [(1, ["60l 000 117"]), (2, ["702000261"])]
    assert rows_of(read_text("773 000 34;Marku\n702000261;Jano"))[0] == (1, ["773 000 34", "Marku"])


def test_a_lone_column_with_the_name_of_numbers_has_a_heading():
    sheet = read_text("Telefonní číslo\n601000117")

    assert (sheet.columns, rows_of(sheet)) == (["Telefonní číslo"], [(2, ["601000117"])])


def test_rows_without_names_are_called_by_their_position_and_the_numbers_are_found():
    sheet = read_text("Petře;601 000 117;7\nJano;702 000 261;8")

    assert (sheet.columns, sheet.number_column, sheet.heading) == (["A", "B", "C"], 1, 0)
    assert "position: A, B, C" in notes_of(sheet)
    assert "“B”" in notes_of(sheet)


@pytest.mark.parametrize(
    ("columns", "place"),
    [
        (["name", "phone"], 1),
        (["číslo", "Telefon"], 1),
        (["name", "Číslo"], 1),
        (["name", "Tel. číslo"], None),
        (["name", "Telefonní číslo"], 1),
        (["name", "RECIPIENT"], 1),
        (["name", "mobil"], 1),
        (["Phone_number", "name"], 0),
        (["name", "order"], None),
    ],
)
def test_the_column_of_numbers_is_known_by_its_name(columns: list[str], place: int | None):
    assert number_column_of(columns) == place


def test_without_such_a_name_the_first_column_with_numbers_is_taken_and_told():
    sheet = read_text("name;home\nPetře;601 000 117")

    assert sheet.number_column == 1
    assert sheet.notes == ["The numbers are taken from the column “home”."]


def test_several_numbers_side_by_side_are_not_taken_for_columns():
    assert "Line 1 holds 3 phone numbers" in refusal(pasted="601000117, 702000261, 773000340\n720000417")


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("601000117;Petře", ["601000117", "Petře"]),
        ("601000117;Petře;7;", ["601000117", "Petře", "7"]),
        ("601000117;Petře;", ["601000117", "Petře", ""]),
        ("601000117;Petře;7;8", ["601000117", "Petře", "7", "8"]),
    ],
)
def test_a_row_with_more_or_fewer_cells_is_given_on_as_it_is_and_empty_ones_at_its_end_do_not_count(
    row: str, cells: list[str]
):
    assert cells_of(read_text(f"phone;name;order\n{row}")) == [cells]


def test_quoted_cells_may_hold_delimiters_and_line_ends_and_lines_are_still_those_of_the_field():
    sheet = read_text('phone;note\n601000117;"Brno;\nZlín"\n702000261;"say ""hello"""')

    assert rows_of(sheet) == [(2, ["601000117", "Brno;\nZlín"]), (4, ["702000261", 'say "hello"'])]


def test_a_quotation_mark_that_is_not_closed_does_not_swallow_the_list():
    lines = [f"60100{n:04};{chr(34) if n == 3 else ''}Petře" for n in range(200)]

    assert "Line 5: a quotation mark" in refusal(pasted="\n".join(["phone;name", *lines]))
    assert "Line 3: a quotation mark" in refusal(pasted='phone;name\n601000117;Petře\n702000261;"Jano')


def test_a_quotation_mark_in_a_list_of_numbers_is_the_matter_of_its_line_alone():
    assert rows_of(read_text('"601000117\n702000261')) == [(1, ['"601000117']), (2, ["702000261"])]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff", ";;;\n;;"])
def test_an_empty_list_is_refused(text: str):
    assert refusal(pasted=text) == "There are no rows in the list."


def test_names_without_rows_are_refused():
    assert "Put the rows under them" in refusal(pasted="phone;name\n")


def test_two_columns_of_one_name_are_refused_by_that_name():
    assert "Two columns are called “name”" in refusal(pasted="phone;name;name\n601000117;a;b")


def test_a_thousand_columns_are_refused():
    names = ["phone", *(f"c{n}" for n in range(999))]

    assert "more than 200 columns" in refusal(pasted=";".join(names) + "\n601000117")
    assert "more than 200 columns" in refusal(uploaded=xlsx([names, ["601000117"]]))


def test_one_row_too_many_is_refused_and_as_many_as_are_allowed_are_read():
    lines = [f"601{n:06}" for n in range(100_001)]

    assert len(rows_of(read_text("\n".join(["phone", *lines[:-1]])))) == 100_000
    assert "more than 100,000 rows" in refusal(pasted="\n".join(lines))


def test_a_megabyte_in_a_cell_is_cut_and_then_a_fault_of_that_cell():
    [[_number, cell]] = cells_of(read_text("phone\tname\n601000117\t" + "x" * 100_000))
    [[_number, in_workbook]] = cells_of(
        read_file("a.xlsx", xlsx_of(_cells("phone", "name") + _cells("601000117", "x" * 1_000_000, line=2)))
    )

    assert len(cell) == len(in_workbook) == MAX_CELL + 1
    assert "2,000 characters" in fault_of(cell)
    assert "Line 2 has a cell that is too long" in refusal(pasted="phone\tname\n601000117\t" + "x" * 900_000)
    assert "Line 2 has more than 1,000,000 characters" in refusal(pasted="phone\tname\n601000117\t" + "x" * 2_000_000)


def _cells(*texts: str, line: int = 1, attributes: str = "") -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{line}" {attributes}>{cells}</row>'


# --- CSV files -------------------------------------------------------------------------------------------------------

CSV = "phone;jméno\n601000117;Petře Šťastný\n702000261;Žofie\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CSV.encode(), "UTF-8"),
        (CSV.encode("utf-8-sig"), "UTF-8"),
        (CSV.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + CSV.encode("utf-16-be"), "UTF-16"),
        (CSV.encode("utf-16-le"), "UTF-16"),
        (CSV.encode("cp1250"), "Windows-1250"),
        (CSV.replace("\n", "\r\n").encode("cp1250"), "Windows-1250"),
        (CSV.replace("\n", "\r").encode(), "UTF-8"),
    ],
)
def test_a_csv_file_is_read_in_its_encoding_and_says_which(content: bytes, encoding: str):
    sheet = read_file("people.csv", SimpleUploadedFile("people.csv", content))

    assert sheet.columns == ["phone", "jméno"]
    assert rows_of(sheet) == [(2, ["601000117", "Petře Šťastný"]), (3, ["702000261", "Žofie"])]
    assert sheet.notes == [f"The file was read as {encoding}."]


def test_letters_stay_whole_where_the_pieces_of_a_large_file_meet():
    lines = [f"601{n:06};Žluťoučký kůň {n}" for n in range(20_000)]
    content = "\r\n".join(["phone;name", *lines]).encode()

    assert [";".join(cells) for cells in cells_of(read_file("a.csv", io.BytesIO(content)))] == lines


def test_a_file_of_an_unknown_encoding_is_refused():
    assert "encoding of the file is not known" in refusal(uploaded=CSV.encode() + b"\x81\x83\xff")


def test_a_csv_file_is_counted_in_rows_as_a_spreadsheet_program_shows_them():
    content = b'phone;note\n601000117;"Brno\nZlin"\n\n702000261;x\n'

    assert [line for line, _cells in read_file("a.csv", io.BytesIO(content)).rows] == [2, 4]


def test_what_excel_writes_to_keep_zeros_and_to_name_the_delimiter_is_understood():
    sheet = read_file("a.csv", io.BytesIO(b'sep=,\nphone,code\n="00420601000117",="0982"\n'))

    assert rows_of(sheet) == [(3, ["00420601000117", "0982"])]


# --- Workbooks -------------------------------------------------------------------------------------------------------


def test_a_workbook_gives_each_kind_of_cell_as_readable_text():
    book = workbook([["phone", "paid", "on", "at", "price", "share", "code", "vip"]])
    book.active.append([601000117, 1250, date(2026, 11, 23), datetime(2026, 11, 23, 8, 30), 199.5, 0.25, 982, True])
    book.active["G2"].number_format, book.active["E2"].number_format = "0000", "0.00"
    book.active["F2"].number_format = "0%"
    sheet = read_file("people.xlsx", spreadsheets.saved(book))

    assert cells_of(sheet) == [
        ["601000117", "1250", "23 Nov 2026", "23 Nov 2026 08:30", "199.50", "25 %", "0982", "TRUE"]
    ]
    assert sheet.notes == ["Dates are written like “23 Nov 2026”."]


def test_dates_and_numbers_are_in_the_language_of_the_site_and_not_of_the_operator(settings):
    rows: list[list[Any]] = [["phone", "on", "price"], [601000117, date(2026, 11, 23), 199.5]]
    settings.LANGUAGE_CODE = "cs"
    with translation.override("en"):
        sheet = read_file("people.xlsx", xlsx(rows))
        assert cells_of(sheet) == [["601000117", "23.11.2026", "199,5"]]


@pytest.mark.parametrize(
    ("number", "text"),
    [(601000117.0, "601000117"), (4.20601000117e11, "420601000117"), (0.1 + 0.2, "0.3"), (-3, "-3"), (1e300, "1e+300")],
)
def test_numbers_that_were_stored_as_quantities_become_digits_again(number: float, text: str):
    assert cells_of(read_file("a.xlsx", xlsx([HEADING, [601000117, number]]))) == [["601000117", text]]


@pytest.mark.parametrize(
    ("serial", "from_1904", "text"),
    [(1, False, "1 Jan 1900"), (59, False, "28 Feb 1900"), (61, False, "1 Mar 1900"), (46349, False, "23 Nov 2026"),
     (44887, True, "23 Nov 2026"), (0.5, False, "12:00"), (1e9, False, "1000000000.0")],
)  # fmt: skip
def test_days_are_counted_from_where_the_workbook_counts_them(serial: float, from_1904: bool, text: str):
    book = workbook([HEADING, [601000117, serial]])
    book.active["B2"].number_format = "dd.mm.yyyy"
    book.epoch = datetime(1904, 1, 1) if from_1904 else book.epoch
    [[_number, cell]] = cells_of(read_file("a.xlsx", spreadsheets.saved(book)))

    assert cell == text if serial < 1e6 else cell in ("1000000000", "1000000000.0")


def test_zeros_that_a_spreadsheet_dropped_are_told_of():
    codes = [4471, 7730, 1120, 982, 5518, 3342, 9017]
    sheet = read_file("a.xlsx", xlsx([["phone", "code"], *([601000117 + n, code] for n, code in enumerate(codes))]))

    assert "“code” have fewer digits than the others" in notes_of(sheet)


def test_rows_that_a_filter_hides_are_left_out_and_counted():
    book = workbook([HEADING, *([f"60100011{n}", f"Jana {n}"] for n in range(6))])
    for row in (3, 5):
        book.active.row_dimensions[row].hidden = True
    sheet = read_file("people.xlsx", spreadsheets.saved(book))

    assert [line for line, _cells in sheet.rows] == [2, 4, 6, 7]
    assert sheet.notes == ["2 hidden rows were left out. Show them in the spreadsheet if they are to be sent."]


def test_a_formula_gives_its_stored_value_and_one_without_is_a_fault_of_its_cell():
    stored = '<row r="2"><c r="A2"><v>601000117</v></c><c r="B2" t="str"><f>C2&amp;"x"</f><v>Petře</v></c></row>'
    [[_number, value]] = cells_of(read_file("a.xlsx", xlsx_of(_cells(*HEADING) + stored)))
    [[_number, formula]] = cells_of(read_file("a.xlsx", xlsx([HEADING, [601000117, "=C2&D2"]])))

    assert (value, fault_of(value)) == ("Petře", "")
    assert formula == "=C2&D2"
    assert "formula without its result" in fault_of(formula)


@pytest.mark.parametrize(
    "cell", ["#N/A", "#REF!", "#NÁZEV?", "####", "Err:508", "=SUM(A1:A2)", "Pet\ufffdr", "x" * 3000]
)
def test_cells_that_no_phone_should_show_have_a_fault(cell: str):
    assert fault_of(cell).endswith(".")


@pytest.mark.parametrize("cell", ["", "Petře", "# 5", "#5", "= 5", "Err", "č. 7 = 8", "E", "Chyba"])
def test_other_cells_have_none(cell: str):
    assert fault_of(cell) == ""


def test_short_rows_of_a_spreadsheet_are_filled_up_and_what_stands_beside_the_columns_is_told_of():
    sheet = read_file("a.xlsx", xlsx([["phone", "name", "note"], ["601000117"], ["702000261", "Jano", "", "call him"]]))

    assert cells_of(sheet) == [["601000117", "", ""], ["702000261", "Jano", ""]]
    assert sheet.notes == ["What stands to the right of the named columns is not used."]


def test_of_several_sheets_the_first_visible_one_with_rows_is_read_and_told():
    book = workbook([])
    secret, people = book.create_sheet("secret"), book.create_sheet("people")
    secret.append(["phone"])
    secret.append(["702000261"])
    secret.sheet_state = "hidden"
    people.append(["phone"])
    people.append(["601000117"])
    sheet = read_file("a.xlsx", spreadsheets.saved(book))

    assert cells_of(sheet) == [["601000117"]]
    assert sheet.notes == ["The sheet “people” was read; the file has 3."]


def test_two_columns_of_one_name_and_no_heading_are_treated_in_a_workbook_as_in_a_pasted_list():
    assert "Two columns are called “name”" in refusal(uploaded=xlsx([["phone", "name", "name"], [601000117, "a", "b"]]))
    assert read_file("a.xlsx", xlsx([[601000117, "a"], [702000261, "b"]])).columns == ["A", "B"]


def test_macros_are_left_alone():
    file = xlsx([HEADING, [601000117, "Petře"]])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf")

    assert "macros in the file were not run" in notes_of(read_file("a.xlsm", file))


def test_rich_text_is_joined_without_how_it_is_read_aloud():
    strings = "<si><t>phone</t></si><si><t>name</t></si><si><r><t>Pet</t></r><r><t>ře</t></r><rPh><t>x</t></rPh></si>"
    cells = '<row r="1"><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
    cells += '<row r="2"><c><v>601000117</v></c><c t="s"><v>2</v></c></row>'

    assert cells_of(read_file("a.xlsx", xlsx_of(cells, strings))) == [["601000117", "Petře"]]


# --- OpenDocument ----------------------------------------------------------------------------------------------------


def _float(value: str, shown: str) -> str:
    return ods_cell(shown, f'office:value-type="float" office:value="{value}"')


def test_an_opendocument_gives_each_kind_of_cell_as_readable_text():
    names = ods_row(*map(ods_cell, ["phone", "code", "on", "price", "f", "note"]))
    row = ods_row(
        _float("420601000117", "4,20601E+11"),
        _float("982", "0982"),
        ods_cell("23. 11. 26", 'office:value-type="date" office:date-value="2026-11-23"'),
        ods_cell("199,50 Kč", 'office:value-type="currency" office:value="199.5"'),
        ods_cell("", 'table:formula="of:=[.A1]"'),
        "<table:table-cell><office:annotation><text:p>a comment</text:p></office:annotation>"
        "<text:p>two<text:s text:c='2'/>spaces</text:p><text:p>and a line</text:p></table:table-cell>",
    )
    sheet = read_file("people.ods", ods(ods_table([names, row])))

    assert cells_of(sheet) == [
        ["420601000117", "0982", "23 Nov 2026", "199,50 Kč", "=[.A1]", "two  spaces\nand a line"]
    ]
    assert "without its result" in fault_of("=[.A1]")


def test_an_opendocument_leaves_hidden_rows_and_sheets_out_and_expands_what_is_repeated():
    styles = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    secret = ods_table([ods_row(ods_cell("702000261"))], "secret", "ta2")
    people = ods_table(
        [
            ods_row(ods_cell("phone"), ods_cell("name")),
            ods_row(attributes='table:number-rows-repeated="3"'),
            ods_row(ods_cell("601000117"), ods_cell("Petře")),
            ods_row(ods_cell("601000118"), ods_cell("x"), attributes='table:visibility="filter"'),
            ods_row(ods_cell("601000119"), ods_cell("Jano"), attributes='table:number-rows-repeated="2"'),
            ods_row(
                ods_cell("", 'table:number-columns-repeated="16384"'), attributes='table:number-rows-repeated="1048000"'
            ),
        ],
        "people",
    )
    sheet = read_file("people.ods", ods(secret + people, styles=styles))

    assert rows_of(sheet) == [(5, ["601000117", "Petře"]), (7, ["601000119", "Jano"]), (8, ["601000119", "Jano"])]
    assert sheet.notes == [
        "The sheet “people” was read; the file has 2.",
        "1 hidden row was left out. Show it in the spreadsheet if it is to be sent.",
    ]


# --- What is no list, or a trap --------------------------------------------------------------------------------------

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "“people.xlsx” is empty"),
        (_OLE + bytes(2000), "old format of Excel (XLS)"),
        (_OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (b"PK\x03\x04" + bytes(300), "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "neither a spreadsheet nor a list in text"),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"\n<html><table><tr><td>601000117</td></tr></table></html>", "is a web page"),
        (b"x" * 26_000_000, "more than 25 MB"),
        (packed({"word/document.xml": "<a/>"}).getvalue(), "no spreadsheet"),
        (packed({"xl/workbook.bin": b"x"}).getvalue(), "XLSB"),
        (ods("", mimetype="application/vnd.oasis.opendocument.text").getvalue(), "no spreadsheet"),
        (ods("", manifest="<manifest:encryption-data/>").getvalue(), "protected by a password"),
        (ods(ods_table([])).getvalue(), "No visible sheet of the file has any rows"),
        (xlsx([]).getvalue(), "No visible sheet of the file has any rows"),
        (xlsx([[]]).getvalue()[:-200], "damaged"),
        (xlsx_of("<row><c t='s'><v>7</v></c></row>").getvalue(), "damaged"),
        (xlsx_of(_cells("601000117", line=5) + _cells("601000118", line=5)).getvalue(), "damaged"),
        (xlsx_of("<row r='one'/>").getvalue(), "damaged"),
        (xlsx_of("<row r='99999999999'/>").getvalue(), "damaged"),
        (xlsx_of("<row><c r='" + "Z" * 5000 + "1'><v>1</v></c></row>").getvalue(), "more than 200 columns"),
        (xlsx_of("<row><c>").getvalue(), "damaged"),
        (xlsx_of("<a>" * 100_000).getvalue(), "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(content: bytes, words: str):
    assert words in refusal(uploaded=content)


ENTITIES = '<!DOCTYPE a [<!ENTITY b "602000117"><!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "file",
    [
        lambda: xlsx_of(_cells("&b;") + _cells("&c;", line=2), head=ENTITIES),
        lambda: ods(ods_table([ods_row("<table:table-cell><text:p>&c;</text:p></table:table-cell>")]), head=ENTITIES),
    ],
)
def test_a_document_type_and_so_every_entity_is_refused(file: Any):
    assert "damaged" in refusal(uploaded=file())


def _bomb() -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook><sheets><sheet name='a' id='r1'/></sheets></workbook>")
        relation = "<Relationship Id='r1' Type='x/worksheet' Target='sheet.xml'/>"
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relation}</Relationships>")
        with archive.open("xl/sheet.xml", "w", force_zip64=True) as part:
            for _megabyte in range(200):
                part.write(b" " * 1_000_000)
    return file


def _lying_bomb() -> io.BytesIO:
    """A zip bomb whose list of contents says that it is small."""
    content = bytearray(_bomb().getvalue())
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    return io.BytesIO(content)


def _repetition() -> io.BytesIO:
    """One long text that a million cells point to."""
    row = '<row ht="{}">' + '<c t="s"><v>0</v></c>' * 150 + "</row>"
    rows = "".join(row.format(n + 1) for n in range(200))
    return xlsx_of(_cells("phone", "name") + rows, f"<si><t>{'x' * 1900}</t></si>")


def _wide_row() -> io.BytesIO:
    return xlsx_of("<row>" + "<c/>" * 2_000_000 + "<c><v>1</v></c></row>")


def _blank_rows() -> io.BytesIO:
    return xlsx_of("".join(f"<row r='{2**20 - 10 + n}'/>" for n in range(20)))


def _many_rows() -> io.BytesIO:
    row = ods_row(ods_cell("601000117"), attributes='table:number-rows-repeated="99999999"')
    return ods(ods_table([ods_row(ods_cell("phone")), row]))


def _many_entries() -> io.BytesIO:
    return packed({f"{n}": "" for n in range(6_000)})


def _much_text_of_spaces() -> io.BytesIO:
    cell = "<table:table-cell><text:p>x" + '<text:s text:c="99999999"/>' * 1000 + "y</text:p></table:table-cell>"
    return ods(ods_table([ods_row(ods_cell("phone"), ods_cell("name")), ods_row(ods_cell("601000117"), cell)]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_bomb, "far more than a list of rows"),
        (_lying_bomb, "damaged"),
        (_repetition, "too much text"),
        (_blank_rows, "damaged"),
        (_wide_row, "more than 200 columns"),
        (_many_rows, "more than 100,000 rows"),
        (_many_entries, "damaged"),
    ],
)
def test_small_files_that_would_become_large_ones_cost_no_memory(make: Any, words: str):
    file = make()
    before = _peak()

    assert words in refusal(uploaded=file)
    assert _peak() - before < 120


def test_a_text_of_nothing_but_repeated_spaces_is_cut():
    [[_number, cell]] = cells_of(read_file("a.ods", _much_text_of_spaces()))

    assert len(cell) <= MAX_CELL + 1


def _peak() -> float:
    """The most memory that this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_hundred_thousand_rows_of_a_workbook_are_not_held():
    row = '<row><c><v>{}</v></c><c t="s"><v>0</v></c><c t="inlineStr"><is><t>Ulice {}</t></is></c></row>'
    rows = "".join(row.format(601_000_000 + n, n) for n in range(99_999))
    file = xlsx_of(_cells("phone", "name", "street") + rows, "<si><t>Petře</t></si>")
    before = _peak()
    sheet = read_file("a.xlsx", file)

    assert sum(1 for _row in sheet.rows) == 99_999
    assert _peak() - before < 60


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_file_with_any_damage_is_read_or_refused_in_words(data: Any):
    whole = data.draw(st.sampled_from(_SOUND))
    content = bytearray(whole)
    for _change in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    words = None
    try:
        rows_of(read_file("a.xlsx", io.BytesIO(content)))
    except SheetError as refused:
        words = str(refused)
    assert words != ""


_SOUND = [
    xlsx([HEADING, [601000117, "Petře"], [702000261, date(2026, 11, 23)]]).getvalue(),
    ods(ods_table([ods_row(ods_cell("phone")), ods_row(ods_cell("601000117"))])).getvalue(),
    CSV.encode(),
]


@settings(max_examples=150, deadline=None)
@given(pasted=st.text(st.sampled_from('0123456789+ ;,\t\n\r"=#aPř\x00\x85\u2028\ufeff'), max_size=200))
def test_whatever_is_pasted_is_read_or_refused_in_words_and_lines_only_grow(pasted: str):
    words, lines = None, []
    try:
        lines = [line for line, _cells in read_text(pasted).rows]
    except SheetError as refused:
        words = str(refused)
    assert words != ""
    assert lines == sorted(set(lines))
    assert all(1 <= line <= pasted.count("\n") + pasted.count("\r") + 1 for line in lines)


def test_random_bytes_are_refused():
    assert refusal(uploaded=b"\x00" + os.urandom(5000))


@pytest.mark.parametrize(
    ("place", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
)
def test_columns_are_called_as_spreadsheets_call_them(place: int, name: str):
    assert position(place) == name
