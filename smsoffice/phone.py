"""Any spelling of a phone number -> E.164, or the true reason why it cannot be one."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from smsoffice.conf import conf
from smsoffice.exceptions import InvalidRecipient
from smsoffice.phone_spelling import E164_DIGITS, Refused, as_typed, undressed

_E164 = re.compile(r"\+([1-9][0-9]{6,14})")


def to_e164(raw: object, default_phone_code: str | None = None) -> str:
    """A phone number, as people, forms and spreadsheets write it, in E.164 ("+420777123456").

    00 is an international prefix everywhere. What has no country code is a number of the default country if it can be
    one; else it may have lost its plus ("420777123456"). Possible is a number with a length that land lines or mobiles
    of its country have, or a valid number of any other kind (toll-free, satellite).

    Args:
        raw: the number as typed; numbers out of a spreadsheet may be ints and floats.
        default_phone_code: country code of numbers written without one, e.g. "+420"; "" for none;
            None for PYMESS_SMS_DEFAULT_PHONE_CODE.

    Raises:
        InvalidRecipient: names the number as typed, and why it is not a possible one.
    """
    text = raw if isinstance(raw, str) else "" if raw is None else str(raw)
    if _is_plain_e164(text):
        return text
    default = (conf.SMS_DEFAULT_PHONE_CODE or "") if default_phone_code is None else default_phone_code
    try:
        return _read(text if text.isascii() and text.isdigit() else undressed(text), default)
    except Refused as reason:
        if not (typed := as_typed(text)):
            raise InvalidRecipient(_("The recipient is empty. Give a phone number.")) from None
        words = _("“%(typed)s” is not a possible phone number: %(reason)s.")
        raise InvalidRecipient(words % {"typed": typed, "reason": reason}) from None


def group_international(e164: str) -> str:
    """The number in groups, for people: "+420 601 000 117"; what is not E.164 comes back as it is."""
    if not _E164.fullmatch(e164):
        return e164
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


# --- Countries -------------------------------------------------------------------------------------------------------


class _Country(NamedTuple):
    """What the library knows of a country code, kept at hand for the fast path.

    Args:
        lengths: digits that national numbers have, without a trunk prefix.
        trunk_prefix: what the library strips from the start of a national number, if anything.
    """

    lengths: frozenset[int]
    trunk_prefix: re.Pattern[str] | None


_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))


@cache
def _country(code: str) -> _Country:
    """What the library knows of a code out of _CODES."""
    region = phonenumbers.region_code_for_country_code(int(code))
    # Some countries have longer numbers that are no phones (Czech voicemail has 12 digits): by the length alone each
    # mistyped number would pass for one of them.
    lengths = _lengths(code, PhoneNumberType.FIXED_LINE_OR_MOBILE) or _lengths(code, PhoneNumberType.UNKNOWN)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    prefix = metadata.national_prefix_for_parsing if metadata else None
    return _Country(lengths, re.compile(prefix) if prefix else None)


def _lengths(code: str, kind: int) -> frozenset[int]:
    def is_possible(length: int) -> bool:
        number = PhoneNumber(country_code=int(code), national_number=int("1" * length))
        result = phonenumbers.is_possible_number_for_type_with_reason(number, kind)
        return bool(result == ValidationResult.IS_POSSIBLE)

    return frozenset(filter(is_possible, range(1, E164_DIGITS - len(code) + 1)))


def _is_plain_e164(text: str) -> bool:
    """Whether the text is a possible number in E.164 already; the common case of bulk, without parsing.

    Country codes are prefix-free. Numbers with a trunk prefix after it ("+44 0...") are left to the library.
    """
    if not _E164.fullmatch(text):
        return False
    for end in (2, 3, 4):
        if text[1:end] in _CODES:
            country = _country(text[1:end])
            if len(text) - end not in country.lengths:
                return False
            trunk = country.trunk_prefix and country.trunk_prefix.match(text[end:])
            return not trunk or trunk.end() == 0
    return False


@cache
def _home_region(default_phone_code: str) -> str | None:
    """The library's region of a default code such as "+420", "420" or "00420"; None if it is no country's."""
    digits = re.sub(r"[^0-9]", "", default_phone_code).lstrip("0")
    region = phonenumbers.region_code_for_country_code(int(digits[:4] or 0))
    return None if region in (phonenumbers.UNKNOWN_REGION, phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY) else region


# --- Digits -> E.164 -------------------------------------------------------------------------------------------------


def _read(digits: str, default_phone_code: str) -> str:
    """The number that the digits, with or without a "+" before them, spell for somebody in the default country."""
    abroad = "+" + digits[2:] if digits.startswith("00") else digits
    if _is_plain_e164(abroad):
        return abroad
    if digits.startswith("+"):
        return _checked(_parsed(digits))
    region = _home_region(default_phone_code)
    number = _parsed(digits, region) if region else None
    if number and number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_IDD:
        return _checked(number)
    if digits.startswith("00"):
        return _checked(_parsed(abroad))
    if not number:
        raise Refused(_no_country_code(default_phone_code))
    return _as_e164(number) if _has_usual_length(number) else _with_its_plus(digits, number)


def _with_its_plus(digits: str, at_home: PhoneNumber) -> str:
    """The number whose plus got lost, where the digits make no ordinary number at home.

    A guess that leads abroad wants more than a possible length: a slip of the finger must not reach a stranger.
    """
    # What has a right reading at home is read so; but who would write to a voicemail?
    if phonenumbers.number_type(at_home) not in (PhoneNumberType.UNKNOWN, PhoneNumberType.VOICEMAIL):
        return _checked(at_home)
    try:
        number = _parsed("+" + digits)
    except Refused:
        return _checked(at_home)
    if (
        number.country_code == at_home.country_code
    ):  # the second half is for the truer reason: "420" + 8 digits is short
        is_better = _has_usual_length(number) or len(digits) > max(_lengths_of(at_home))
    else:
        is_better = phonenumbers.is_valid_number(number)
    return _checked(number if is_better else at_home)


def _parsed(digits: str, region: str | None = None) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits, region, keep_raw_input=region is not None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            code = re.sub(r"^(\+|00)", "+", digits)[:4]
            raise Refused(_("no country has the code that it begins with (%(code)s)") % {"code": code}) from None
        if error.error_type == NumberParseException.TOO_LONG:
            words = _("it is too long: a number with its country code has %(most)d digits at most")
            raise Refused(words % {"most": E164_DIGITS}) from None
        raise Refused(_("it is too short")) from None


def _checked(number: PhoneNumber) -> str:
    e164 = _as_e164(number)
    is_e164 = len(e164) <= 1 + E164_DIGITS
    if _has_usual_length(number) or (is_e164 and phonenumbers.is_valid_number(number)):
        return e164
    raise Refused(_wrong_length(number))


def _has_usual_length(number: PhoneNumber) -> bool:
    return len(phonenumbers.national_significant_number(number)) in _lengths_of(number)


def _lengths_of(number: PhoneNumber) -> frozenset[int]:
    return _country(str(number.country_code)).lengths


def _as_e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _wrong_length(number: PhoneNumber) -> str:
    size, lengths = len(phonenumbers.national_significant_number(number)), _lengths_of(number)
    if size < min(lengths):
        fault = _("it is too short")
    else:
        fault = _("it is too long") if size > max(lengths) else _("it is of an impossible length")
    words = ngettext(
        "%(fault)s: it has %(size)d digit after +%(code)d, where numbers have %(expected)s",
        "%(fault)s: it has %(size)d digits after +%(code)d, where numbers have %(expected)s",
        size,
    )
    return words % {"fault": fault, "size": size, "code": number.country_code, "expected": _in_words(lengths)}


def _in_words(lengths: frozenset[int]) -> str:
    *others, last = map(str, sorted(lengths))
    if len(others) > 1 and len(lengths) == max(lengths) - min(lengths) + 1:
        return _("%(first)s to %(last)s") % {"first": others[0], "last": last}
    return _("%(others)s or %(last)s") % {"others": ", ".join(others), "last": last} if others else last


def _no_country_code(default_phone_code: str) -> str:
    if not default_phone_code.strip():
        return _("it has no country code. Write it with one, or set PYMESS_SMS_DEFAULT_PHONE_CODE")
    words = _(
        "it has no country code, and the default “%(default)s” is no country's. "
        "Write it with one, or correct PYMESS_SMS_DEFAULT_PHONE_CODE"
    )
    return words % {"default": default_phone_code}
