"""The check of a list: which rows can be sent, what each of them costs, and why the others are refused."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.utils import translation

from smsoffice.exceptions import InvalidContent, InvalidOption, SMSError, TemplateError, TemplateNotFound, TemplateOff
from smsoffice.models.batch import Batch
from smsoffice.models.batch_check import Plan, Report, RowRefused, check_draft, check_rows
from smsoffice.models.batch_draft import refused_rows, store_draft
from smsoffice.models.batch_report import region_of
from smsoffice.models.sms import OutputSMSMessage, SMSTemplate
from smsoffice.sheets import Sheet, read_text
from tests import batches, factories

pytestmark = pytest.mark.django_db

BODY = "Dear {{ name }}, order {{ order.number }} is in {{ shop|default:'Brno' }}."
PEOPLE = """phone\tname\torder.number\tnote
601 000 117\tPetře\t7\tcall him
702 000 261\tJano\t8
773 000 34\tMarku\t9\t
720000417\t\t10\t
601000117\tPetře\t7\t
+44 7700 900123\tJane\t11\t
601000117\tPetře\t12\t
"""


def template(body: str = BODY, **columns: Any) -> SMSTemplate:
    return SMSTemplate.objects.create(slug="ready", body=body, **columns)


def plan(pasted: str = "phone\n601000117", body: str = BODY, **values: str) -> tuple[Plan, Sheet]:
    sheet = read_text(pasted)
    return Plan.make(template(body), "", values, sheet.columns, number_column=sheet.number_column), sheet


def report(pasted: str, body: str = BODY, **values: str) -> Report:
    made, sheet = plan(pasted, body, **values)
    return check_rows(made, sheet.rows)


def reason(cells: list[str], columns: list[str], body: str, **values: str) -> tuple[str, str, str]:
    """The column, the cell and the reason of a row that is refused."""
    with pytest.raises(RowRefused) as refused:
        Plan.make(template(body), "", values, columns).draft(cells)
    return refused.value.column, refused.value.cell, refused.value.reason


def draft_of(pasted: str, body: str = BODY, values: dict[str, str] | None = None, **columns: Any) -> Batch:
    return store_draft(
        user_id=batches.operator().pk,
        template=template(body),
        own_text="",
        values=values or {},
        sheet=read_text(pasted),
        **columns,
    )


def checked(batch: Batch) -> Batch:
    for _rows in check_draft(batch):
        pass
    return batches.fresh(batch)


# --- A row -----------------------------------------------------------------------------------------------------------


def test_a_row_becomes_the_message_that_the_template_would_send():
    made, sheet = plan(PEOPLE, shop="Zlín")
    line, cells = next(iter(sheet.rows))
    message = made.draft(cells)

    assert line == 2
    assert (message.recipient, message.content) == ("+420601000117", "Dear Petre, order 7 is in Zlin.")
    assert (message.segments, message.template_slug, message.template_version) == (1, "ready", 1)
    assert message.pk is None


def test_a_column_of_the_row_wins_over_the_value_for_all():
    made, _sheet = plan(body="In {{ shop }}.")
    columns = ["phone", "shop"]
    made = Plan.make(made.template, "", {"shop": "Zlin"}, columns)

    assert made.draft(["601000117", "Brno"]).content == "In Brno."
    with pytest.raises(RowRefused, match="“shop” is empty"):
        made.draft(["601000117", ""])


def test_dotted_names_of_columns_and_values_make_groups():
    body = "{{ order.number }} {{ order.city }} {% for item in items %}{{ item }};{% endfor %}"
    made = Plan.make(template(body), "", {"order.city": "Brno"}, ["phone", "order.number", "items.0", "items.1"])

    assert made.draft(["601000117", "7", "cap", "hat"]).content == "7 Brno cap;hat;"


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        (["60100011", ""], ("phone", "60100011", "It is too short: it has 8 digits after +420, where numbers have 9.")),
        (["Jana", "Jano"], ("phone", "Jana", "There are letters in it (“Jana”).")),
        (["", "Jano"], ("phone", "", "It is empty.")),
        (["601000117", ""], ("name", "", "“name” is empty.")),
        (["601000117", "  "], ("name", "", "“name” is empty.")),
        (["601000117"], ("", "601000117", "The row has 1 cell, and the list 2 columns.")),
        (["601000117", "a", "b"], ("", "601000117 | a | b", "The row has 3 cells, and the list 2 columns.")),
        (["601000117", "#N/A"], ("name", "#N/A", "The cell holds an error of the spreadsheet. Correct its formula.")),
    ],
)  # fmt: skip
def test_a_row_is_refused_at_its_cell_with_a_reason(cells: list[str], refused: tuple[str, str, str]):
    assert reason(cells, ["phone", "name"], "Dear {{ name }}.") == refused


def test_faults_of_cells_that_the_text_does_not_use_refuse_nothing():
    made = Plan.make(template("Dear {{ name }}."), "", {}, ["phone", "name", "note"])

    assert made.draft(["601000117", "Jano", "#REF!"]).content == "Dear Jano."
    assert made.draft(["601000117", "Jano", "x" * 5000]).content == "Dear Jano."


def test_a_long_cell_is_shown_short():
    _column, cell, words = reason(["601000117", "x" * 2001], ["phone", "name"], "Dear {{ name }}.")

    assert len(cell) == 100
    assert words == "The cell has more than 2,000 characters. Shorten it."


def test_a_variable_that_nothing_gives_refuses_the_row_by_its_name():
    column, _cell, words = reason(["601000117"], ["phone"], "Dear {{ name }}.")

    assert (column, words) == ("name", "The data lacks “name”, which the template needs.")


def test_a_text_of_too_many_parts_refuses_the_row():
    _column, _cell, words = reason(["601000117", "x" * 1600], ["phone", "name"], "{{ name }}")

    assert words == "The text makes 11 parts; at most 10 can be sent. Shorten it."


def test_a_cell_is_never_read_as_a_template():
    made = Plan.make(template("Dear {{ name }}."), "", {}, ["phone", "name"])

    assert made.draft(["601000117", "{{ phone }}{% if %}"]).content == "Dear {{ phone }}{% if %}."


@pytest.mark.parametrize(
    "name", ["a" * 500, "a.b.c.d.e.f.g.h.i.j.k.l.m", "..", "č. objednávky", "{{", "phone number x", ""]
)
def test_columns_with_names_that_no_template_can_use_do_no_harm(name: str):
    made = Plan.make(template("Hello."), "", {}, ["phone", name])

    assert made.draft(["601000117", "x"]).content == "Hello."
    assert made.unused == [name or "B"]


def _picky(recipient: str, context_data: Any) -> bool:
    if context_data["name"] == "broken":
        raise KeyError("customer")
    return recipient.startswith("+420")


def test_a_template_may_refuse_and_its_own_mistake_refuses_only_its_row():
    picky = template("Dear {{ name }}.")
    # As the class of a host's own templates has it.
    picky.can_send = _picky  # type: ignore[method-assign]
    made = Plan.make(picky, "", {}, ["phone", "name"])
    rows = enumerate([["601000117", "Jano"], ["+447700900123", "Jane"], ["601000117", "broken"]], start=2)
    found = check_rows(made, rows)

    assert (found.sendable, found.refused) == (1, 2)
    assert [(row.line, row.reason) for row in found.refusals] == [
        (3, "The template may not be sent to this recipient."),
        (4, "The template cannot be rendered with this data."),
    ]


# --- A plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Hello {{ name }}", "{% if a %}", "", "  \n"])
def test_an_own_text_is_refused_with_variables_or_without_words(text: str):
    with pytest.raises(InvalidContent):
        Plan.make(None, text, {}, ["phone"])


def test_an_own_text_goes_to_each_number_as_it_is():
    message = Plan.make(None, "Closed on 24. 12. {#1} 50 %", {}, ["phone"]).draft(["601000117"])

    assert (message.content, message.template, message.template_slug) == ("Closed on 24. 12. {#1} 50 %", None, "")


def test_a_plan_with_a_broken_or_a_switched_off_template_is_refused_at_once():
    with pytest.raises(TemplateError):
        Plan.make(template("{{ name"), "", {}, ["phone"])
    with pytest.raises(TemplateOff):
        Plan.make(SMSTemplate(slug="off", body="x", is_active=False), "", {}, ["phone"])


def test_options_that_make_no_sense_are_refused_at_once():
    with pytest.raises(InvalidOption):
        Plan.make(None, "Hello", {}, ["phone"], expires_at=factories.ago(hours=1))


def test_the_options_stand_in_every_message():
    later = factories.ahead(hours=2)
    message = Plan.make(None, "Hello", {}, ["phone"], tag="sale", send_after=later).draft(["601000117"])

    assert (message.tag, message.send_after, message.due_at, message.priority) == ("sale", later, later, 0)


def test_a_plan_says_which_columns_are_not_used_and_which_values_are_missing():
    made = Plan.make(template(BODY + "{{ until }}"), "", {"until": ""}, ["phone", "name", "order", "note", ""])

    assert made.unused == ["note", "E"]
    assert made.missing == ["until"]


# --- The report ------------------------------------------------------------------------------------------------------


def test_the_report_counts_what_can_be_sent_what_not_and_why():
    found = report(PEOPLE)

    assert (found.total, found.sendable, found.refused, found.parts) == (7, 3, 4, 3)
    assert found.countries == {"CZ": 2, "GB": 1}
    assert found.by_parts == {1: 3}
    assert [tuple(row) for row in found.refusals] == [
        (3, "", "702 000 261 | Jano | 8", "The row has 3 cells, and the list 4 columns."),
        (4, "phone", "773 000 34", "It is too short: it has 8 digits after +420, where numbers have 9."),
        (5, "name", "", "“name” is empty."),
        (6, "phone", "601000117", "The same text to the same number as line 2."),
    ]
    assert found.unused == ["note"]


def test_reasons_are_counted_by_what_they_have_in_common():
    rows = "\n".join(["601000117", "60100011", "6010001", "601", "abc", "def", "601000117", "601000117"])

    assert report(rows, "Hello.").reasons == {
        "It is too short.": 3,
        "There are letters in it.": 2,
        "The same text to the same number as another line.": 2,
    }


def test_another_text_to_the_same_number_is_no_duplicate():
    found = report("phone;name\n601000117;Jano\n+420 601 000 117;Petre\n00420601000117;Jano", "Dear {{ name }}.")

    assert (found.sendable, [row.line for row in found.refusals]) == (2, [4])


def test_a_refused_row_does_not_make_the_next_one_a_duplicate():
    assert report("phone;name\n601000117;\n601000117;Jano", "Dear {{ name }}.").sendable == 1


def test_the_longest_and_the_wanted_row_are_shown_and_parts_are_told_apart():
    lines = ["phone;name", "601000117;" + "x" * 200, "601000118;" + "y" * 210, "60100;", "601000119;Jano"]
    made, sheet = plan("\n".join(lines), "Dear {{ name }}.")
    found: Any = check_rows(made, sheet.rows, pick=3)

    assert found.by_parts == {1: 1, 2: 2}
    assert found.parts == 5
    assert (found.longest.number, found.longest.line) == (2, 3)
    assert (found.picked.line, found.picked.message.content) == (5, "Dear Jano.")
    assert check_rows(made, [], pick=1).picked is None


def test_only_so_many_refused_rows_are_listed_but_all_are_counted():
    made, sheet = plan("\n".join(["phone", *["x"] * 90]), "Hello.")
    found = check_rows(made, sheet.rows, keep=7)

    assert (found.refused, len(found.refusals)) == (90, 7)


@pytest.mark.parametrize(
    ("number", "region"),
    [("+420601000117", "CZ"), ("+421905000077", "SK"), ("+447700900123", "GB"), ("+12125550100", "US"),
     ("+14165550100", "CA"), ("+79161234567", "RU"), ("+88216123456", "001"), ("+15005550006", "US")],
)  # fmt: skip
def test_a_number_belongs_to_a_country(number: str, region: str):
    assert region_of(number) == region


def test_reasons_are_in_the_language_of_who_asks():
    with translation.override("cs"):
        [row] = report("phone;name\n601000117;", "Dear {{ name }}.").refusals

    assert row.reason == "„name“ je prázdné."


# --- Ten thousand mistakes -------------------------------------------------------------------------------------------

MISTAKES = [
    lambda n: f"60100{n % 1000:03}", lambda n: f"601 {n:06} 99999999", lambda n: f"60l{n:06}", lambda n: "",
    lambda n: f"601{n:06}, 702{n:06}", lambda n: f"601{n:06} / 702{n:06}", lambda n: "+", lambda n: f"+999{n:09}",
    lambda n: "6.01E+08", lambda n: f"jana{n}@example.com", lambda n: "\x00" * 5, lambda n: "\ufffd" * 9,
    lambda n: "９" * 40, lambda n: "☎" * 3, lambda n: f"601{n:06} klapka 12", lambda n: "x" * 500,
    lambda n: "{{ phone }}",
    lambda n: f"=HYPERLINK({n})", lambda n: "-", lambda n: "null", lambda n: "\ud800601000117",
]  # fmt: skip


def test_ten_thousand_numbers_with_mistakes_of_every_kind_are_told_apart_line_by_line():
    random.seed(4)
    right, lines = set(), []
    for n in range(10_000):
        if is_right := n % 3 == 0:
            spelled = f"601{n:06}"
            lines.append(
                random.choice([spelled, f"+420 {spelled}", f"00420{spelled}", f"  {spelled}\t", f"420{spelled}.0"])
            )
        else:
            lines.append(random.choice(MISTAKES)(n))
        right |= {n + 1} if is_right else set()
    made = Plan.make(None, "Hello.", {}, ["A"])
    sheet = read_text("\n".join(lines))
    found = check_rows(made, ((line, cells[:1]) for line, cells in sheet.rows), keep=10_000)

    assert right.isdisjoint(row.line for row in found.refusals)
    assert found.sendable == len(right)
    assert all(row.reason.endswith(".") and len(row.cell) <= 100 for row in found.refusals)
    assert sum(found.reasons.values()) == found.refused


# --- A stored draft --------------------------------------------------------------------------------------------------


def test_the_check_of_a_draft_stores_what_it_found_a_thousand_rows_a_step():
    rows = [f"601{n:06};{'Jano' if n % 10 else ''}" for n in range(2_500)]
    batch = draft_of("\n".join(["phone;name", *rows]), "Dear {{ name }}.")
    steps = []
    for done in check_draft(batch):
        steps.append(done)
        assert batches.fresh(batch).check_progress == done
        assert batches.fresh(batch).checked_at is None
    batch = batches.fresh(batch)

    assert steps == [1000, 2000, 2500]
    assert (batch.total, batch.sendable, batch.refused) == (2500, 2250, 250)
    assert batch.checked_at is not None
    assert batch.summary["parts"] == 2250
    assert batch.summary["reasons"] == {"“name” is empty.": 250}
    assert batch.summary["longest"] == {"number": 1, "line": 3}
    assert [row.line for row in refused_rows(batch)] == list(range(2, 2502, 10))
    assert not OutputSMSMessage.objects.exists()


def test_a_check_that_begins_anew_finds_the_same():
    batch = draft_of(PEOPLE)
    next(check_draft(batch))
    first = checked(batch)
    second = checked(batch)

    assert (first.sendable, first.refused, first.summary) == (second.sendable, second.refused, second.summary)
    assert len(list(refused_rows(second))) == second.refused == 4


def test_the_check_of_a_draft_and_of_the_page_agree():
    batch, found = checked(draft_of(PEOPLE)), None
    sheet = read_text(PEOPLE)
    found = check_rows(Plan.of(batch), sheet.rows)

    assert (batch.total, batch.sendable, batch.refused) == (found.total, found.sendable, found.refused)
    assert list(refused_rows(batch)) == found.refusals
    assert {**batch.summary, **found.summary()} == batch.summary


def test_what_was_shown_is_checked_and_sent_though_the_template_has_changed_since():
    batch = draft_of("phone;name\n601000117;Jano", "Dear {{ name }}.")
    SMSTemplate.objects.update(body="Other {{ unknown }}.")
    batch = checked(batch)
    message = Plan.of(batch).draft(["601000117", "Jano"])

    assert batch.sendable == 1
    assert (message.content, message.template_version) == ("Dear Jano.", 1)
    assert batch.template is not None
    assert batch.template.body == "Other {{ unknown }}."


def test_a_draft_whose_template_is_gone_or_off_is_refused_as_a_whole_and_says_why():
    batch = draft_of("phone;name\n601000117;Jano", "Dear {{ name }}.")
    SMSTemplate.objects.update(is_active=False)
    off = checked(batches.fresh(batch))
    SMSTemplate.objects.all().delete()
    with pytest.raises(TemplateNotFound):
        Plan.of(batches.fresh(batch))
    gone = checked(batches.fresh(batch))

    assert (off.sendable, off.refused) == (gone.sendable, gone.refused) == (0, 1)
    assert "switched off" in off.summary["problem"]
    assert "There is no SMS template" in gone.summary["problem"]


def test_a_draft_whose_time_has_passed_is_refused_as_a_whole_and_says_what_to_do():
    batch = checked(batches.draft(batches.people(2), expires_at=factories.ago(minutes=1)))

    assert (batch.sendable, batch.refused) == (0, 2)
    assert batch.summary["problem"] == "The latest time of sending has passed. Set a later one."


def test_a_draft_cannot_be_confirmed_on_the_ground_of_its_last_check_while_it_is_checked_anew():
    batch = checked(draft_of(PEOPLE))
    check = check_draft(batch)
    next(check)

    assert batches.fresh(batch).checked_at is None
    assert list(check) == []
    assert batches.fresh(batch).checked_at is not None


def test_a_draft_that_was_confirmed_or_thrown_away_meanwhile_is_left_alone():
    batch = draft_of("phone;name\n601000117;Jano", "Dear {{ name }}.")
    Batch.objects.update(status=Batch.Status.RUNNING)

    assert list(check_draft(batch)) == []
    assert batches.fresh(batch).checked_at is None


def test_a_draft_without_rows_is_checked_at_once():
    batch = batches.batch(Batch.Status.DRAFT, body="Hello.", columns=["phone"], checked_at=None)

    assert list(check_draft(batch)) == []
    assert batches.fresh(batch).checked_at is not None


def test_errors_of_the_check_are_all_words():
    for pasted in ("phone;name\n601000117;Jano", "601000117"):
        made = Plan.make(None, "Hello.", {}, read_text(pasted).columns)
        with pytest.raises(SMSError):
            made.draft([])
