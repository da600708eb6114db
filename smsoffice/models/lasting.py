"""Reasons that last: what a second attempt with the same number and text would meet again."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

LASTING = frozenset(
    {
        # The number
        _("The number does not exist."),
        _("The gateway does not accept the form of the number."),
        _("The number is missing, or the gateway does not accept its form."),
        _("The number is not a valid phone number."),
        _("The recipient is a short code, which cannot receive messages."),
        _("The recipient is the sender's own number."),
        _("The number is a premium or information service, to which Twilio does not send."),
        _("The number is not a mobile number."),
        _("The number is a landline, which cannot receive messages."),
        _("The number is not in use."),
        _("The number is not valid."),
        _("The number is on a list of blocked numbers."),
        _("The phone accepts no SMS."),
        # The recipient's will
        _("The recipient has unsubscribed (STOP) and gets nothing more from our sender."),
        _("The receiver has opted out of messages from our account at AWS."),
        # The text
        _("The text is too long for the gateway."),
        _("The text has more parts than the gateway allows, which is ten."),
        _("The message has no text."),
        _("The text is longer than the 1600 characters that Twilio takes."),
        _("A part of the message is longer than Twilio takes."),
        _("It is too long for the network operator."),
        _("The text is not valid."),
    }
)


def is_lasting(error: str) -> bool:
    """Whether a message's stored error, in the site's language, would only come again."""
    with translation.override(settings.LANGUAGE_CODE):
        return error in LASTING or error in {gettext(words) for words in LASTING}
