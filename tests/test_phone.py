"""Any spelling of a number becomes E.164, or is refused with the true reason."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import ValidationResult

from smsoffice.exceptions import InvalidRecipient
from smsoffice.phone import group_international, to_e164

NUMBER = "+420777123456"

SPELLINGS = {
    "plain": "+420777123456",
    "in groups": "+420 777 123 456",
    "hyphens": "+420 777-123-456",
    "dots and brackets": "(+420) 777.123.456",
    "without country code": "777 123 456",
    "without country code, no spaces": "777123456",
    "international prefix": "00420777123456",
    "international prefix in brackets": "(00420) 777 123 456",
    "plus and international prefix": "+00420 777 123 456",
    "two pluses": "++420777123456",
    "a trunk zero that is not dialled": "+420 (0) 777 123 456",
    "slash": "777/123456",
    "lost plus": "420777123456",
    "lost plus, in groups": "420 777 123 456",
    "leading apostrophe": "'+420777123456",
    "typographic quotes": "“777 123 456”",
    "tel link": "tel:+420-777-123-456",
    "sms link": "SMS:+420777123456",
    "left over comma": " 777 123 456,",
    "no-break space": "777\u00a0123\u00a0456",
    "narrow no-break space": "+420\u202f777\u202f123\u202f456",
    "byte order mark": "\ufeff+420777123456",
    "zero-width space": "777\u200b123\u200b456",
    "copied from iOS contacts": "\u202a+420 777 123 456\u202c",
    "unicode hyphen": "777\u2010123\u2010456",
    "no-break hyphen": "777\u2011123\u2011456",
    "en dash": "777–123–456",
    "minus sign": "777−123−456",
    "full-width": "＋４２０７７７１２３４５６",
    "arabic digits": "٧٧٧١٢٣٤٥٦",
    "persian digits": "+۴۲۰۷۷۷۱۲۳۴۵۶",
    "tab and line end": "\t777 123 456\r\n",
    "wrapped in two lines": "+420 777\n123 456",
    "NUL": "\x00777123456",
    "float in text": "777123456.0",
    "float with a comma": "777123456,0",
    "float in groups": "777 123 456,00",
    "float with country code": "420777123456.0",
    "scientific with all its digits": "4.20777123456E+11",
    "scientific with a comma": "4,20777123456e+11",
    "int": 777123456,
    "int with country code": 420777123456,
    "float": 777123456.0,
}

# spelling, default code, E.164
ELSEWHERE = {
    "American number": ("(415) 555-2671", "+1", "+14155552671"),
    "American number with its 1": ("1 415 555 2671", "+1", "+14155552671"),
    "011 is the American international prefix": ("011 420 777 123 456", "+1", NUMBER),
    "00 is understood in America": ("00420777123456", "+1", NUMBER),
    "lost plus in America": ("420777123456", "+1", NUMBER),
    "0011 is the Australian international prefix": ("0011 65 8123 4567", "+61", "+6581234567"),
    "00 is understood in Korea": ("00821020000000", "+82", "+821020000000"),
    "British trunk zero": ("07911 123456", "+44", "+447911123456"),
    "British trunk zero from abroad": ("+44 (0)7911 123456", "+420", "+447911123456"),
    "Italian zero is a digit": ("+39 (0)6 1234567", "+420", "+39061234567"),
    "Austrian slash": ("0664/1234567", "+43", "+436641234567"),
    "Austrian slash from abroad": ("0043664/1234567", "+420", "+436641234567"),
    "Slovak number without its plus": ("421905123456", "+420", "+421905123456"),
    "Saudi number without its plus": ("966512345678", "+420", "+966512345678"),
    "own number of no known kind without its plus": ("420111123456", "+420", "+420111123456"),
    "home wins over abroad": ("298123456", "+420", "+420298123456"),
    "another kind of number at home wins too": ("1860 345 1234", "+91", "+9118603451234"),
    "no country's number": ("+800 1234 5678", "+420", "+80012345678"),
    "default code without plus": ("777123456", "420", NUMBER),
    "default code with zeros": ("777123456", "00420", NUMBER),
    "no default is needed with a plus": ("+420 777 123 456", "", NUMBER),
    "no default is needed with 00": ("00420 777 123 456", "", NUMBER),
    "a wrong default is not needed with a plus": ("+420777123456", "+999", NUMBER),
}

# spelling, default code, what the sentence must say
REFUSALS = {
    "nothing": ("", "+420", "The recipient is empty."),
    "None": (None, "+420", "The recipient is empty."),
    "white space": (" \u00a0\n", "+420", "The recipient is empty."),
    "only a plus": ("+", "+420", "“+” is not a possible phone number: it has no digits."),
    "emergency number": ("112", "+420", "“112” is not a possible phone number: it is too short"),
    "emergency number in America": ("911", "+1", "it is too short: it has 3 digits after +1, where numbers have 10."),
    "one digit": ("7", "+420", "it is too short"),
    "a digit is missing": ("+420 77712345", "+420", "too short: it has 8 digits after +420, where numbers have 9."),
    "a digit is missing and the plus": ("42077712345", "+420", "too short: it has 8 digits after +420"),
    "area code is missing": ("555 2671", "+1", "too short: it has 7 digits after +1"),
    "a digit too many": ("+420 777 123 4567", "+420", "too long: it has 10 digits after +420, where numbers have 9."),
    "a digit too many at home": ("7771234567", "+420", "“7771234567” is not a possible phone number: it is too long"),
    "three digits too many": ("+420777123456789", "+420", "too long: it has 12 digits after +420"),
    "trunk zero where there is none": ("0777 123 456", "+420", "too long: it has 10 digits after +420"),
    "more than E.164 has room for": ("+49 151 1234567890123", "+420", "too long"),
    "much too long": ("7" * 300, "+420", "it is too long: a number with its country code has 15 digits at most."),
    "a length in a gap": ("+98 12345678", "+420", "8 digits after +98, where numbers have 6, 7 or 10."),
    "no such country": ("+999 123 456", "+420", "no country has the code that it begins with (+999)"),
    "no such country behind 00": ("00999123456", "+420", "no country has the code that it begins with (+999)"),
    "no code begins with 0": ("+0777123456", "+420", "no country has the code that it begins with (+077)"),
    "no default": ("777 123 456", "", "“777 123 456” is not a possible phone number: it has no country code."),
    "no default and a lost plus": ("420777123456", "", "it has no country code."),
    "default is no country": ("777123456", "+999", "the default “+999” is no country's"),
    "default is no country but a service": ("12345678", "+800", "the default “+800” is no country's"),
    "letter O for a zero": ("+42O777123456", "+420", "there are letters in it (“O”)"),
    "vanity number": ("1-800-FLOWERS", "+1", "there are letters in it (“FLOWERS”)"),
    "e-mail": ("jan@example.com", "+420", "“jan@example.com” is not a possible phone number: there are letters in it"),
    "service code": ("*21*777123456#", "+420", "“*” does not belong in a phone number"),
    "two numbers, comma": ("777123456, 777123457", "+420", "several numbers in one field"),
    "two numbers, slash": ("777123456/777123457", "+420", "several numbers in one field"),
    "two numbers, semicolon": ("777 123 456;777 123 457", "+420", "several numbers in one field"),
    "two numbers, space": ("777123456 777123457", "+420", "several numbers in one field"),
    "two numbers, line end": ("777123456\n777123457", "+420", "several numbers in one field"),
    "two numbers, word": ("777123456 or 777123457", "+420", "several numbers in one field"),
    "two numbers, pluses": ("+420777123456 +420777123457", "+420", "several numbers in one field"),
    "two numbers, the second cut short": ("777123456/7", "+420", "too long: it has 10 digits"),
    "plus in the middle": ("777+123456", "+420", "a plus sign in the middle"),
    "extension, x": ("777123456 x12", "+420", "it has an extension (“12”)"),
    "extension, word": ("777 123 456 ext. 12", "+420", "it has an extension (“12”)"),
    "extension, link": ("tel:+420777123456;ext=12", "+420", "it has an extension (“12”)"),
    "scientific, Czech": ("4,20777E+11", "+420", "“4,20777E+11” is not a possible phone number: a spreadsheet"),
    "scientific, a digit lost": ("4.2077712345E+11", "+420", "its last digits are lost"),
}  # fmt: skip


@pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_is_the_same_number(typed):
    assert to_e164(typed, "+420") == NUMBER


@pytest.mark.parametrize(("typed", "default", "e164"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_number_is_read_as_its_country_writes_it(typed, default, e164):
    assert to_e164(typed, default) == e164


@pytest.mark.parametrize(("typed", "default", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_is_not_possible_is_refused_with_the_true_reason(typed, default, reason):
    with pytest.raises(InvalidRecipient, match=re.escape(reason)):
        to_e164(typed, default)


def test_the_default_code_comes_from_the_settings(settings):
    settings.PYMESS_SMS_DEFAULT_PHONE_CODE = "+420"
    assert to_e164("777123456") == NUMBER
    settings.PYMESS_SMS_DEFAULT_PHONE_CODE = "+421"
    assert to_e164("905123456") == "+421905123456"


def test_an_empty_default_code_is_not_the_settings_one(settings):
    settings.PYMESS_SMS_DEFAULT_PHONE_CODE = "+420"
    with pytest.raises(InvalidRecipient, match="no country code"):
        to_e164("777123456", "")


def test_a_refusal_can_be_stored_and_shown():
    with pytest.raises(InvalidRecipient) as refusal:
        to_e164("\x00\ud83d" + "novel " * 1000, "+420")
    sentence = str(refusal.value)
    assert sentence.encode()
    assert "\x00" not in sentence
    assert len(sentence) < 200


KINDS = [
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.VOIP,
]


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_each_country_s_numbers_are_read_in_each_of_their_formats(region):
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if not number:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for form in vars(phonenumbers.PhoneNumberFormat).values():
            if isinstance(form, int):
                assert to_e164(phonenumbers.format_number(number, form), f"+{number.country_code}") == e164
        assert to_e164(e164.replace("+", "00"), f"+{number.country_code}") == e164
        assert to_e164(e164, "+420") == e164


# Country codes of services: they have neither, so any length that the library thinks possible is.
NO_LAND_LINES_OR_MOBILES = {800, 808, 878, 883, 888, 979}


def by_the_library(text: str) -> str | None:
    """What phonenumbers alone makes of an international number, slowly; None if it is not possible."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    is_possible = (
        phonenumbers.is_valid_number(number)
        or (
            phonenumbers.is_possible_number_with_reason(number)
            if number.country_code in NO_LAND_LINES_OR_MOBILES
            else phonenumbers.is_possible_number_for_type_with_reason(number, kind)
        )
        == ValidationResult.IS_POSSIBLE
    )
    return e164 if is_possible and len(e164) <= 16 else None


def by_us(text: str) -> str | None:
    try:
        return to_e164(text, "")
    except InvalidRecipient:
        return None


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
@settings(max_examples=15, deadline=None)
@given(national=st.from_regex(r"[0189]{0,3}[0-9]{14}", fullmatch=True))
def test_the_fast_path_says_what_the_library_says(code, national):
    for length in range(len(national) + 1):
        typed = f"+{code}{national[:length]}"
        assert by_us(typed) == by_the_library(typed)


@settings(deadline=None)
@given(
    typed=st.text() | st.from_regex(r"[+0-9 ().,/;xE\u00a0\u200b-]*", fullmatch=True),
    default=st.sampled_from(["", "+420", "+1"]),
)
@example(typed="1E999", default="")
@example(typed="+" + "(" * 500, default="")
@example(typed="\ud800", default="+420")
def test_any_text_is_a_number_or_is_refused(typed, default):
    try:
        e164 = to_e164(typed, default)
    except InvalidRecipient:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{5,14}", e164)


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+420601000117", "+420 601 000 117"),
        ("+14155552671", "+1 415-555-2671"),
        ("+420112", "+420112"),
        ("+999123456789", "+999123456789"),
        ("Kolo s.r.o.", "Kolo s.r.o."),
        ("", ""),
    ],
)
def test_a_number_is_shown_in_groups_and_anything_else_as_it_is(e164, shown):
    assert group_international(e164) == shown
