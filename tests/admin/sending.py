"""An operator at the send page: what is typed, the summary that comes of it, and the button that sends."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from smsoffice.models.batch import Batch

ADD = reverse("admin:smsoffice_outputsmsmessage_add")


def typed(**fields: Any) -> dict[str, Any]:
    """The form as a browser posts it: own text to a Czech number, now, unless said otherwise."""
    own = {"kind": "template"} if "template" in fields else {"kind": "text", "own_text": "Hello."}
    rest = {"recipients": "777 123 456", "when": "now", "tag": "", "first": "10", "failure_limit": "20"}
    return {**own, **rest, **fields}


def look(browser: Client, **fields: Any) -> Any:
    """The page after its Check button."""
    return browser.post(ADD, {**typed(**fields), "_check": ""})


def panel(browser: Client, **fields: Any) -> Any:
    """What the script asks for while somebody types."""
    return browser.post(f"{ADD}?panel=1", typed(**fields))


def go_on(browser: Client, **fields: Any) -> Any:
    """The answer to “Continue to the summary…”."""
    return browser.post(ADD, {**typed(**fields), "_continue": ""})


def a_draft(browser: Client, **fields: Any) -> Batch:
    """The draft that “Continue” stores; its summary is where it leads."""
    answer = go_on(browser, **fields)
    assert answer.status_code == 302, dict(answer.context["form"].errors)
    batch = Batch.objects.latest("created_at")
    assert answer.headers["Location"] == summary(batch)
    return batch


def summary(batch: Batch) -> str:
    """The address of a draft's summary."""
    return reverse("admin:smsoffice_outputsmsmessage_summary", args=[batch.pk])


def confirm(browser: Client, batch: Batch, **fields: Any) -> Any:
    """The answer to the button that sends."""
    return browser.post(summary(batch), {**fields, "_confirm": ""}, follow=True)


def errors(answer: Any) -> dict[str, list[str]]:
    """What is said at which field."""
    return {name: list(said) for name, said in answer.context["form"].errors.items()}


def words_of(answer: Any) -> list[str]:
    """The stock messages of a page."""
    return [str(message) for message in answer.context["messages"]]


def an_xlsx(rows: Sequence[Sequence[Any]], name: str = "people.xlsx") -> SimpleUploadedFile:
    """A spreadsheet with these rows."""
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.save(file)
    return SimpleUploadedFile(name, file.getvalue())


def a_csv(text: str, name: str = "people.csv") -> SimpleUploadedFile:
    """A file with this text."""
    return SimpleUploadedFile(name, text.encode())
