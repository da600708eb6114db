"""Text is measured by 3GPP TS 23.038 and TS 23.040, and becomes GSM-7 without silent loss."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smsoffice.encoding import Encoding, Replacement, apply_accent_policy, count, measure, to_gsm7

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2

# --- An independent counter: the alphabet by Unicode's names, the cutting letter by letter ---------------------------

COSTS = dict.fromkeys(string.ascii_letters + string.digits + " \n\r!\"#$%&'()*+,-./:;<=>?@_", 1)
COSTS |= dict.fromkeys("\x0c^{}\\[~]|€", 2)
COSTS |= {
    unicodedata.lookup(name): 1
    for name in """
        POUND SIGN; YEN SIGN; CURRENCY SIGN; SECTION SIGN; INVERTED EXCLAMATION MARK; INVERTED QUESTION MARK;
        LATIN SMALL LETTER A WITH GRAVE; LATIN SMALL LETTER E WITH GRAVE; LATIN SMALL LETTER I WITH GRAVE;
        LATIN SMALL LETTER O WITH GRAVE; LATIN SMALL LETTER U WITH GRAVE;
        LATIN SMALL LETTER E WITH ACUTE; LATIN CAPITAL LETTER E WITH ACUTE; LATIN CAPITAL LETTER C WITH CEDILLA;
        LATIN SMALL LETTER A WITH DIAERESIS; LATIN CAPITAL LETTER A WITH DIAERESIS;
        LATIN SMALL LETTER O WITH DIAERESIS; LATIN CAPITAL LETTER O WITH DIAERESIS;
        LATIN SMALL LETTER U WITH DIAERESIS; LATIN CAPITAL LETTER U WITH DIAERESIS;
        LATIN SMALL LETTER N WITH TILDE; LATIN CAPITAL LETTER N WITH TILDE;
        LATIN SMALL LETTER O WITH STROKE; LATIN CAPITAL LETTER O WITH STROKE;
        LATIN SMALL LETTER A WITH RING ABOVE; LATIN CAPITAL LETTER A WITH RING ABOVE;
        LATIN SMALL LETTER AE; LATIN CAPITAL LETTER AE; LATIN SMALL LETTER SHARP S;
        GREEK CAPITAL LETTER DELTA; GREEK CAPITAL LETTER PHI; GREEK CAPITAL LETTER GAMMA;
        GREEK CAPITAL LETTER LAMDA; GREEK CAPITAL LETTER OMEGA; GREEK CAPITAL LETTER PI; GREEK CAPITAL LETTER PSI;
        GREEK CAPITAL LETTER SIGMA; GREEK CAPITAL LETTER THETA; GREEK CAPITAL LETTER XI
    """.replace("\n", " ")
    .strip()
    .split(";")
    for name in [name.strip()]
}


def naively_measured(text: str) -> tuple[Encoding, list[tuple[str, int]]]:
    if all(letter in COSTS for letter in text):
        encoding, single, part = GSM7, 160, 153
        costs = [COSTS[letter] for letter in text]
    else:
        encoding, single, part = UCS2, 70, 67
        costs = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    if sum(costs) <= single:
        return encoding, [(text, sum(costs))]
    segments = [("", 0)]
    for letter, cost in zip(text, costs, strict=True):
        content, units = segments[-1]
        if units + cost <= part:
            segments[-1] = (content + letter, units + cost)
        else:
            segments.append((letter, cost))
    return encoding, segments


def test_the_alphabet_has_its_137_letters_and_no_other():
    assert len(COSTS) == 137
    assert {letter for letter in map(chr, range(0x110000)) if measure(letter).encoding is GSM7} == set(COSTS)


# Long and full of what costs two units, so that boundaries are met.
gsm7_texts = st.text(st.sampled_from(sorted(COSTS)), max_size=20).flatmap(
    lambda piece: st.integers(0, 40).map(lambda times: piece * times)
)
texts = st.lists(st.text(st.characters() | st.sampled_from("aé€[\nčΩ😀"), max_size=12) | gsm7_texts, max_size=12).map(
    "".join
)
texts_and_halves = texts | st.text(st.characters(categories=["Cs", "L", "So", "Mn", "Cf", "Cc"]), max_size=200)


@settings(deadline=None)
@given(text=texts | gsm7_texts)
@example(text="")
@example(text="€" * 153)
@example(text="č" * 66 + "😀" + "č" * 66)
def test_every_text_is_cut_as_the_standard_says(text):
    measured = measure(text)
    encoding, segments = naively_measured(text)
    assert measured.encoding is encoding
    assert [(segment.text, segment.units) for segment in measured.segments] == segments
    assert measured.units == sum(units for _, units in segments)


@settings(deadline=None)
@given(text=texts_and_halves | gsm7_texts)
@example(text="\ud83d\ude00" * 40)
def test_the_quick_count_agrees_with_the_measure(text):
    measured = measure(text)
    assert count(text) == (measured.encoding, measured.units, len(measured.segments))


# text, encoding, units of each segment
FACTS = {
    "nothing": ("", GSM7, [0]),
    "a full segment": ("a" * 160, GSM7, [160]),
    "one septet more": ("a" * 161, GSM7, [153, 8]),
    "two full parts": ("a" * 306, GSM7, [153, 153]),
    "two full parts and one septet": ("a" * 307, GSM7, [153, 153, 1]),
    "a full segment of UCS-2": ("č" * 70, UCS2, [70]),
    "one unit more": ("č" * 71, UCS2, [67, 4]),
    "two full parts of UCS-2": ("č" * 134, UCS2, [67, 67]),
    "159 letters and a euro": ("a" * 159 + "€", GSM7, [153, 8]),
    "158 letters and a euro": ("a" * 158 + "€", GSM7, [160]),
    "a euro opens part 2 rather than be split": ("a" * 152 + "€" + "a" * 20, GSM7, [152, 22]),
    "153 euros are three parts": ("€" * 153, GSM7, [152, 152, 2]),
    "an emoji opens part 2 rather than be split": ("č" * 66 + "😀" + "č" * 10, UCS2, [66, 12]),
    "67 emoji are three parts": ("😀" * 67, UCS2, [66, 66, 2]),
    "35 emoji fill a segment": ("😀" * 35, UCS2, [70]),
    "two halves that stand together are one letter": ("\ud83d\ude00" * 67, UCS2, [66, 66, 2]),
    "a euro is one unit of UCS-2": ("č" + "€" * 69, UCS2, [70]),
    "brackets are one unit of UCS-2": ("č" + "[]{}^~\\|\f€", UCS2, [11]),
    "brackets are two septets": ("[]{}^~\\|\f€", GSM7, [20]),
    "CRLF is two septets": ("a\r\nb", GSM7, [4]),
    "CRLF is two units": ("č\r\nb", UCS2, [4]),
    "CRLF may be cut": ("a" * 152 + "\r\n" + "a" * 10, GSM7, [153, 11]),
    "a lone high surrogate": ("\ud83d", UCS2, [1]),
    "a lone low surrogate": ("a\ude00b", UCS2, [3]),
    "a raw escape is no letter": ("\x1b", UCS2, [1]),
    "a raw escape binds nothing in UCS-2": ("č" * 66 + "\x1b" + "č" * 10, UCS2, [67, 10]),
}


@pytest.mark.parametrize(("text", "encoding", "units"), FACTS.values(), ids=FACTS.keys())
def test_a_fact_of_the_standard(text, encoding, units):
    measured = measure(text)
    assert (measured.encoding, [segment.units for segment in measured.segments]) == (encoding, units)
    assert count(text) == (encoding, sum(units), len(units))


ALPHABETS = {
    "e acute": ("éÉ", GSM7),
    "umlauts and n tilde": ("äÄöÖüÜñÑ", GSM7),
    "C cedilla": ("Ç", GSM7),
    "c cedilla": ("ç", UCS2),
    "small graves": ("àèìòù", GSM7),
    "A grave": ("À", UCS2),
    "capital Greek": ("ΔΦΓΛΩΠΨΣΘΞ", GSM7),
    "Alpha": ("Α", UCS2),
    "small Greek": ("α", UCS2),
    "omega": ("\u03a9", GSM7),
    "ohm sign": ("\u2126", UCS2),
    "micro sign": ("µ", UCS2),
    "backtick": ("`", UCS2),
    "tab": ("\t", UCS2),
    "no-break space": ("\u00a0", UCS2),
    "smart quote": ("“", UCS2),
    "apostrophe of typographers": ("’", UCS2),
    "en dash": ("–", UCS2),
    "em dash": ("—", UCS2),
    "ellipsis": ("…", UCS2),
    "e and a combining acute": ("e\u0301", UCS2),
    **{f"Czech {letter}": (letter, UCS2) for letter in "áčďěíňóřšťúůýžÁČĎĚÍŇÓŘŠŤÚŮÝŽ"},
}


@pytest.mark.parametrize(("text", "encoding"), ALPHABETS.values(), ids=ALPHABETS.keys())
def test_a_letter_decides_the_alphabet(text, encoding):
    assert measure(text).encoding is encoding
    assert count(text)[0] is encoding


@pytest.mark.parametrize(
    ("text", "capacity", "left"),
    [
        ("", 160, 160),
        ("a" * 158, 160, 2),
        ("a" * 161, 153, 145),
        ("č", 70, 69),
        ("č" * 71, 67, 63),
        ("a" * 306, 153, 0),
    ],
)
def test_an_operator_sees_how_much_is_left(text, capacity, left):
    measured = measure(text)
    assert (measured.capacity, measured.units_left) == (capacity, left)


# --- Transliteration -------------------------------------------------------------------------------------------------

# text, what is sent, what the operator is told
TRANSLITERATIONS = {
    "GSM-7 stays": ("éÉäöüñÇàΩ§€@[]^", "éÉäöüñÇàΩ§€@[]^", {}),
    "Czech": ("Příliš žluťoučký kůň", "Prilis zlutoucky kun", {
        "ř": "r", "í": "i", "š": "s", "ž": "z", "ť": "t", "č": "c", "ý": "y", "ů": "u", "ň": "n"}),
    "decomposed letters of GSM-7 stay": ("e\u0301a\u0308 C\u0327", "éä Ç", {}),
    "decomposed Czech": ("e\u030c", "e", {"ě": "e"}),
    "a mark on a letter that has no such form": ("x\u0301", "x", {"x\u0301": "x"}),
    "c cedilla and capital graves": ("çÀ", "cA", {"ç": "c", "À": "A"}),
    "ohm sign is omega": ("\u2126", "Ω", {}),
    "small Greek and micro sign": ("αµ", "au", {"α": "a", "µ": "u"}),
    "Cyrillic": ("Да", "Da", {"Д": "D", "а": "a"}),
    "quotes": ("„a“ ‘b’ ‚c‘ «d»", "\"a\" 'b' 'c' \"d\"", {
        "„": '"', "“": '"', "‘": "'", "’": "'", "‚": "'", "«": '"', "»": '"'}),
    "dashes and ellipsis": ("a–b—c…", "a-b--c...", {"–": "-", "—": "--", "…": "..."}),
    "backtick": ("`", "'", {"`": "'"}),
    "a transliteration that has a backtick itself": ("\u02bb", "'", {"\u02bb": "'"}),
    "spaces and tab": ("a\u00a0b\u202fc\u3000d\te", "a b c d e", {}),
    "zero-width": ("a\u200bb\u200cc\u2060d\ufeffe\u00adf", "abcdef", {}),
    "line ends": ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf", {}),
    "form feed stays": ("a\fb", "a\fb", {}),
    "control characters": ("a\x00b\x1bc\x7fd", "abcd", {}),
    "emoji": ("😀", "?", {"😀": "?"}),
    "emoji with a variation selector": ("❤\ufe0f", "?", {"❤\ufe0f": "?"}),
    "emoji with a skin": ("👍🏽", "?", {"👍🏽": "?"}),
    "a family is one sign": ("👨‍👩‍👧", "?", {"👨‍👩‍👧": "?"}),
    "a flag is one sign": ("🇨🇿🇸🇰", "??", {"🇨🇿": "?", "🇸🇰": "?"}),
    "a keycap is its digit": ("1\ufe0f\u20e3", "1", {"1\ufe0f\u20e3": "1"}),
    "a lone half of a letter": ("a\ud83db", "a?b", {"\ufffd": "?"}),
    "two halves that stand together": ("\ud83d\ude00", "?", {"😀": "?"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sent", "told"), TRANSLITERATIONS.values(), ids=TRANSLITERATIONS.keys())
def test_a_text_becomes_gsm7(text, sent, told):
    content, replacements = to_gsm7(text)
    assert content == sent
    assert {item.original: item.replacement for item in replacements} == told


def test_replacements_are_counted_in_the_order_of_their_appearance():
    assert to_gsm7("čaj, šálek čaje 😀😀")[1] == [
        Replacement("č", "c", 2),
        Replacement("š", "s", 1),
        Replacement("á", "a", 1),
        Replacement("😀", "?", 2),
    ]


@settings(deadline=None)
@given(text=texts_and_halves | gsm7_texts)
@example(text="".join(map(chr, range(0x3000))))
def test_any_text_becomes_gsm7_once_and_for_all(text):
    content, replacements = to_gsm7(text)
    assert measure(content).encoding is GSM7
    assert to_gsm7(content) == (content, [])
    assert all((item.original + item.replacement).encode() for item in replacements)


@settings(deadline=None)
@given(text=texts)
def test_letters_of_gsm7_stay_beside_others(text):
    kept = "".join(letter for letter in text if letter in COSTS and letter != "\r")
    assert to_gsm7(kept + "č")[0] == kept + "c"


@pytest.mark.parametrize(
    ("use_accent", "text", "sent", "told"),
    [
        (False, "Žluťoučký “kůň” 😀", 'Zlutoucky "kun" ?', ["Ž", "ť", "č", "ý", "“", "ů", "ň", "”", "😀"]),
        (True, "Žluťoučký “kůň” 😀", "Žluťoučký “kůň” 😀", []),
        (True, "Z\u030c\tà\u00a0b", "Ž\tà\u00a0b", []),
        (True, "č\r\nd\re\x85f", "č\nd\ne\nf", []),
        (True, "č\x00\x1b\x9fd\f", "čd\f", []),
        (True, "👨‍👩‍👧", "👨‍👩‍👧", []),
        (True, "\ud83d\ude00 \ud83d", "😀 ?", ["\ufffd"]),
    ],
    ids=["transliterated", "kept", "composed", "line ends", "control characters", "joined emoji", "halves"],
)
def test_the_setting_decides_whether_accents_stay(settings, use_accent, text, sent, told):
    settings.PYMESS_SMS_USE_ACCENT = use_accent
    content, replacements = apply_accent_policy(text)
    assert content == sent
    assert [item.original for item in replacements] == told


@pytest.mark.parametrize("use_accent", [True, False])
def test_whatever_is_sent_can_be_stored(settings, use_accent):
    settings.PYMESS_SMS_USE_ACCENT = use_accent
    content, _ = apply_accent_policy("".join(map(chr, range(0x11000))))
    assert content.encode()
    assert "\x00" not in content
