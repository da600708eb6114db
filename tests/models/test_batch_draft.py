"""Drafts of bulk sends: what was read is kept whole or not at all, and can be read again a row at a time."""

from __future__ import annotations

from typing import Any

import pytest

from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.batch_check import check_draft
from smsoffice.models.batch_draft import draft_text, longest_row, refused_rows, sendable_row, store_draft
from smsoffice.sheets import SheetError, read_file, read_text
from tests import batches, factories
from tests.spreadsheets import saved, workbook

pytestmark = pytest.mark.django_db


def stored(pasted: str, body: str = "Dear {{ name }}.", **columns: Any) -> Batch:
    template = factories.template(body=body)
    sheet = read_text(pasted)
    user = batches.operator().pk
    return store_draft(user_id=user, template=template, own_text="", values={}, sheet=sheet, **columns)


def checked(batch: Batch) -> Batch:
    for _rows in check_draft(batch):
        pass
    return batches.fresh(batch)


def test_a_draft_keeps_the_list_and_what_is_sent():
    later = factories.ahead(days=1)
    batch = stored("phone;name\n601000117;Jano\n\nx;Petre", tag="sale", send_after=later, first=10, title="Sale")
    batch = batches.fresh(batch)

    assert (batch.status, batch.total, batch.checked_at) == (Batch.Status.DRAFT, 2, None)
    assert (batch.body, batch.template_slug, batch.template_version) == ("Dear {{ name }}.", "ready", 1)
    assert (batch.title, batch.tag, batch.send_after, batch.first) == ("Sale", "sale", later, 10)
    assert batch.columns == ["phone", "name"]
    assert [chunk.rows for chunk in batch.chunks.all()] == [[[2, ["601000117", "Jano"]], [4, ["x", "Petre"]]]]


def test_notes_that_come_up_only_at_the_end_are_kept():
    book = workbook([["phone", "name"], [601000117, "Jano"], [601000118, "Petre"]])
    book.active.row_dimensions[3].hidden = True
    sheet = read_file("people.xlsx", saved(book))
    user = batches.operator().pk
    batch = store_draft(user_id=user, template=None, own_text="Hi.", values={}, sheet=sheet, file_name="people.xlsx")

    assert batches.fresh(batch).notes == sheet.notes
    assert "1 hidden row was left out" in sheet.notes[0]


def test_nothing_is_kept_of_a_list_that_cannot_be_read_to_its_end():
    with pytest.raises(SheetError):
        stored("\n".join(["phone;name", *[f"601{n:06};Jano" for n in range(3_000)], '702000261;"Petre']))

    assert not Batch.objects.exists()
    assert not BatchChunk.objects.exists()


def test_what_no_database_takes_is_a_refused_row_and_no_error():
    batch = checked(stored("phone;name\n601000117;Ja\x00no\n601000118;\ud800\n601000119;Jano", title="a\x00" * 300))

    assert (batch.sendable, batch.refused) == (1, 2)
    assert {row.column for row in refused_rows(batch)} == {"name"}


def test_rows_that_can_be_sent_are_found_by_their_number_over_all_chunks():
    rows = [f"601{n:06};{f'Jano {n}' if n % 2 else ''}" for n in range(2_400)]
    batch = checked(stored("\n".join(["phone;name", *rows])))
    found = {number: sendable_row(batch, number) for number in (1, 500, 501, 1200)}

    assert {number: row and (row[0], row[1].content) for number, row in found.items()} == {
        1: (3, "Dear Jano 1."),
        500: (1001, "Dear Jano 999."),
        501: (1003, "Dear Jano 1001."),
        1200: (2401, "Dear Jano 2399."),
    }
    assert sendable_row(batch, 0) is sendable_row(batch, 1201) is None


def test_the_longest_text_is_found():
    batch = checked(stored("phone;name\n601000117;\n601000118;Jano\n601000119;Bartolomejova\n601000120;Eva"))
    found = longest_row(batch)

    assert found is not None
    assert (found[0], found[1].content) == (4, "Dear Bartolomejova.")


def test_where_nothing_can_be_sent_there_is_no_row():
    batch = checked(stored("phone;name\nx;\ny;Jano"))

    assert longest_row(batch) is sendable_row(batch, 1) is None
    assert [tuple(row) for row in refused_rows(batch)] == [
        (2, "phone", "x", "There are letters in it (“x”)."),
        (3, "phone", "y", "There are letters in it (“y”)."),
    ]


@pytest.mark.parametrize(
    "pasted",
    [
        "phone\tname\n601000117\tJano\n",
        "\n\nphone\tname\n\n601000117\tJano\n702000261\tPetre\n",
        "601000117\n\n773 000 34\n",
        'phone\tname\n601000117\t"Jano\nand ""Petre"""\n702000261\tEva\n',
        "Jano\t601000117\nPetre\t702000261\n",
    ],
)
def test_a_pasted_list_comes_back_as_it_was_with_the_same_lines(pasted: str):
    assert draft_text(stored(pasted, "Hello.")) == pasted


def test_another_delimiter_comes_back_as_tabs_and_reads_the_same():
    pasted = "phone;name\n\n601000117;Jano\n702000261;"
    text = draft_text(stored(pasted))

    assert text == "phone\tname\n\n601000117\tJano\n702000261\t\n"
    assert list(read_text(text).rows) == list(read_text(pasted).rows)


def test_an_uploaded_list_does_not_come_back_as_text():
    assert draft_text(stored("601000117", "Hello.", file_name="people.csv")) == ""


def test_a_name_of_a_file_that_is_too_long_keeps_its_ending():
    assert stored("601000117", "Hello.", file_name="x" * 300 + ".xlsx").file_name.endswith("x.xlsx")
