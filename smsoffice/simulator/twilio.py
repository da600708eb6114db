"""Twilio's Messages (API 2010-04-01): a form a message, JSON in answer, signed status callbacks."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import threading
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import urlencode

from smsoffice.simulator.dialect import Answer, Call, Item, Kind, Outcome, Receipt, Request, Submission
from smsoffice.simulator.faults import Fault
from smsoffice.simulator.twilio_form import CREATE, LIST, check, error, read_form, refuse

PATH = re.compile(r"/twilio/2010-04-01/Accounts/(?P<account>[^/]+)/Messages(/(?P<sid>[^/]+))?\.json")
STATUSES: dict[Outcome, object] = {
    Outcome.TAKEN: "queued",
    Outcome.PENDING: "sending",
    Outcome.SENT: "sent",
    Outcome.UNDETERMINED: "sent",
    Outcome.DELIVERED: "delivered",
    Outcome.PARTLY_DELIVERED: "partially_delivered",
    Outcome.NOT_DELIVERED: "undelivered",
    Outcome.UNKNOWN_CODE: "teleported",
    Outcome.NOT_A_CODE: 999,
}
REFUSALS = {Outcome.NO_SUCH_NUMBER: 21614, Outcome.BAD_NUMBER: 21211, Outcome.TOO_LONG: 21617}
UNREACHABLE = 30003


class Sent(NamedTuple):
    """A message as its sender wrote it."""

    sid: str
    account: str
    said: dict[str, str]
    at: float


@dataclass(frozen=True)
class Listing(Call):
    """The question after the messages to a number."""

    said: tuple[tuple[str, str], ...] = ()
    next_page: str | None = None


class Twilio:
    """The dialect; see `dialect.Dialect`."""

    name = "Twilio"
    prefixes = ("/twilio",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, Sent] = {}
        self._to: dict[str, list[str]] = {}

    def parse(self, request: Request) -> Call:
        match = PATH.fullmatch(request.path)
        login = _login(request.headers.get("Authorization", ""))
        if match is None or (login[0] and match["account"] != login[0]):
            refuse(20404, f"The requested resource {request.path} was not found", 404)
        if request.method == "POST" and match["sid"] is None:
            return self._create(request, login)
        if request.method == "GET" and match["sid"]:
            return Call(Kind.STATUS, login, ids=(match["sid"],))
        if request.method == "GET":
            return self._list(request, login)
        return refuse(20004, "Method not allowed", 405)

    def render(self, call: Call, items: list[Item], fault: Fault, submit_status: int) -> Answer:
        if isinstance(call, Listing):
            return _json(self._page(call, items), fault)
        if not items:
            return _json({}, fault, 201 if call.kind is Kind.SUBMIT else 200)
        asked = call.submissions[0].id if call.submissions else call.ids[0]
        item = items[0]
        if call.kind is Kind.SUBMIT and item.outcome in REFUSALS:
            return error(REFUSALS[item.outcome], f"Refused: {item.outcome.value}")
        if item.outcome is Outcome.NOT_FOUND or item.outcome in REFUSALS or asked not in self._sent:
            return error(20404, "The requested resource was not found", 404)
        return _json(self._record(self._sent[asked], item), fault, 201 if call.kind is Kind.SUBMIT else 200)

    def refuse_login(self) -> Answer:
        return error(20003, "Authenticate", 401)

    def _create(self, request: Request, login: tuple[str, str]) -> Call:
        if request.headers.get_content_type() != "application/x-www-form-urlencoded":
            refuse(20001, "The body must be a form.", 415)
        said = read_form(request.body.decode("utf-8", "surrogateescape"), CREATE)
        check(said)
        sent = Sent(f"SM{uuid.uuid4().hex}", login[0], said, time.time())
        with self._lock:
            self._sent[sent.sid] = sent
            self._to.setdefault(said["To"], []).append(sent.sid)
        sender = said.get("From") or said.get("MessagingServiceSid", "")
        submission = Submission(sent.sid, said["To"], said.get("Body", ""), sender)
        return Call(
            Kind.SUBMIT,
            login,
            submissions=(submission,),
            receipt=(lambda item: self._receipt(sent, item, login[1])) if said.get("StatusCallback") else None,
        )

    def _list(self, request: Request, login: tuple[str, str]) -> Listing:
        said = read_form(request.query, LIST)
        with self._lock:
            sids = list(self._to.get(said["To"], ())) if "To" in said else list(self._sent)
        if "From" in said:
            sids = [sid for sid in sids if self._sent[sid].said.get("From") == said["From"]]
        size, page = min(int(said.get("PageSize", 50)), 1000), int(said.get("Page", 0))
        ids = tuple(reversed(sids))[page * size :]
        more = urlencode(said | {"Page": str(page + 1), "PageToken": f"PA{ids[size]}"}) if len(ids) > size else None
        return Listing(
            Kind.STATUS,
            login,
            ids=ids[:size],
            said=tuple(said.items()),
            next_page=f"{request.path.removeprefix('/twilio')}?{more}" if more else None,
        )

    def _page(self, call: Listing, items: list[Item]) -> dict[str, Any]:
        # A record whose item is missing is there, but says nothing.
        said_of = {item.id[:34] for item in items}
        records: list[dict[str, Any]] = [{} for id_ in call.ids if id_ not in said_of]
        for item in items:
            if item.outcome is not Outcome.NOT_FOUND and item.outcome not in REFUSALS:
                records.append(self._record(self._sent[item.id[:34]], item))
        records = [record for record in records if all(_is_sent_at(record, *one) for one in call.said)]
        return {"messages": records, "next_page_uri": call.next_page, "page_size": len(call.ids)}

    def _record(self, sent: Sent, item: Item) -> dict[str, Any]:
        """A Message as the API shows it."""
        service, sender = sent.said.get("MessagingServiceSid"), sent.said.get("From")
        status = STATUSES[item.outcome]
        is_new = item.outcome in (Outcome.TAKEN, Outcome.PENDING)
        failed = item.outcome is Outcome.NOT_DELIVERED
        return {
            "account_sid": sent.account,
            "api_version": "2010-04-01",
            "body": sent.said.get("Body", ""),
            "date_created": formatdate(sent.at),
            "date_sent": None if is_new else formatdate(sent.at),
            "date_updated": formatdate(),
            "direction": "outbound-api",
            "error_code": UNREACHABLE if failed else None,
            "error_message": "Unreachable destination handset" if failed else None,
            "from": sender,
            "messaging_service_sid": service,
            "num_media": "0",
            "num_segments": "0" if service and is_new else "1",
            "price": None if is_new else "-0.05000",
            "price_unit": "USD",
            "sid": item.id,
            "status": "accepted" if item.outcome is Outcome.TAKEN and not sender else status,
            "subresource_uris": {},
            "to": sent.said["To"],
            "uri": f"/2010-04-01/Accounts/{sent.account}/Messages/{item.id}.json",
        }

    def _receipt(self, sent: Sent, item: Item, token: str) -> Receipt | None:
        """The status callback, which tells of changes only."""
        record = self._record(sent, item) if item.outcome in STATUSES else {"status": "sending"}
        if record["status"] in ("queued", "accepted", "sending"):
            return None
        said = {
            "MessageSid": record["sid"],
            "SmsSid": record["sid"],
            "MessageStatus": str(record["status"]),
            "SmsStatus": str(record["status"]),
            "To": record["to"],
            "From": record["from"] or "+15005550006",
            "AccountSid": sent.account,
            "ApiVersion": "2010-04-01",
        }
        if record["messaging_service_sid"]:
            said["MessagingServiceSid"] = record["messaging_service_sid"]
        if record["error_code"]:
            said["ErrorCode"] = str(record["error_code"])
        url = sent.said["StatusCallback"]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signature(token, url, said),
        }
        return Receipt(url, urlencode(said).encode(), headers)


def signature(token: str, url: str, said: dict[str, str]) -> str:
    """X-Twilio-Signature of a form that is posted to a URL."""
    text = url + "".join(f"{name}{said[name]}" for name in sorted(said))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def _is_sent_at(record: dict[str, Any], name: str, value: str) -> bool:
    """Whether a record passes a filter by the day on which it was sent; what is not sent yet passes none."""
    if not name.startswith("DateSent"):
        return True
    if not record.get("date_sent"):
        return False
    day = time.strftime("%Y-%m-%d", time.strptime(record["date_sent"][:25].strip(), "%a, %d %b %Y %H:%M:%S"))
    return {"DateSent": day == value[:10], "DateSent<": day <= value[:10], "DateSent>": day >= value[:10]}[name]


def _login(header: str) -> tuple[str, str]:
    scheme, _, credentials = header.partition(" ")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


def _json(said: dict[str, Any], fault: Fault, status: int = 200) -> Answer:
    if fault is Fault.WRONG_CHARSET:
        document = json.dumps(said | {"note": "příliš žluťoučký kůň"}, ensure_ascii=False)
        return Answer(document.encode("iso-8859-2", "replace"), "application/json; charset=utf-16", status)
    return Answer(json.dumps(said).encode(), "application/json; charset=utf-8", status)
