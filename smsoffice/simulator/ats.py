"""ATS (atspraha.cz): XML over POST, many messages a request, the client's own ids, each of which is taken once."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr  # Escape only; nothing is parsed with them.

from lxml import etree

from smsoffice.simulator.dialect import Answer, Call, Item, Kind, Outcome, Request, Submission, Unreadable
from smsoffice.simulator.faults import Fault
from smsoffice.simulator.hostile_xml import hostile

NO_LOGIN, ID_TWICE = "100", "300"
NO_XML, UNREADABLE, NOT_POST, INVALID_XML = "701", "702", "703", "705"

SAID_EVER = {Outcome.UNKNOWN_CODE: "999", Outcome.NOT_A_CODE: "delivered"}
SAID_ON_SUBMIT: dict[Outcome, str] = {
    Outcome.TAKEN: "0",
    Outcome.REPEATED: "310",
    Outcome.TOO_LONG: "341",
    Outcome.NO_SUCH_NUMBER: "350",
    Outcome.BAD_NUMBER: "350",
    # Only in an answer that contradicts itself, or speaks of foreign messages.
    Outcome.NOT_DELIVERED: "350",
    Outcome.DELIVERED: "0",
    **SAID_EVER,
}
SAID_OF_STATUS: dict[Outcome, str] = {
    # What was refused was never taken.
    **dict.fromkeys((Outcome.NOT_FOUND, Outcome.TOO_LONG, Outcome.NO_SUCH_NUMBER, Outcome.BAD_NUMBER), "20"),
    Outcome.PENDING: "21",
    Outcome.SENT: "22",
    Outcome.DELIVERED: "23",
    Outcome.NOT_DELIVERED: "24",
    Outcome.PARTLY_DELIVERED: "24",
    Outcome.UNDETERMINED: "25",
    **SAID_EVER,
}


class ATS:
    """The dialect; see `dialect.Dialect`."""

    name = "ATS"
    prefixes = ("/ats",)

    def parse(self, request: Request) -> Call:
        if request.method != "POST":
            raise _refusal(NOT_POST, "ATS is called with POST.")
        if request.headers.get_content_type() != "text/xml":
            raise _refusal(NO_XML, "The Content-Type must be text/xml.")
        root = self._root(request.body)
        login = (root.findtext("auth/name") or "", root.findtext("auth/password") or "")
        submissions = tuple(_submission(sms) for sms in root.iterfind("sms"))
        ids = tuple(_needed(dlr, "uniq") for dlr in root.iterfind("dlr"))
        if bool(submissions) == bool(ids):
            raise _refusal(INVALID_XML, "The document must hold either sms elements or dlr elements.")
        if len({submission.id for submission in submissions}) < len(submissions):
            raise _refusal(ID_TWICE, "An id stands twice in the document.")
        return Call(Kind.SUBMIT if submissions else Kind.STATUS, login, submissions, ids, once=True)

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        codes = SAID_ON_SUBMIT if call.kind is Kind.SUBMIT else SAID_OF_STATUS
        doctype, code = hostile("status", fault) or ("", "")
        note = "<!-- příliš žluťoučký kůň -->" if fault is Fault.WRONG_CHARSET else ""
        listed = "".join(f"<code uniq={quoteattr(item.id)}>{code or codes[item.outcome]}</code>" for item in items)
        document = f'<?xml version="1.0" encoding="UTF-8" ?>{doctype}<status>{note}{listed}<d></d></status>'
        if fault is Fault.WRONG_CHARSET:
            return Answer(document.encode("iso-8859-2", "replace"), "text/xml; charset=utf-16")
        return Answer(document.encode(), "text/xml")

    def refuse_login(self) -> Answer:
        return _whole(NO_LOGIN)

    def _root(self, body: bytes) -> etree._Element:
        if not body.strip():
            raise _refusal(NO_XML, "The body is empty.")
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise _refusal(UNREADABLE, f"The body is not well-formed XML: {error}.") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise _refusal(INVALID_XML, "The body has a DOCTYPE; ATS's documents have none.")
        if root.tag != "messages":
            raise _refusal(INVALID_XML, f"The root element must be messages, not {root.tag}.")
        return root


def _submission(sms: etree._Element) -> Submission:
    for name in ("sender", "kw", "opmid"):
        if sms.get(name) is None:
            raise _refusal(INVALID_XML, f"An sms lacks the attribute {name}, which may be empty.")
    if _needed(sms, "type") != "text" or _needed(sms, "dlr") not in ("0", "1"):
        raise _refusal(INVALID_XML, "An sms has the type text, and dlr is 0 or 1.")
    if _number(sms, "validity") < 1:
        raise _refusal(INVALID_XML, "The validity of an sms is one minute at least.")
    parts = sorted(sms.iterfind("body"), key=lambda body: _number(body, "order"))
    text = "".join(body.text or "" for body in parts)
    if not text:
        raise _refusal(INVALID_XML, "An sms lacks its body.")
    # A recipient that is missing is refused with its message, like a malformed one.
    return Submission(_needed(sms, "uniq"), sms.get("recipient", ""), text, sms.get("sender", ""))


def _needed(element: etree._Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise _refusal(INVALID_XML, f"An element {element.tag} lacks the attribute {name}.")
    return value


def _number(element: etree._Element, name: str) -> int:
    value = _needed(element, name)
    if not (value.isascii() and value.isdigit()):
        raise _refusal(INVALID_XML, f"The attribute {name} of {element.tag} is a whole number.")
    return int(value)


def _whole(code: str, words: str = "") -> Answer:
    """What says a code of the whole call: it names no message. The words are for the one who wrote the client."""
    return Answer(
        f'<?xml version="1.0" encoding="UTF-8" ?><status><code>{code}</code><d>{escape(words)}</d></status>'.encode(),
        "text/xml",
    )


def _refusal(code: str, words: str) -> Unreadable:
    return Unreadable(words, 200, _whole(code, words))
