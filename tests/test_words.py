"""What people read, in English and in Czech: complete, as agreed, and in words rather than codes."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from django.utils import translation
from django.utils.functional import Promise

from smsoffice.backend import sms
from smsoffice.backend.sms import bulk_send_template
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.sms_operator import MEANINGS
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.exceptions import SMSError, TemplateNotFound
from smsoffice.models.accept import clean_content, clean_options
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.phone import to_e164
from smsoffice.rendering import render
from smsoffice.states import State
from tests.backends import use
from tests.catalogs import CATALOGS, Translations, untranslated
from tests.factories import numbers, template

# --- The catalogs ----------------------------------------------------------------------------------------------------

each_catalog = pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.name)


def words_of(messages: Catalog) -> dict[tuple[str, ...], list[str]]:
    """What is said for what, the context first."""
    return {(message.context or "", *ids(message)): strings(message) for message in messages if message.id}


def ids(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, (list, tuple)) else [message.id]


def strings(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, (list, tuple)) else [message.string or ""]


@each_catalog
def test_the_catalog_has_each_text_of_the_sources_and_no_other(catalog: Translations) -> None:
    said, kept = words_of(catalog.extracted()).keys(), words_of(catalog.written()).keys()
    assert said
    assert (said - kept, kept - said) == (set(), set()), "Run `make messages`, and translate what is new."


@each_catalog
def test_each_text_has_its_czech_words(catalog: Translations) -> None:
    assert untranslated(catalog.written()) == []


@each_catalog
def test_django_reads_what_was_written(catalog: Translations) -> None:
    anew = BytesIO()
    write_mo(anew, catalog.written())
    anew.seek(0)
    assert words_of(catalog.compiled()) == words_of(read_mo(anew)), "Run `make messages`."


@each_catalog
def test_no_other_app_says_it_differently(catalog: Translations) -> None:
    with translation.override("cs"):
        for message in catalog.written():
            if isinstance(message.id, str) and message.id:
                context = message.context
                seen = translation.pgettext(context, message.id) if context else translation.gettext(message.id)
                assert seen == message.string


@each_catalog
def test_each_text_of_the_python_files_is_found(catalog: Translations) -> None:
    """Babel does not look into an f-string."""
    for path in catalog.files():
        for text in ast.walk(ast.parse(path.read_text())) if path.suffix == ".py" else ():
            if isinstance(text, ast.JoinedStr):
                assert GETTEXT.isdisjoint(names_called_in(text)), f"{path}:{text.lineno}"


GETTEXT = {"_", "gettext", "ngettext", "pgettext", "npgettext"}


def names_called_in(text: ast.JoinedStr) -> set[str]:
    calls = (node for node in ast.walk(text) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdg]|\{\w+\}|\{\{.*?\}\}")


@each_catalog
def test_the_czech_words_have_room_for_what_is_filled_in(catalog: Translations) -> None:
    for message in catalog.written():
        needed = [sorted(PLACEHOLDER.findall(id_.replace("{{ name }}", ""))) for id_ in ids(message)]
        for words in strings(message) if message.id else []:
            assert sorted(PLACEHOLDER.findall(words.replace("{{ jmeno }}", ""))) in needed, message.id


@each_catalog
def test_the_czech_words_are_written_as_czech_is(catalog: Translations) -> None:
    for message in catalog.written():
        for words in strings(message) if message.id else []:
            assert "!" not in words
            assert "”" not in words
            assert words.count("„") == words.count("“")
            english = ids(message)[0]
            # Of millions, which Czech writes short with a full stop.
            ending = words.removesuffix("mil.") or words
            assert ending[-1] == english[-1] or {ending[-1], english[-1]}.isdisjoint(".:?…")


# --- States and codes ------------------------------------------------------------------------------------------------

STATES = {
    State.WAITING: ("Waiting", "Čeká"),
    State.UNKNOWN: ("Unknown", "Neznámo"),
    State.SENDING: ("Sending", "Odesílá se"),
    State.SENT: ("Sent", "Odesláno"),
    State.DELIVERED: ("Delivered", "Doručeno"),
    State.ERROR: ("Error", "Chyba"),
    State.DEBUG: ("Debug", "Ladění"),
}


@pytest.mark.parametrize("state", State)
def test_each_state_has_its_two_names(state: State) -> None:
    assert (in_language("en", state.label), in_language("cs", state.label)) == STATES[state]


def in_language(language: str, words: Promise | str) -> str:
    with translation.override(language):
        return str(words)


def tables() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table of codes in the gateways' files, found by having words to translate in it."""
    for info in pkgutil.iter_modules(sms.__path__, f"{sms.__name__}."):
        for name, value in vars(import_module(info.name)).items():
            if isinstance(value, Mapping) and value and all(map(words_in, value.values())):
                yield f"{info.name.rpartition('.')[2]}.{name}", value


def words_in(entry: Any) -> list[Promise]:
    return [part for part in (entry if isinstance(entry, tuple) else [entry]) if isinstance(part, Promise)]


TABLES = dict(tables())
CODES = [
    pytest.param(code, words_in(entry)[0], id=f"{table} {code}")
    for table, codes in TABLES.items()
    for code, entry in codes.items()
]


def test_the_tables_are_found() -> None:
    assert TABLES.keys() >= {
        "ats_sms_operator.ASKED",
        "ats_sms_operator.REFUSALS",
        "ats_sms_operator.SUBMITTED",
        "aws.FOR_US",
        "aws.LATER",
        "sms_operator.MEANINGS",
        "sns.REASONS",
        "sns_logs.FAILURES",
        "sns_logs.SUCCESSES",
        "twilio_codes.FAILURES",
        "twilio_codes.REFUSALS",
        "twilio_codes.STATUSES",
    }


@pytest.mark.parametrize(("code", "words"), CODES)
def test_each_code_has_its_meaning_in_english_and_in_czech(code: str, words: Promise) -> None:
    english, czech = in_language("en", words), in_language("cs", words)
    assert czech != english
    for sentence in (english, czech):
        assert re.fullmatch(r"[A-ZÁČĎÉÍŇÓŘŠŤÚŮÝŽ].*[a-záčďéěíňóřšťúůýž].*\.", sentence)
        # What looks like a code and not like a word of the sentence: “21211”, “AccessDenied”.
        if code.isdecimal() or not code.islower():
            assert not re.search(rf"(?<!\w){re.escape(code)}(?!\w)", sentence) or not code


# --- What operators are told -----------------------------------------------------------------------------------------

CZECH = {
    "a number too short": (
        lambda: to_e164("+420 77712345"),
        "„+420 77712345“ nemůže být telefonní číslo: je příliš krátké: za +420 má 8 číslic, správně jich má být 9.",
    ),
    "a number with three digits": (
        lambda: to_e164("+420 777"),
        "„+420 777“ nemůže být telefonní číslo: je příliš krátké: za +420 má 3 číslice, správně jich má být 9.",
    ),
    "a number with letters": (
        lambda: to_e164("+42O777123456"),
        "„+42O777123456“ nemůže být telefonní číslo: jsou v něm písmena („O“).",
    ),
    "a length in a gap": (
        lambda: to_e164("+98 12345678"),
        "„+98 12345678“ nemůže být telefonní číslo: "
        "má nemožnou délku: za +98 má 8 číslic, správně jich má být 6, 7 nebo 10.",
    ),
    "a text too long": (
        lambda: clean_content("x" * 1531),
        "Text má 11 částí; odeslat jich lze nejvýše 10. Zkraťte ho.",
    ),
    "a tag too long": (
        lambda: clean_options("x" * 101, None, None, 0),
        "Štítek (tag) není text o nejvýše 100 znacích.",
    ),
    "an unclosed variable": (
        lambda: render("Dobrý den,\n{{ x }", {}),
        "Řádek 2, sloupec 1: „{{ x }“ není uzavřeno. Uzavřete to pomocí }} na stejném řádku.",
    ),
    "an unclosed tag": (
        lambda: render("{% if x %}", {}),
        "Řádek 1, sloupec 1: Značka „if“ není uzavřena. Doplňte {% endif %}.",
    ),
    "what the data lacks": (
        lambda: render("{{ a }}{{ b.c }}{{ d }}", {"d": None}),
        "Řádek 1, sloupec 1: V datech chybí „a“, „b.c“; šablona je potřebuje. "
        "V datech je prázdné „d“; šablona je potřebuje.",
    ),
    "a filter on another kind of value": (
        lambda: render("{{ name|date }}", {"name": "Jana"}),
        "Řádek 1, sloupec 1: Filtr „date“ bere datum, ale „name“ je text.",
    ),
    "a template too long": (
        lambda: render("x" * 4001, {}),
        "Šablona má 4\xa0001 znaků; povoleno je nejvýše 4\xa0000.",
    ),
    "a loop with other names": (
        lambda: render("{% for a, b in pairs %}{% endfor %}", {"pairs": [[1]]}),
        "Řádek 1, sloupec 1: „for“ má 2 jména, proto každá položka „pairs“ musí mít 2 hodnoty.",
    ),
    "an object": (
        lambda: render("{{ order }}", {"order": object()}),
        "„order“ je objekt typu object; šablona dostává jen prostá data. "
        'Předejte to, co potřebuje, např. {"order": {"name": order.name}}.',
    ),
}


@pytest.mark.parametrize(("refused", "sentence"), CZECH.values(), ids=CZECH.keys())
def test_a_refusal_is_told_in_the_readers_language(refused: Callable[[], object], sentence: str) -> None:
    with translation.override("cs"), pytest.raises(SMSError) as refusal:
        refused()
    assert str(refusal.value) == sentence


def test_a_missing_template_is_told_in_the_readers_language() -> None:
    with translation.override("cs"):
        told = str(TemplateNotFound("ready"))
    assert told == "Šablona SMS s identifikátorem „ready“ neexistuje. Vytvořte ji, nebo identifikátor opravte."


class Refusing(OneByOneGateway):
    """A gateway that takes none of the numbers, each in a thread of its own."""

    def submit_one(self, message: OutputSMSMessage) -> Outcome:
        return Outcome(State.ERROR, "2", str(MEANINGS["2"][1]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("site", "sender", "words"),
    [("en", "cs", "The number does not exist."), ("cs", "en", "Číslo neexistuje.")],
    ids=["an English site", "a Czech site"],
)
def test_what_a_gateway_says_is_kept_in_the_sites_language_whoever_sends(
    settings: Any, site: str, sender: str, words: str
) -> None:
    use(settings, Refusing)
    settings.LANGUAGE_CODE = site
    template("closed", "We are closed today.")
    rows: list[dict[str, Any]] = [{"recipient": number, "context_data": {}} for number in numbers(3)]
    with translation.override(sender):
        bulk_send_template("closed", rows)
    assert list(OutputSMSMessage.objects.values_list("error", flat=True)) == [words] * 3
