"""Building and reading XML, apart from any gateway."""

from __future__ import annotations

import pytest
from lxml import etree

from smsoffice.backend.sms.xml import child, read, write
from smsoffice.exceptions import OutcomeUnknown

HEAD = '<?xml version="1.0" encoding="{}"?>'


def text_of(document: bytes) -> str | None:
    return read(document).findtext("b")


@pytest.mark.parametrize(
    "text",
    [
        "<b>&amp;</b> ]]> <!-- \"quoted\" 'text' &#65; %s",
        "Příliš žluťoučký kůň 🐎 €",
        "line\nline\r\nline\r\ttab",
        "  spaces around  ",
        "",
    ],
    ids=["markup", "accents", "line ends", "spaces", "nothing"],
)
def test_a_text_comes_back_as_it_was_written(text: str) -> None:
    root = etree.Element("a")
    child(root, "b", text, note=text)
    document = write(root)
    document.decode("utf-8")
    assert text_of(document) == text
    assert read(document)[0].get("note") == text


@pytest.mark.parametrize("unfit", ["\x00", "\x07", "\x1b", "\ud800", "\ufffe", "\uffff"], ids=ascii)
def test_what_xml_cannot_carry_is_left_out(unfit: str) -> None:
    root = etree.Element("a")
    child(root, "b", f"before{unfit}after", note=f"{unfit}note")
    element = read(write(root))[0]
    assert (element.text, element.get("note")) == ("beforeafter", "note")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-2", "windows-1250", "utf-16"])
def test_an_answer_is_decoded_as_it_declares(charset: str) -> None:
    document = (HEAD.format(charset) + "<a><b>Doručeno</b></a>").encode(charset)
    assert text_of(document) == "Doručeno"


def test_an_answer_that_declares_nothing_is_utf_8() -> None:
    assert text_of("<a><b>Doručeno</b></a>".encode()) == "Doručeno"


@pytest.mark.parametrize(
    "code",
    ["1<!-- x -->1", "1<?x y?>1", "<![CDATA[11]]>", "1<![CDATA[1]]>", "&#49;1"],
    ids=["comment", "instruction", "section", "half a section", "reference"],
)
def test_a_code_is_read_whole_however_it_is_written(code: str) -> None:
    assert text_of(f"<a><b>{code}</b></a>".encode()) == "11"


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))

REFUSED = {
    "nothing": "",
    "words": "OK",
    "json": '{"status": 0}',
    "truncated": "<a><b>1</b>",
    "two roots": "<a/><a/>",
    "html": "<html><body><p>Error<br></body></html>",
    "an entity nobody declared": "<a><b>&nbsp;</b></a>",
    "a control character": "<a><b>\x01</b></a>",
    "a reference to a control character": "<a><b>&#1;</b></a>",
    "wrong bytes": b"<a><b>\xe8</b></a>",
    "an unknown charset": HEAD.format("x-nobody-knows") + "<a/>",
    "thousands of levels": "<a>" * 5000 + "</a>" * 5000,
    "a bare document type": "<!DOCTYPE a><a><b>1</b></a>",
    "an empty document type": "<!DOCTYPE a []><a><b>1</b></a>",
    "a document type elsewhere": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a><b>1</b></a>',
    "an entity": '<!DOCTYPE a [<!ENTITY e "1">]><a><b>&e;</b></a>',
    "a file": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a><b>&e;</b></a>',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % e SYSTEM "file:///etc/hostname">%e;]><a><b>1</b></a>',
    "a bomb": f'<!DOCTYPE a [<!ENTITY e0 "0">{BOMB}]><a><b>&e9;</b></a>',
    "a bomb in an attribute": f'<!DOCTYPE a [<!ENTITY e0 "0">{BOMB}]><a b="&e9;"/>',
    "a bomb in a default": f'<!DOCTYPE a [<!ENTITY e0 "0">{BOMB}<!ATTLIST a b CDATA "&e9;">]><a/>',
    "a default": '<!DOCTYPE a [<!ATTLIST b c CDATA "1">]><a><b/></a>',
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_xml_is_not_read(document: str | bytes) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        read(document.encode() if isinstance(document, str) else document)
    assert caught.value.__cause__ is None
