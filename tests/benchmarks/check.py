"""The check of 100,000 pasted rows with 3 columns, as the pages do it, beside a bare loop of rendering and counting."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.test import override_settings

from smsoffice import rendering
from smsoffice.encoding import apply_accent_policy, measure
from smsoffice.models.batch_check import Plan, check_draft, check_rows
from smsoffice.models.batch_draft import store_draft
from smsoffice.models.sms import SMSTemplate
from smsoffice.sheets import read_text
from tests.benchmarks.harness import clocked, database, peak_memory, report

BODY = (
    "Dobrý den, {{ customer.name }}, objednávka č. {{ order }} je připravena na prodejně {{ shop }}. "
    "Vyzvedněte ji prosím do {{ until }}."
)
VALUES = {"shop": "Brno", "until": "23. 11."}
ROWS = 100_000


def pasted(rows: int) -> str:
    """A list with numbers as people write them, every hundredth of them too short."""
    lines = [
        f"601 {n // 1000:03} {n % 1000:03}\tPetře {n}\t{n}" if n % 100 else f"601 {n:05}\tPetře\t{n}"
        for n in range(rows)
    ]
    return "\n".join(["phone\tcustomer.name\torder", *lines])


def main() -> None:
    with database() as vendor, override_settings(DEBUG=False):
        template = SMSTemplate.objects.create(slug="order-ready", body=BODY)
        _live(template)
        _stored(template, vendor)


def _live(template: SMSTemplate) -> None:
    text, some = pasted(ROWS), read_text(pasted(1_000))
    check_rows(Plan.make(template, "", VALUES, some.columns), some.rows)
    before = peak_memory()
    with clocked() as took:
        sheet = read_text(text)
        found = check_rows(Plan.make(template, "", VALUES, sheet.columns), sheet.rows)
    assert (found.total, found.refused) == (ROWS, ROWS // 100), found
    grown = peak_memory() - before
    _tell("check 100,000 pasted rows", took[0], grown)


def _stored(template: SMSTemplate, vendor: str) -> None:
    text, user = pasted(ROWS), get_user_model().objects.create(username="jana")
    before = peak_memory()
    with clocked() as storing:
        draft = store_draft(
            user_id=user.pk, template=template, own_text="", values=VALUES, sheet=read_text(text), tag="check"
        )
    with clocked() as took:
        for _checked in check_draft(draft):
            pass
    assert (draft.total, draft.refused) == (ROWS, ROWS // 100)
    grown = peak_memory() - before
    print(f"{f'store them as a draft, {vendor}':<44} {ROWS / storing[0]:>8,.0f}/s")
    _tell(f"check that draft, {vendor}", took[0], grown)


def _tell(what: str, seconds: float, grown: float) -> None:
    report(what, ROWS / seconds, _bare_rate(), "render + measure", "4,000/s")
    print(f"{'':<44} {grown:>8.1f} MB more   promised under 200 MB")


def _bare_rate() -> float:
    rows = 20_000
    with clocked() as took:
        for n in range(rows):
            data = {"customer": {"name": f"Petře {n}"}, "order": str(n), **VALUES}
            measure(apply_accent_policy(rendering.render(BODY, data))[0])
    return rows / took[0]
