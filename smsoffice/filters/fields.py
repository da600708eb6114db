"""What can be typed into the log's filters, read and refused in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, NamedTuple

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult

from smsoffice import phone
from smsoffice.conf import conf
from smsoffice.exceptions import InvalidRecipient

_BETWEEN_DIGITS = re.compile(r"[\s()\[\]./-]")
_E164_DIGITS = 15


class Recipient(NamedTuple):
    """A number, or how it begins, in E.164."""

    number: str
    whole: bool


class RecipientField(forms.CharField):
    """A number in any spelling, or its beginning."""

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        return read_recipient(typed) if typed else None


class StatesField(forms.MultipleChoiceField):
    """States; one that was left empty is none."""

    def to_python(self, value: Any) -> list[str]:
        return [state for state in super().to_python(value) if state]


class MomentField(forms.DateTimeField):
    """A time of the site's clock; a day alone is its first moment.

    Args:
        is_end: whether it ends the time that one looks at, rather than begins it.
    """

    default_error_messages = {"invalid": _("This is not a date. Write it as 2026-11-19 or 2026-11-19 14:30.")}

    def __init__(self, *, is_end: bool = False, **given: Any) -> None:
        super().__init__(**given)
        self.is_end = is_end

    def to_python(self, value: Any) -> datetime | None:
        try:
            moment: datetime | None = super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone" or not error.params:
                raise
            moment = self._when_the_clock_is_set(error.params["datetime"])
        # Beyond these years some databases and clocks give up.
        if moment is not None and not 1970 <= moment.year < 9999:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return moment

    def _when_the_clock_is_set(self, typed: datetime) -> datetime:
        """The one of the two readings that leaves more: of an hour that comes twice all of it, both ways."""
        local = typed.replace(tzinfo=timezone.get_current_timezone())
        readings = [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        return max(readings) if self.is_end else min(readings)


def read_recipient(typed: str) -> Recipient:
    """A whole number where it can be one, else how it begins; with an asterisk behind it always a beginning.

    Raises:
        ValidationError: it is neither; the text says why.
    """
    asterisk = typed.rstrip().endswith("*")
    typed = typed.rstrip().removesuffix("*")
    try:
        return Recipient(phone.to_e164(typed), whole=not asterisk)
    except InvalidRecipient as error:
        beginning = _beginning(typed)
        if beginning is None:
            raise ValidationError(str(error)) from None
        return Recipient(beginning, whole=False)


def _beginning(typed: str) -> str | None:
    """How a number in E.164 begins that is typed so far; None where none can begin so."""
    digits = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", typed))
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return None
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif not digits.startswith("+"):
        digits = _at_home(digits)
    return digits if 1 < len(digits) <= 1 + _E164_DIGITS and not _is_too_long(digits) else None


def _at_home(digits: str) -> str:
    """The beginning of a number of the default country, or one of it that lost its plus; "" where there is none."""
    code = re.sub(r"[^0-9]", "", conf.SMS_DEFAULT_PHONE_CODE or "").lstrip("0")
    if not code or digits.startswith(code):
        return f"+{digits}" if code else ""
    region = phonenumbers.region_code_for_country_code(int(code))
    country = phonenumbers.PhoneMetadata.metadata_for_region(region)
    # As people in Britain write 07700 and mean +447700.
    trunk = country.national_prefix if country else None
    return f"+{code}{digits.removeprefix(trunk or '')}"


def _is_too_long(e164: str) -> bool:
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return False
    # Of some other types numbers are longer, but they are no phones.
    kind = PhoneNumberType.FIXED_LINE_OR_MOBILE
    return phonenumbers.is_possible_number_for_type_with_reason(number, kind) == ValidationResult.TOO_LONG
