"""SMS Operator (sms-operator.cz): XML over POST, many messages a request, the client's own ids."""

from __future__ import annotations

from xml.sax.saxutils import escape  # Escapes only; nothing is parsed with it.

from lxml import etree

from smsoffice.simulator.dialect import Answer, Call, Item, Kind, Outcome, Request, Submission, Unreadable
from smsoffice.simulator.faults import Fault
from smsoffice.simulator.hostile_xml import hostile

CODES: dict[Outcome, str] = {
    Outcome.DELIVERED: "0",
    Outcome.NOT_DELIVERED: "1",
    Outcome.NO_SUCH_NUMBER: "2",
    Outcome.BAD_NUMBER: "4",
    Outcome.TOO_LONG: "7",
    Outcome.PARTLY_DELIVERED: "10",
    Outcome.PENDING: "11",
    Outcome.SENT: "11",
    Outcome.UNDETERMINED: "11",
    Outcome.NOT_FOUND: "15",
    Outcome.UNKNOWN_CODE: "999",
    Outcome.NOT_A_CODE: "delivered",
}
KINDS = {"SMS": Kind.SUBMIT, "SMS-Status": Kind.STATUS}
DATA_TYPES = {kind: name for name, kind in KINDS.items()}


class SMSOperator:
    """The dialect; see `dialect.Dialect`."""

    name = "SMS Operator"
    prefixes = ("/sms-operator",)

    def parse(self, request: Request) -> Call:
        if request.method != "POST":
            raise Unreadable("SMS Operator is called with POST.", 405)
        if request.headers.get_content_type() != "text/xml":
            raise Unreadable("The Content-Type must be text/xml.", 415)
        root = self._root(request.body)
        data_type = _text(root, "DataHeader/DataType")
        if data_type not in KINDS:
            raise Unreadable(f"DataType must be one of {', '.join(KINDS)}, not “{data_type}”.")
        kind = KINDS[data_type]
        login = (_text(root, "DataHeader/UserName"), _text(root, "DataHeader/Password"))
        if kind is Kind.SUBMIT:
            return Call(kind, login, submissions=tuple(self._submissions(root)))
        return Call(kind, login, ids=tuple(element.text or "" for element in root.iterfind("DataArray/SmsId")))

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        codes = CODES | {Outcome.TAKEN: str(submit_status)}
        doctype, code = hostile("SmsServices", fault) or ("", "")
        listed = "".join(
            f"<DataItem><SmsId>{escape(item.id)}</SmsId><Status>{code or codes[item.outcome]}</Status></DataItem>"
            for item in items
        )
        array = listed if fault is Fault.NO_DATA_ARRAY else f"<DataArray>{listed}</DataArray>"
        note = "<!-- příliš žluťoučký kůň -->" if fault is Fault.WRONG_CHARSET else ""
        document = (
            f'<?xml version="1.0" encoding="utf-8"?>{doctype}<SmsServices>{note}<DataHeader>'
            f"<DataType>{DATA_TYPES[call.kind]}</DataType></DataHeader>{array}</SmsServices>"
        )
        if fault is Fault.WRONG_CHARSET:
            return Answer(document.encode("iso-8859-2", "replace"), "text/xml; charset=utf-16")
        return Answer(document.encode(), "text/xml; charset=utf-8")

    def refuse_login(self) -> Answer:
        return Answer(b"", "text/xml; charset=utf-8")

    def _root(self, body: bytes) -> etree._Element:
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise Unreadable(f"The body is not well-formed XML: {error}.") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise Unreadable("The body has a DOCTYPE; SMS Operator's documents have none.")
        if root.tag != "SmsServices":
            raise Unreadable(f"The root element must be SmsServices, not {root.tag}.")
        return root

    def _submissions(self, root: etree._Element) -> list[Submission]:
        return [
            Submission(
                id=_needed(item, "SmsId"),
                number=_needed(item, "MobileTerminate"),
                # A Text directly under DataTemplate is shared by its items.
                text=_needed(item, "Text") if shared is None else item.findtext("Text", shared),
                sender=_text(item, "PhoneNumberMo"),
            )
            for template in root.iterfind("DataArray/DataTemplate")
            for shared in [template.findtext("Text")]
            for item in template.iterfind("DataItem")
        ]


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path) or ""


def _needed(item: etree._Element, name: str) -> str:
    text = _text(item, name)
    if not text:
        raise Unreadable(f"A DataItem lacks {name}.")
    return text
