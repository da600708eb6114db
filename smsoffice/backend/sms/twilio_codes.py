"""The statuses and error codes of Twilio's Messages, with what they mean for us.

Source: Twilio's Message resource (API 2010-04-01) and its error and warning dictionary.
"""

from __future__ import annotations

from enum import Enum, auto

from django.utils.translation import gettext_lazy as _

from smsoffice.states import State

STATUSES = {
    "accepted": (State.SENDING, _("Taken by Twilio, which chooses the sender.")),
    "scheduled": (State.SENDING, _("Taken by Twilio, to be sent later.")),
    "queued": (State.SENDING, _("Taken by Twilio.")),
    "sending": (State.SENDING, _("Being handed to the network operator.")),
    "sent": (State.SENT, _("The network operator took it.")),
    "delivered": (State.DELIVERED, _("Delivered.")),
    "read": (State.DELIVERED, _("Delivered and read.")),
    "undelivered": (State.ERROR, _("Not delivered.")),
    "failed": (State.ERROR, _("Twilio could not send it.")),
    "canceled": (State.ERROR, _("Canceled at Twilio before it was sent.")),
    # These prove nothing of an outgoing SMS: kept as evidence, without harm.
    "receiving": (State.UNKNOWN, _("Twilio speaks of it as of an incoming message.")),
    "received": (State.UNKNOWN, _("Twilio speaks of it as of an incoming message.")),
    "partially_delivered": (State.UNKNOWN, _("Twilio says that a part of it was delivered.")),
}
"""A message's `status`, and `MessageStatus` in a status callback."""


class Scope(Enum):
    """What a refused call says of the next one."""

    MESSAGE = auto()
    """Refused for this message alone."""
    US = auto()
    """Refused whatever we send, until our account or settings are mended."""
    SENDER = auto()
    """As US while the sender is one number of ours; a short code or a name may be right for other countries."""
    LATER = auto()
    """Not now: Twilio took nothing."""


REFUSALS = {
    "10001": (Scope.US, _("Our account at Twilio is not active.")),
    "10002": (Scope.US, _("A trial account at Twilio cannot do this.")),
    "20003": (Scope.US, _("Twilio refuses our login. Check ACCOUNT_SID and AUTH_TOKEN in PYMESS_TWILIO_CONFIG.")),
    "20005": (Scope.US, _("Our account at Twilio is not active.")),
    "20006": (Scope.US, _("Our account at Twilio may not do this.")),
    "20008": (Scope.US, _("These are test credentials of Twilio, with which nothing is sent.")),
    "20403": (Scope.US, _("Our account at Twilio may not do this.")),
    "20404": (Scope.US, _("Twilio does not know our account. Check ACCOUNT_SID in PYMESS_TWILIO_CONFIG.")),
    "20429": (Scope.LATER, _("Twilio asks us to slow down.")),
    "21211": (Scope.MESSAGE, _("The number is not a valid phone number.")),
    "21212": (Scope.SENDER, _("Twilio does not accept our sender. Check SENDER in PYMESS_TWILIO_CONFIG.")),
    "21265": (Scope.MESSAGE, _("The recipient is a short code, which cannot receive messages.")),
    "21266": (Scope.MESSAGE, _("The recipient is the sender's own number.")),
    "21267": (Scope.US, _("A trial account at Twilio cannot send under a name.")),
    "21268": (Scope.MESSAGE, _("The number is a premium or information service, to which Twilio does not send.")),
    "21408": (Scope.MESSAGE, _("Sending to the recipient's country is not allowed in our account at Twilio.")),
    "21601": (Scope.SENDER, _("Our sender is not a number that can send messages.")),
    "21602": (Scope.MESSAGE, _("The message has no text.")),
    "21603": (Scope.US, _("No sender is set. Give SENDER or MESSAGING_SERVICE_SID in PYMESS_TWILIO_CONFIG.")),
    "21604": (Scope.MESSAGE, _("The message has no recipient.")),
    "21606": (Scope.SENDER, _("Our sender cannot send to this recipient.")),
    "21608": (Scope.MESSAGE, _("A trial account at Twilio sends only to numbers that were verified there.")),
    "21609": (Scope.US, _("Twilio does not accept STATUS_CALLBACK_URL in PYMESS_TWILIO_CONFIG.")),
    "21610": (Scope.MESSAGE, _("The recipient has unsubscribed (STOP) and gets nothing more from our sender.")),
    "21611": (Scope.LATER, _("Too many messages wait at Twilio for our sender.")),
    "21612": (Scope.MESSAGE, _("Twilio has no route from our sender to this recipient.")),
    "21614": (Scope.MESSAGE, _("The number is not a mobile number.")),
    "21617": (Scope.MESSAGE, _("The text is longer than the 1600 characters that Twilio takes.")),
    "21635": (Scope.MESSAGE, _("The number is a landline, which cannot receive messages.")),
    "21658": (Scope.MESSAGE, _("A part of the message is longer than Twilio takes.")),
    "21659": (Scope.SENDER, _("Our sender is not a number at Twilio, or not one for the recipient's country.")),
    "21660": (Scope.SENDER, _("Our sender belongs to another account at Twilio.")),
    "21661": (Scope.SENDER, _("Our sender cannot send messages.")),
    "21701": (Scope.US, _("Twilio does not know our MESSAGING_SERVICE_SID in PYMESS_TWILIO_CONFIG.")),
    "21703": (Scope.MESSAGE, _("Our messaging service at Twilio has no sender for this recipient.")),
    "21704": (Scope.US, _("Our messaging service at Twilio has no sender.")),
    "21705": (Scope.US, _("MESSAGING_SERVICE_SID in PYMESS_TWILIO_CONFIG is not a messaging service.")),
    "63038": (Scope.US, _("Our account at Twilio has sent as much as it may in a day.")),
}
"""`code` of a refused call. An unknown one is about the message: another may be taken."""

FAILURES = {
    "30001": _("Too many messages waited at Twilio."),
    "30002": _("Twilio suspended our account before it was sent."),
    "30003": _("The phone is off, out of reach or cannot receive messages."),
    "30004": _("The recipient or the network operator blocks our messages."),
    "30005": _("The number is not in use."),
    "30006": _("The number is a landline, or its network cannot be reached."),
    "30007": _("It was held to be spam, by Twilio or by the network operator."),
    "30008": _("Not delivered; the network operator does not say why."),
    "30010": _("It costs more than the highest price that was allowed for it."),
    "30017": _("The network was overloaded."),
    "30018": _("The recipient's country asks for a registered sender."),
    "30019": _("It is too long for the network operator."),
    "30022": _("Our sender sends faster than the network operators of the USA allow."),
    "30023": _("Our sender has sent as much in a day as the network operators of the USA allow."),
    "30024": _("Our sender is not set up with the recipient's network operator."),
    "30032": _("Our toll-free number has not been verified."),
    "30034": _("Our number is not registered with the network operators of the USA."),
    "30036": _("It waited longer than it was allowed to, so it was not sent."),
    "30410": _("The network operator did not answer in time."),
    "30450": _("It was blocked as a suspected fraud."),
    "30453": _("It could not be delivered."),
    "30500": _("Twilio failed in the midst of it."),
    **{code: words for code, (_scope, words) in REFUSALS.items()},
}
"""`error_code` of a message that was taken and failed later, and `ErrorCode` in a status callback."""
