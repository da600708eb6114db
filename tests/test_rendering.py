"""An operator's body and plain data become the text on the phone, or an error that says what to do."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import TextChoices
from django.template import defaultfilters, defaulttags, loader_tags
from django.templatetags import cache, i18n, l10n, static, tz
from django.test import override_settings
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smsoffice.exceptions import MissingVariables, SMSError, TemplateError, UnsafeData
from smsoffice.plaindata import MAX_DEPTH, MAX_VALUES
from smsoffice.rendering import MAX_BODY, VariableUse, check_plain, compile_body, render, variables
from smsoffice.sandbox import MAX_NESTING, MAX_WORDS, TAGS
from smsoffice.sandbox_filters import FILTERS, MAX_OUTPUT
from smsoffice.sandbox_nodes import MAX_LOOPS


@pytest.fixture(autouse=True)
def _in_english_in_prague():
    with translation.override("en"), timezone.override("Europe/Prague"):
        yield


# --- Plain text ---


@pytest.mark.parametrize("text", ['O\'Neil & <sons> "ltd"', mark_safe("<b>"), gettext_lazy("A & B"), "100 %", "{ }"])
def test_text_comes_out_as_typed(text):
    assert render(f"{text}: {{{{ text }}}}", {"text": text}) == f"{text}: {text}"


def test_the_result_is_a_plain_str():
    assert type(render("{{ a }}", {"a": mark_safe("x")})) is str
    assert type(render("x", {})) is str


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_every_line_end_is_one_character(end):
    assert render(f"Dear{end}{{{{ lines }}}}", {"lines": f"a{end}b"}) == "Dear\na\nb"


@given(st.text(st.characters(exclude_characters="{}\r"), max_size=200))
def test_a_body_without_braces_is_the_text_itself(text):
    assert render(text, {}) == text


# --- Tags ---

TAG_CASES = {
    "if": ("{% if a %}yes{% endif %}", {"a": 1}, "yes"),
    "elif": ("{% if a %}1{% elif b %}2{% else %}3{% endif %}", {"a": 0, "b": 1}, "2"),
    "else": ("{% if a %}1{% elif b %}2{% else %}3{% endif %}", {"a": 0, "b": 0}, "3"),
    "if compares": ("{% if a > 10 and b == 'x' or not c %}yes{% endif %}", {"a": 11, "b": "x", "c": 1}, "yes"),
    "if in": ("{% if 'a' in names %}yes{% endif %}", {"names": ["a"]}, "yes"),
    "if is None": ("{% if a is None %}none{% endif %}", {"a": None}, "none"),
    "if counts": ("{% if a|length > 1 %}many{% endif %}", {"a": [1, 2]}, "many"),
    "for": ("{% for x in xs %}{{ x }};{% endfor %}", {"xs": ["a", 2]}, "a;2;"),
    "for over a tuple": ("{% for x in xs %}{{ x }};{% endfor %}", {"xs": ("a", 2)}, "a;2;"),
    "for reversed": ("{% for x in xs reversed %}{{ x }}{% endfor %}", {"xs": [1, 2]}, "21"),
    "for empty": ("{% for x in xs %}{{ x }}{% empty %}none{% endfor %}", {"xs": []}, "none"),
    "for in pairs": ("{% for a, b in xs %}{{ a }}={{ b }} {% endfor %}", {"xs": [[1, 2], (3, 4)]}, "1=2 3=4 "),
    "for over items": ("{% for k, v in d.items %}{{ k }}{{ v }}{% endfor %}", {"d": {"a": 1}}, "a1"),
    "for over keys": ("{% for k in d.keys %}{{ k }}{% endfor %}", {"d": {"a": 1, "b": 2}}, "ab"),
    "for over values": ("{% for v in d.values %}{{ v }}{% endfor %}", {"d": {"a": 1, "b": 2}}, "12"),
    "for over a dict": ("{% for k in d %}{{ k }}{% endfor %}", {"d": {"a": 1}}, "a"),
    "forloop": (
        "{% for x in xs %}{{ forloop.counter }}/{{ forloop.revcounter }}{% if not forloop.last %}, {% endif %}"
        "{% endfor %}",
        {"xs": ["a", "b"]},
        "1/2, 2/1",
    ),
    "forloop parent": (
        "{% for x in xs %}{% for y in xs %}{{ forloop.parentloop.counter }}{{ forloop.counter }} {% endfor %}"
        "{% endfor %}",
        {"xs": [1, 2]},
        "11 12 21 22 ",
    ),
    "with": ("{% with n=customer.name m=1 %}{{ n }}{{ m }}{% endwith %}", {"customer": {"name": "Jan"}}, "Jan1"),
    "with as": ("{% with customer.name as n %}{{ n }}{% endwith %}", {"customer": {"name": "Jan"}}, "Jan"),
    "with self": ("{% with self=1 context=2 %}{{ self }}{{ context }}{% endwith %}", {}, "12"),
    "comment": ("a{% comment %}{{ x }{% if %}{% endcomment %}b{# {{ y #}c", {}, "abc"),
    "verbatim": ("{% verbatim %}{{ x }} {% if %} }} {{ y }{% endverbatim %}", {}, "{{ x }} {% if %} }} {{ y }"),
    "verbatim by name": ("{% verbatim v %}{% endverbatim %}{% endverbatim v %}", {}, "{% endverbatim %}"),
    "templatetag": ("{% templatetag openvariable %} x {% templatetag closevariable %}", {}, "{{ x }}"),
    "firstof": ("{% firstof a b c %}", {"a": "", "b": "B", "c": "C"}, "B"),
    "firstof, some missing": ("{% firstof a b %}", {"b": "B"}, "B"),
    "firstof, fallback": ("{% firstof a b 'there' %}", {"b": None}, "there"),
    "firstof, all empty": ("[{% firstof a b %}]", {"a": ""}, "[]"),
    "firstof as": ("{% firstof a 'x' as b %}{{ b }}", {}, "x"),
    "cycle": ("{% for x in xs %}{% cycle 'a' b %}{% endfor %}", {"xs": [1, 2, 3], "b": "<"}, "a<a"),
    "cycle by name": ("{% cycle 'a' 'b' as c silent %}{{ c }}{% cycle c %}{{ c }}", {}, "ab"),
    "a constant": ("{{ 'a' }}{{ 1 }}{{ 'b'|upper }}{{ True }}", {}, "a1BTrue"),
}


@pytest.mark.parametrize(("body", "data", "text"), TAG_CASES.values(), ids=TAG_CASES)
def test_tags_make_text(body, data, text):
    assert render(body, data) == text


def test_now_is_the_time_here():
    here = timezone.localtime()
    assert render("{% now 'j.n.Y' %}", {}) in {
        f"{day.day}.{day.month}.{day.year}" for day in (here, timezone.localtime())
    }
    assert render("{% now 'Y' as year %}{{ year }}", {}) in {str(here.year), str(timezone.localtime().year)}


DJANGO_TAGS = {
    name for library in (defaulttags, loader_tags, i18n, static, cache, l10n, tz) for name in library.register.tags
}


@pytest.mark.parametrize("tag", sorted(DJANGO_TAGS - set(TAGS)))
def test_other_tags_are_refused_by_name(tag):
    with pytest.raises(TemplateError) as caught:
        render(f"Hello\n  {{% {tag} 'x' %}}", {})
    assert str(caught.value) == f"Line 2, column 3: The tag “{tag}” is not available in SMS templates."


# --- Filters ---

MOMENT = datetime(2024, 5, 1, 14, 5)
FILTER_CASES = {
    "add": ("{{ a|add:1 }}", {"a": 1}, "2"),
    "add numbers in text": ("{{ a|add:'2' }}", {"a": "5"}, "7"),
    "add exactly": ("{{ a|add:10 }} {{ a|add:0.1 }}", {"a": Decimal("9.90")}, "19.90 10.00"),
    "add texts": ("{{ a|add:b }}", {"a": "x", "b": "y"}, "xy"),
    "capfirst": ("{{ a|capfirst }}", {"a": "jan"}, "Jan"),
    "cut": ("{{ a|cut:' ' }}", {"a": "1 2 3"}, "123"),
    "date": ("{{ a|date:'j.n.Y H:i' }}", {"a": MOMENT}, "1.5.2024 14:05"),
    "date by default": ("{{ a|date }}", {"a": date(2024, 5, 1)}, "1 May 2024"),
    "date of a time": ("{{ a|date:'H.i' }}", {"a": time(8, 5)}, "08.05"),
    "default": ("{{ a|default:'x' }}{{ b|default:'y' }}{{ c|default:'z' }}", {"a": "", "b": "B"}, "xBz"),
    "default after others": ("{{ a|upper|default:'x' }}", {}, "x"),
    "default, from the data": ("{{ a|default:b }}", {"b": "B"}, "B"),
    "default, not needed": ("{{ a|default:b }}", {"a": "A"}, "A"),
    "default_if_none": ("{{ a|default_if_none:'x' }}{{ b|default_if_none:'y' }}", {"a": None, "b": ""}, "x"),
    "dictsort": (
        "{% for x in xs|dictsort:'a.b' %}{{ x.a.b }}{% endfor %}",
        {"xs": [{"a": {"b": n}} for n in (2, 1)]},
        "12",
    ),
    "dictsort by place": ("{% for x in xs|dictsort:0 %}{{ x.0 }}{% endfor %}", {"xs": [[2], [1]]}, "12"),
    "dictsortreversed": (
        "{% for x in xs|dictsortreversed:'a' %}{{ x.a }}{% endfor %}",
        {"xs": [{"a": 1}, {"a": 2}]},
        "21",
    ),
    "divisibleby": ("{% if a|divisibleby:2 %}even{% endif %}", {"a": 4}, "even"),
    "first": ("{{ a|first }}{{ b|first }}", {"a": ["x", "y"], "b": "zx"}, "xz"),
    "first of none": ("{{ a|first|default:'x' }}", {"a": []}, "x"),
    "floatformat": ("{{ a|floatformat:2 }} {{ b|floatformat }}", {"a": 3.14159, "b": "2.0"}, "3.14 2"),
    "floatformat grouped": ("{{ a|floatformat:'2g' }}", {"a": 1234567.5}, "1,234,567.50"),
    "join": ("{{ a|join:', ' }}", {"a": ["x", 1.5, date(2024, 5, 1)]}, "x, 1.5, 1 May 2024"),
    "last": ("{{ a|last }}", {"a": ["x", "y"]}, "y"),
    "length": ("{{ a|length }}{{ b|length }}", {"a": {"x": 1}, "b": "ab"}, "12"),
    "lower": ("{{ a|lower }}", {"a": "JAN"}, "jan"),
    "pluralize": ("item{{ a|pluralize }} cherr{{ b|pluralize:'y,ies' }}", {"a": 1, "b": ["x", "y"]}, "item cherries"),
    "safe": ("{{ a|safe }}", {"a": "<&>"}, "<&>"),
    "slice": ("{{ a|slice:':2'|join:'-' }}{{ b|slice:'-2:' }}", {"a": [1, 2, 3], "b": "xyz"}, "1-2yz"),
    "slugify": ("{{ a|slugify }}", {"a": "Jan Novák"}, "jan-novak"),
    "time": ("{{ a|time:'H:i' }} {{ b|time:'H:i' }}", {"a": MOMENT, "b": time(8, 5)}, "14:05 08:05"),
    "timesince": ("{{ a|timesince:b }}", {"a": MOMENT, "b": MOMENT + timedelta(days=2, hours=1)}, "2 days, 1 hour"),
    "timeuntil": ("{{ a|timeuntil:b }}", {"a": MOMENT + timedelta(minutes=3), "b": MOMENT}, "3 minutes"),
    "title": ("{{ a|title }}", {"a": "jan novák"}, "Jan Novák"),
    "truncatechars": ("{{ a|truncatechars:8 }} {{ a|truncatechars:2 }}", {"a": "abcdefghijk"}, "abcde... ab"),
    "truncatechars, short": ("{{ a|truncatechars:8 }}", {"a": "abc"}, "abc"),
    "truncatewords": ("{{ a|truncatewords:2 }}", {"a": "one two three"}, "one two ..."),
    "upper": ("{{ a|upper }}", {"a": "jan"}, "JAN"),
    "wordcount": ("{{ a|wordcount }}", {"a": "one two"}, "2"),
    "yesno": ("{{ a|yesno:'paid,open' }} {{ b|yesno:'1,2,3' }}", {"a": True, "b": None}, "paid 3"),
    "a row of filters": ("{{ a|first|upper|default:'x' }}", {"a": ["b"]}, "B"),
}


@pytest.mark.parametrize(("body", "data", "text"), FILTER_CASES.values(), ids=FILTER_CASES)
def test_filters_make_text(body, data, text):
    assert render(body, data) == text


def test_every_filter_has_a_case():
    assert set(FILTERS) <= set(FILTER_CASES)


@pytest.mark.parametrize("name", sorted(set(defaultfilters.register.filters) - set(FILTERS)))
def test_other_filters_are_refused_by_name(name):
    with pytest.raises(TemplateError) as caught:
        render(f"Hi {{{{ a|{name} }}}}", {"a": "x"})
    assert str(caught.value) == f"Line 1, column 4: The filter “{name}” is not available in SMS templates."


MISUSES = {
    "date of a text": ("{{ a|date:'j.n.' }}", {"a": "1.5."}, "The filter “date” takes a date, and “a” is a text."),
    "date of a number": ("{{ a|date }}", {"a": 5}, "The filter “date” takes a date, and “a” is a number."),
    "the hour of a date": ("{{ a|date:'H' }}", {"a": date(2024, 5, 1)}, "The filter “date” cannot work like this"),
    "the day of a time": ("{{ a|date:'j' }}", {"a": time(8, 5)}, "The filter “date” cannot work like this"),
    "time of a date": ("{{ a|time }}", {"a": date(2024, 5, 1)}, "The filter “time” takes a time, and “a” is a date."),
    "upper of a list": ("{{ a|upper }}", {"a": ["x"]}, "The filter “upper” takes a text, and “a” is a list."),
    "upper of a date": ("{{ a|upper }}", {"a": MOMENT}, "takes a text, and “a” is a date with a time."),
    "floatformat of a text": ("{{ a|floatformat:2 }}", {"a": "x"}, "Write it like {{ price|floatformat:2 }}."),
    "floatformat, endless": ("{{ a|floatformat:100000000 }}", {"a": 1}, "“floatformat” cannot work"),
    "floatformat, no places": ("{{ a|floatformat:'' }}", {"a": "x"}, "“floatformat” cannot work"),
    "truncatechars by text": ("{{ a|truncatechars:'x' }}", {"a": "x"}, "“truncatechars” cannot work"),
    "truncatechars by half": ("{{ a|truncatechars:1.5 }}", {"a": "x"}, "“truncatechars” cannot work"),
    "floatformat of no number": ("{{ a|floatformat:2 }}", {"a": float("nan")}, "“floatformat” cannot work"),
    "truncatechars to none": ("{{ a|truncatechars:0 }}", {"a": "x"}, "“truncatechars” cannot work"),
    "truncatewords to none": ("{{ a|truncatewords:-1 }}", {"a": "x"}, "“truncatewords” cannot work"),
    "slice by text": ("{{ a|slice:'x' }}", {"a": "x"}, "“slice” cannot work"),
    "slice by zero": ("{{ a|slice:'::0' }}", {"a": "x"}, "“slice” cannot work"),
    "join lists": ("{{ a|join:', ' }}", {"a": [["x"]]}, "“join” cannot work"),
    "join None": ("{{ a|join:', ' }}", {"a": [None]}, "“join” cannot work"),
    "sort by what is missing": ("{% for x in a|dictsort:'n' %}{% endfor %}", {"a": [{}]}, "“dictsort” cannot work"),
    "sort by a method": ("{% for x in a|dictsort:'upper' %}{% endfor %}", {"a": ["x"]}, "“dictsort” cannot work"),
    "sort different kinds": (
        "{% for x in a|dictsort:'n' %}{% endfor %}",
        {"a": [{"n": 1}, {"n": "x"}]},
        "“dictsort” cannot work",
    ),
    "length of a number": ("{{ a|length }}", {"a": 5}, "“length” takes a list or a text, and “a” is a number."),
    "pluralize a text": ("{{ a|pluralize }}", {"a": "x"}, "“pluralize” cannot work"),
    "pluralize in three": ("{{ a|pluralize:'a,b,c' }}", {"a": 1}, "“pluralize” cannot work"),
    "yesno in one": ("{{ a|yesno:'a' }}", {"a": 1}, "“yesno” cannot work"),
    "divisible by zero": ("{{ a|divisibleby:0 }}", {"a": 1}, "“divisibleby” cannot work"),
    "add a list": ("{{ a|add:b }}", {"a": 1, "b": [2]}, "“add” cannot work"),
    "misuse inside a comparison": ("{% if a|date:'j' == '1' %}x{% endif %}", {"a": "x"}, "takes a date"),
    "misuse inside a not": ("{% if not a|date:'j' %}x{% endif %}", {"a": "x"}, "takes a date"),
    "a list as text": ("{{ a }}", {"a": [1]}, 'Write {{ a|join:", " }}, or walk through it with “for”.'),
    "a dict as text": ("{{ a }}", {"a": {"x": 1}}, "“a” is a group of values. Name the one that you mean"),
    "dict items as text": ("{{ a.items }}", {"a": {"x": 1}}, "“a.items” is a list."),
    "the loop as text": ("{% for x in a %}{{ forloop }}{% endfor %}", {"a": [1]}, "“forloop” is a group of values."),
    "a list by firstof": ("{% firstof a %}", {"a": [1]}, "“a” is a list."),
    "a list by cycle": ("{% cycle a 'x' %}", {"a": [1]}, "“a” is a list."),
    "not a number": ("{{ a }}", {"a": float("nan")}, "“a” is not a number that can be shown."),
    "infinite": ("{{ a }}", {"a": Decimal("Infinity")}, "“a” is not a number that can be shown."),
    "for over a text": ("{% for x in a %}{% endfor %}", {"a": "abc"}, "“a” is a text, and “for” walks through a list."),
    "for over a number": ("{% for x in a %}{% endfor %}", {"a": 5}, "“a” is a number, and “for” walks"),
    "for in pairs of one": ("{% for x, y in a %}{% endfor %}", {"a": [[1]]}, "every item of “a” must hold 2 values"),
    "for in pairs of texts": ("{% for x, y in a %}{% endfor %}", {"a": ["ab"]}, "every item of “a” must hold 2 values"),
}


@pytest.mark.parametrize(("body", "data", "words"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_is_an_error_in_words_and_never_a_blank(body, data, words):
    with pytest.raises(TemplateError) as caught:
        render(body, data)
    assert words in str(caught.value)
    assert caught.value.line == 1
    assert caught.value.column


# --- What the data lacks ---

MISSING = {
    "a name": ("{{ a }}", {}, ("a",)),
    "part of a dict": ("{{ a.b }}", {"a": {}}, ("a.b",)),
    "part of what is missing": ("{{ a.b.c }}", {}, ("a.b.c",)),
    "part of a text": ("{{ a.b }}", {"a": "x"}, ("a.b",)),
    "part of None": ("{{ a.b }}", {"a": None}, ("a.b",)),
    "place in a list": ("{{ a.1 }}", {"a": ["x"]}, ("a.1",)),
    "all of them, once, in order": ("{{ c }}{{ a.b }}{{ c }}{{ a.a }}", {"a": {}}, ("c", "a.b", "a.a")),
    "with a filter": ("{{ a|upper }}", {}, ("a",)),
    "for a filter": ("{{ a|cut:b }}", {"a": "x"}, ("b",)),
    "None": ("{{ a }}", {"a": None}, ("a",)),
    "None with a filter": ("{{ a|length }}{{ a|date }}", {"a": None}, ("a",)),
    "None, in default_if_none": ("{{ a|default_if_none:'x' }}", {}, ("a",)),
    "a default that is missing": ("{{ a|default:b }}", {}, ("a",)),
    "a default of None": ("{{ a|default:None }}", {"a": ""}, ("a",)),
    "for": ("{% for x in a %}{% endfor %}", {}, ("a",)),
    "for over None": ("{% for x in a %}{% empty %}none{% endfor %}", {"a": None}, ("a",)),
    "in a loop": ("{% for x in a %}{{ x.n }}{% endfor %}", {"a": [{}, {}]}, ("x.n",)),
    "None in a list": ("{% for x in a %}{{ x }}{% endfor %}", {"a": [None]}, ("x",)),
    "with": ("{% with n=a.b %}{{ n }}{{ n.c }}{{ n|upper }}{% endwith %}", {}, ("a.b",)),
    "with None": ("{% with n=a %}{{ n }}{% endwith %}", {"a": None}, ("n",)),
    "firstof": ("{% firstof a b %}", {"b": None}, ("a", "b")),
    "cycle": ("{% cycle a 'x' %}", {}, ("a",)),
    "the first of none": ("{{ a|first }}", {"a": []}, ("a",)),
    "the last of none": ("{{ a|last|upper }}", {"a": ""}, ("a",)),
    "under another's if": ("{% if a %}{{ b }}{% endif %}", {"a": 1}, ("b",)),
    "under its own if": ("{% if not a %}{{ a }}{% endif %}", {}, ("a",)),
    "Django's own names": (
        "{{ forloop.counter }}{{ block.super }}{{ csrf_token }}",
        {},
        ("forloop.counter", "block.super", "csrf_token"),
    ),
}


@pytest.mark.parametrize(("body", "data", "names"), MISSING.values(), ids=MISSING)
def test_what_the_data_lacks_is_named(body, data, names):
    with pytest.raises(MissingVariables) as caught:
        render(body, data)
    assert caught.value.names == names
    for name in names:
        assert f"“{name}”" in str(caught.value)


GUARDED = {
    "default": ("[{{ a|default:'' }}]", {}, "[]"),
    "default of a part": ("{{ a.b|default:'x' }}", {"a": {}}, "x"),
    "if": ("{% if a.b %}{{ a.b }}{% endif %}", {"a": {}}, ""),
    "if not": ("{% if not a %}none{% endif %}", {}, "none"),
    "if with a filter": ("{% if a|length > 3 %}x{% else %}y{% endif %}", {}, "y"),
    "if with a filter's missing value": ("{% if a|cut:b %}x{% else %}y{% endif %}", {"a": "x"}, "y"),
    "if none": ("{% if a|length == 0 %}none{% endif %}", {}, "none"),
    "if compares": ("{% if a > 3 or a == 1 or a in b %}x{% endif %}", {}, ""),
    "elif": ("{% if a %}1{% elif b %}2{% else %}3{% endif %}", {}, "3"),
    "for with default": ("{% for x in a|default:'' %}{{ x }}{% empty %}none{% endfor %}", {}, "none"),
    "with and default": ("{% with n=a|default:'x' %}{{ n }}{% endwith %}", {}, "x"),
    "None in with, default inside": ("{% with n=a %}{{ n|default:'x' }}{% endwith %}", {"a": None}, "x"),
    "an empty text": ("[{{ a }}]", {"a": ""}, "[]"),
    "a branch not taken": ("{% if a %}{{ b }}{% endif %}", {"a": False}, ""),
}


@pytest.mark.parametrize(("body", "data", "text"), GUARDED.values(), ids=GUARDED)
def test_a_guard_makes_up_for_what_is_missing(body, data, text):
    assert render(body, data) == text


def test_the_error_has_the_place_of_the_first_one():
    with pytest.raises(MissingVariables) as caught:
        render("Hi\r\n {{ a }} {{ b }}\n", {"b": None})
    error = caught.value
    assert (error.line, error.column, error.names, error.empty) == (2, 2, ("a", "b"), ("b",))
    assert str(error) == (
        "Line 2, column 2: The data lacks “a”, which the template needs. "
        "The data has nothing in “b”, which the template needs."
    )


# --- Syntax ---

BROKEN = {
    "open if": ("Hi\n    {% if a %}x", 2, 5, "The tag “if” is not closed. Add {% endif %}."),
    "open for": ("{% for x in a %}", 1, 1, "The tag “for” is not closed. Add {% endfor %}."),
    "open with": ("{% with x=a %}", 1, 1, "The tag “with” is not closed. Add {% endwith %}."),
    "open inner tag": (
        "{% if a %}{% for x in a %}{% if x %}{% endfor %}{% endif %}",
        1,
        37,
        "close “if” with {% endif %}",
    ),
    "open comment": ("{% comment %}", 1, 1, "The tag “comment” is not closed. Add {% endcomment %}."),
    "open verbatim": ("{% verbatim v %}{% endverbatim %}", 1, 1, "Add {% endverbatim v %}."),
    "one brace short": ("Hi {{ x }", 1, 4, "“{{ x }” is not closed. Close it with }} on the same line."),
    "one brace short, another follows": ("{{ x } {{ y }}", 1, 1, "“{{ x }” is not closed."),
    "two lines": ("a\n{{ x\n}}", 2, 1, "“{{ x” is not closed."),
    "tag in two lines": (
        "{% if a\n%}x{% endif %}",
        1,
        1,
        "“{% if a” is not closed. Close it with %} on the same line.",
    ),
    "one brace short in a tag": ("{% if a } x {% endif %}", 1, 1, "“{% if a }” is not closed."),
    "open end": ("{% if a %}x{% endif }", 1, 12, "“{% endif }” is not closed."),
    "open note": ("{# note", 1, 1, "“{# note” is not closed. Close it with #} on the same line."),
    "nothing": ("{{ }}", 1, 1, "Nothing stands between {{ and }}."),
    "no tag": ("{% %}", 1, 1, "Nothing stands between {% and %}."),
    "stray braces": ("x }}", 1, 3, "“}}” closes nothing. To print it, write {% templatetag closevariable %}."),
    "stray tag end": ("50 %}", 1, 4, "“%}” closes nothing. To print it, write {% templatetag closeblock %}."),
    "endif alone": ("{% endif %}", 1, 1, "The tag “endif” has no “if” before it."),
    "else alone": ("{% else %}", 1, 1, "The tag “else” has no “if” before it."),
    "empty alone": ("{% empty %}", 1, 1, "The tag “empty” has no “for” before it."),
    "two names": ("{{ a b }}", 1, 1, "“a b” cannot be read."),
    "no name": ("{{ |upper }}", 1, 1, "“|upper” cannot be read."),
    "two dots": ("{{ a..b }}", 1, 1, "“a..b” is not a name"),
    "dot at the end": ("{{ a. }}", 1, 1, "“a.” is not a name"),
    "underscore": ("{{ a.__class__ }}", 1, 1, "a name does not begin with “_”"),
    "underscore in a filter's value": ("{{ a|cut:_b }}", 1, 1, "a name does not begin with “_”"),
    "call": ("{{ a.upper() }}", 1, 1, "“a.upper()” cannot be read."),
    "translation": ("{{ _('x') }}", 1, 1, "Write it without _( )."),
    "unknown filter": ("{{ a|shout }}", 1, 1, "The filter “shout” is not available in SMS templates."),
    "unknown filter in a tag": ("{% if a|shout %}{% endif %}", 1, 1, "The filter “shout” is not available"),
    "value missing": ("{{ a|default }}", 1, 1, 'needs a value after “:”, as in {{ name|default:"customer" }}.'),
    "value too many": ("{{ a|upper:1 }}", 1, 1, "The filter “upper” takes no value after “:”."),
    "unknown tag": ("a {% shout %}", 1, 3, "The tag “shout” is not available in SMS templates."),
    "unknown tag inside": ("{% if a %}\n{% shout %}{% endif %}", 2, 1, "The tag “shout” is not available"),
    "no condition": ("{% if %}{% endif %}", 1, 1, "The tag “if” cannot be read. Write it like {% if name %}"),
    "half a condition": ("{% if a and %}{% endif %}", 1, 1, "The tag “if” cannot be read."),
    "one equals sign": ("{% if a = b %}{% endif %}", 1, 1, "“=” compares nothing. Write “==”."),
    "no spaces": ("{% if a==b %}{% endif %}", 1, 1, "“a==b” cannot be read."),
    "wrong elif": ("{% if a %}\n{% elif b c %}{% endif %}", 2, 1, "The tag “elif” cannot be read."),
    "words after endif": ("{% if a %}\n{% endif a %}", 2, 1, "The tag “endif” cannot be read."),
    "half a for": (
        "{% for x %}{% endfor %}",
        1,
        1,
        "The tag “for” cannot be read. Write it like {% for item in items %}",
    ),
    "half a with": ("{% with a %}{% endwith %}", 1, 1, "The tag “with” cannot be read."),
    "empty firstof": ("{% firstof %}", 1, 1, "The tag “firstof” cannot be read."),
    "cycle without a start": ("{% cycle x %}", 1, 1, "The tag “cycle” cannot be read."),
    "now without quotes": ("{% now Y %}", 1, 1, 'The tag “now” cannot be read. Write it like {% now "j.n.Y" %}.'),
    "wrong templatetag": ("{% templatetag x %}", 1, 1, "The tag “templatetag” cannot be read."),
    "open quote": ('{{ a|default:"x }}', 1, 1, "“"),
    "open quote in a translation": ("{% if _('a %}{% endif %}", 1, 1, "cannot be read"),
}


@pytest.mark.parametrize(("body", "line", "column", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_template_says_what_and_where(body, line, column, words):
    with pytest.raises(TemplateError) as caught:
        compile_body(body)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


# --- Plain data only ---


class Trap:
    """Whatever is done to it, it tells."""

    def __getattribute__(self, name):
        raise AssertionError(name)

    def _touched(self, *args):
        raise AssertionError("touched")

    __str__ = __repr__ = __len__ = __iter__ = __getitem__ = __bool__ = __eq__ = __call__ = _touched
    __hash__ = None  # type: ignore[assignment]


class Colour(Enum):
    RED = 1


REFUSED = {
    "model": (
        {"customer": User()},
        "“customer” is a User object; a template gets plain data only. "
        'Pass what it needs, e.g. {"customer": {"name": customer.name}}.',
    ),
    "model inside": ({"order": {"customer": User()}}, "“order.customer” is a User object"),
    "model in a list": (
        {"customers": [User()]},
        'e.g. {"customers": [{"name": item.name} for item in customers]}.',
    ),
    "queryset": (
        {"users": User.objects.all()},
        'Pass a list of what it needs, e.g. {"users": list(users.values("name"))}.',
    ),
    "manager": ({"users": User.objects}, "“users” is a UserManager object"),
    "lazy object": ({"user": SimpleLazyObject(lambda: "x")}, "“user” is a SimpleLazyObject object"),
    "function": ({"now": timezone.now}, "“now” is a function; a template gets plain data only. Pass what it returns"),
    "method": ({"up": "x".upper}, "“up” is a function"),
    "class": ({"kind": User}, "“kind” is a class"),
    "enum": ({"colour": Colour.RED}, 'Pass its value, e.g. {"colour": colour.value}.'),
    "set": ({"tags": {"a"}}, 'Pass a list, e.g. {"tags": list(tags)}.'),
    "generator": ({"xs": (x for x in "a")}, "Pass a list"),
    "bytes": ({"a": b"x"}, "Pass text"),
    "object": ({"a": object()}, "“a” is an object object"),
    "trap": ({"a": [{"b": Trap()}]}, "“a.0.b” is a Trap object"),
    "key": ({"a": {("x",): 1}}, "“a” has a key that is a tuple object."),
    "key at the top": ({None: 1}, "The data has a key that is a NoneType object."),
    "many digits": ({"a": 10**300}, "“a” is a number of more than 200 digits."),
    "large exponent": ({"a": Decimal("1E+999999")}, "“a” is a number of more than 200 digits."),
    "not a dict": ([("a", 1)], "The data of a template is a dict of names and values, not a list object."),
    "model as the data": (User(), "not a User object."),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_plain_is_refused_with_its_path(data, words):
    with pytest.raises(UnsafeData) as caught:
        check_plain(data)
    assert words in str(caught.value)
    with pytest.raises(UnsafeData):
        render("no variable", data)


class Size(TextChoices):
    LARGE = "L", "Large"


class Key(TextChoices):
    A = "a", "A"


class Level(IntEnum):
    LOW = 1
    HIGH = 3


class Ratio(float):
    """As numeric libraries make it."""

    def __str__(self):
        return "not shown"


class Length(timedelta):
    """As date libraries make it."""


class FrozenDatetime(datetime):
    """As the libraries make it that stop the clock in tests."""


ACCEPTED = {
    "translation": (gettext_lazy("Yes"), "Yes"),
    "choice": (Size.LARGE, "L"),
    "int choice": (Level.HIGH, "3"),
    "uuid": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "bool": (True, "True"),
    "decimal": (Decimal("1.50"), "1.50"),
    "time": (time(8, 5), "08:05"),
    "length of time": (timedelta(days=2), "2 days, 0:00:00"),
    "length of time of another library": (Length(days=2), "2 days, 0:00:00"),
    "float of another library": (Ratio(0.5), "0.5"),
    "frozen": (FrozenDatetime(2024, 5, 1, 8, 5), "1 May 2024 08:05"),
    "frozen and aware": (FrozenDatetime(2024, 5, 1, 8, 5, tzinfo=UTC), "1 May 2024 10:05"),
}


@pytest.mark.parametrize(("value", "text"), ACCEPTED.values(), ids=ACCEPTED)
def test_plain_values_are_shown(value, text):
    check_plain({"value": value})
    assert render("{{ value }}", {"value": value}) == text


@pytest.mark.parametrize(
    "data",
    [
        OrderedDict(a={"b": {1: "x"}}),
        defaultdict(dict, a={"b": {1: "x"}}),
        MappingProxyType({"a": {"b": ["", "x"]}}),
        {"a": defaultdict(list, b=["", "x"])},
        {Key.A: {"b": {Level.LOW: "x"}}},
    ],
    ids=["OrderedDict", "defaultdict", "proxy", "defaultdict inside", "choices as keys"],
)
def test_any_dict_will_do(data):
    assert render("{{ a.b.1 }}", data) == "x"


def test_data_that_holds_itself_is_refused():
    loop: dict[str, object] = {}
    loop["a"] = {"b": [loop, loop]}
    with pytest.raises(UnsafeData, match="nested deeper than"):
        check_plain(loop)


def test_data_is_as_deep_as_said():
    def nested(depth):
        return {"a": nested(depth - 1)} if depth else 1

    check_plain(nested(MAX_DEPTH + 1))
    with pytest.raises(UnsafeData):
        check_plain(nested(MAX_DEPTH + 2))


def test_data_that_is_large_by_repetition_is_refused():
    shared: list[object] = ["x"] * 100
    for _ in range(5):
        shared = [shared] * 100
    with pytest.raises(UnsafeData, match=f"more than {MAX_VALUES:,} values"):
        check_plain({"a": shared})


def test_a_lazy_text_that_fails_is_refused():
    from django.urls import reverse_lazy

    with pytest.raises(UnsafeData, match="“a”"):
        render("{{ a }}", {"a": reverse_lazy("no such page")})


MUTATIONS = [
    "{{ xs.clear }}",
    "{{ xs.pop }}",
    "{{ xs.sort }}",
    "{{ xs.append }}",
    "{{ d.clear }}",
    "{{ d.popitem }}",
    "{{ d.copy }}",
    "{{ d.missing }}",
    "{{ fresh.missing }}",
    "{{ name.upper }}",
    "{{ name.format }}",
    "{{ day.today }}",
    "{{ day.isoformat }}",
    "{{ n.bit_length }}",
]


def _data():
    return {
        "xs": [3, 1, 2],
        "d": {"a": 1},
        "fresh": defaultdict(list),
        "name": "Jan",
        "day": date(2024, 5, 1),
        "n": 5,
    }


@pytest.mark.parametrize("body", MUTATIONS)
def test_no_method_is_called(body):
    data = _data()
    with pytest.raises(MissingVariables):
        render(body, data)
    assert data == _data()


@pytest.mark.parametrize(
    "body",
    [
        "{% cycle 'a' 'b' as name %}{% cycle name %}",
        "{% firstof d.b 'x' as name %}",
        "{% now 'Y' as name %}",
        "{% with name='x' xs='y' %}{% endwith %}",
        "{% for name in xs %}{% endfor %}",
        "{% for x in xs|dictsort:'year' reversed %}{% endfor %}",
        "{% for name, d in d.items %}{% endfor %}",
    ],
)
def test_the_callers_data_stays_as_it_is(body):
    data = _data()
    with suppress(SMSError):
        render(body, data)
    assert data == _data()


def test_a_key_is_read_before_anything_else():
    assert render("{{ d.items }} {{ d.1 }} {{ d.keys.0 }}", {"d": {"items": "x", 1: "y", "keys": ["z"]}}) == "x y z"


def test_parts_of_dates_can_be_read():
    data = {
        "a": datetime(2024, 5, 1, 22, 30, 15, tzinfo=UTC),
        "b": date(2024, 5, 1),
        "c": time(8, 5),
        "d": timedelta(3),
    }
    assert render("{{ a.day }}.{{ a.month }}.{{ a.year }} {{ a.hour }}:{{ a.minute }}:{{ a.second }}", data) == (
        "2.5.2024 0:30:15"
    )
    assert render("{{ b.year }} {{ c.hour }} {{ d.days }}", data) == "2024 8 3"


# --- Language and time zone ---


def test_numbers_and_dates_follow_the_language():
    data = {"price": Decimal("1234.50"), "count": 12345, "day": date(2024, 5, 1)}
    body = "{{ price }} {{ count }} {{ day }} {{ price|floatformat:1 }}"
    assert render(body, data) == "1234.50 12345 1 May 2024 1234.5"
    with translation.override("cs"):
        assert render(body, data) == "1234,50 12345 1. května 2024 1234,5"


@override_settings(USE_THOUSAND_SEPARATOR=True)
def test_thousands_are_parted_by_a_space_that_gsm_7_has():
    with translation.override("cs"):
        assert render("{{ a }} {{ a|floatformat:2 }}", {"a": 1234567}) == "1 234 567 1 234 567,00"


def test_a_translation_is_in_the_language_of_the_rendering():
    data = {"answer": gettext_lazy("Yes")}
    assert render("{{ answer }}", data) == "Yes"
    with translation.override("cs"):
        assert render("{{ answer }}", data) == "Ano"


def test_an_aware_time_is_shown_in_the_current_zone():
    body, data = "{{ a|date:'H:i' }} {{ a|time:'H:i' }} {{ a }}", {"a": datetime(2024, 7, 1, 10, 0, tzinfo=UTC)}
    assert render(body, data) == "12:00 12:00 1 July 2024 12:00"
    with timezone.override("UTC"):
        assert render(body, data) == "10:00 10:00 1 July 2024 10:00"


def test_a_time_that_this_zone_cannot_show_is_an_error():
    with pytest.raises(TemplateError, match="cannot be rendered"):
        render("{{ a }}", {"a": datetime.max.replace(tzinfo=UTC)})


# --- Bounds ---

LONG = list(range(5_000))
EXHAUSTING = {
    "long body": ("x" * (MAX_BODY + 1), {}, "at most 4,000 are allowed"),
    "loops": ("{% for x in a %}{% for y in a %}{% endfor %}{% endfor %}", {"a": LONG}, "loops too often"),
    "deep loops": ("{% for x in a %}" * 9 + "{% endfor %}" * 9, {"a": LONG[:10]}, "loops too often"),
    "long output": ("{% for x in a %}12345{% endfor %}", {"a": LONG}, "makes too long a text"),
    "long value": ("{{ a }}", {"a": "x" * (MAX_OUTPUT + 1)}, "makes too long a text"),
    "doubling": (
        "".join(f"{{% with a{n + 1}=a{n}|add:a{n} %}}" for n in range(20)) + "{% endwith %}" * 20,
        {"a0": "x" * 100},
        "makes too long a text",
    ),
    "long joint": ("{{ a|join:b|length }}", {"a": LONG, "b": "x" * 1_000}, "makes too long a text"),
    "long dates": ("{{ a|date:'" + "r" * 1_000 + "' }}", {"a": MOMENT}, "makes too long a text"),
    "many long dates": (
        "{% for x in a %}{% if d|date:'" + "r" * 3_900 + "' == x %}{% endif %}{% endfor %}",
        {"a": LONG, "d": MOMENT},
        "takes too long",
    ),
    "silent clock": ("{% for x in a %}{% now '" + "e" * 3_900 + "' as n %}{% endfor %}", {"a": LONG}, "takes too long"),
    "many conditions": (
        "{% for x in a %}{% if b %}" + "{% elif b %}" * 300 + "{% endif %}{% endfor %}",
        {"a": LONG, "b": 0},
        "takes too long",
    ),
    "long searches": ("{% for x in a %}{% if x in a %}{% endif %}{% endfor %}", {"a": LONG}, "takes too long"),
    "long sorts": (
        "{% for x in a %}{% if b|dictsort:0 %}{% endif %}{% endfor %}",
        {"a": LONG, "b": [[1]] * 2_000},
        "takes too long",
    ),
    "long filters": ("{{ a|title|upper|lower|slugify|wordcount }}", {"a": "a b " * 50_000}, "takes too long"),
    "nested tags": ("{% if a %}" * 50 + "{% endif %}" * 50, {"a": 1}, f"more than {MAX_NESTING} deep"),
    "open tags": ("{% if a %}" * 400, {"a": 1}, f"more than {MAX_NESTING} deep"),
    "nots": ("{% if " + "not " * 900 + "a %}{% endif %}", {"a": 1}, f"more than {MAX_WORDS} words"),
    "ands": ("{% if a " + "and a " * 600 + "%}{% endif %}", {"a": 1}, f"more than {MAX_WORDS} words"),
    "nots in an elif": (
        "{% if a %}{% elif " + "not " * 900 + "a %}{% endif %}",
        {"a": 1},
        f"more than {MAX_WORDS} words",
    ),
    "open braces": ("{{" * 2_000, {}, "is not closed"),
    "quotes": ("{% if " + "\"'" * 1_900 + " %}", {}, "cannot be read"),
    "spaces": ("{{ a" + " " * 3_900 + "b }}", {}, "cannot be read"),
}


@pytest.mark.parametrize(("body", "data", "words"), EXHAUSTING.values(), ids=EXHAUSTING)
def test_a_template_that_would_exhaust_the_machine_is_stopped(body, data, words):
    with pytest.raises(TemplateError, match=words):
        render(body, data)


def test_what_fits_is_not_stopped():
    nested = "{% if a %}" * MAX_NESTING + "x" + "{% endif %}" * MAX_NESTING
    assert render(nested, {"a": 1}) == "x"
    assert render("{% if " + "not " * (MAX_WORDS - 2) + "a %}x{% endif %}", {"a": 1}) == "x"
    assert render("x" * MAX_BODY, {}) == "x" * MAX_BODY
    assert render("{{ a }}", {"a": "x" * MAX_OUTPUT}) == "x" * MAX_OUTPUT
    assert render("{% for x in a %}{% endfor %}", {"a": [1] * (MAX_LOOPS - 1)}) == ""


def test_a_budget_is_spent_anew_by_each_rendering():
    body = "{% for x in a %}{{ x }}{% endfor %}"
    assert {render(body, {"a": [1] * 4_000}) for _ in range(10)} == {"1" * 4_000}


def test_threads_share_a_compiled_body():
    compiled = compile_body("{% for x in xs %}{% cycle 'a' 'b' %}{{ x }}{% endfor %}{% firstof n 'none' as m %}{{ m }}")

    def rendered(number: int) -> str:
        return compiled.render({"xs": [number] * 3, "n": f"n{number}"})

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(rendered, range(200)))
    assert texts == [f"a{n}b{n}a{n}n{n}" for n in range(200)]


def test_a_body_is_compiled_once():
    assert compile_body("Hi {{ name }}") is compile_body("Hi {{ name }}")


# --- The variables of a body ---

USES = {
    "names": ("{{ code }} {{ customer.name }} {{ code }}", {"code": True, "customer.name": True}),
    "constants": ("{{ 'x' }}{{ 1 }}{{ None|default:True }}", {}),
    "default": ("{{ a|default:'x' }}{{ b|upper|default:c }}", {"a": False, "b": False, "c": True}),
    "default_if_none": ("{{ a|default_if_none:'x' }}", {"a": True}),
    "if": ("{% if a %}{{ a }}{{ b }}{% endif %}", {"a": False, "b": True}),
    "if, and outside": ("{% if a %}{{ a }}{% endif %}{{ a }}", {"a": True}),
    "if of the whole": ("{% if a %}{{ a.b }}{% endif %}", {"a": False, "a.b": False}),
    "else": ("{% if not a and b > c %}x{% else %}{{ a }}{% endif %}", {"a": False, "b": False, "c": False}),
    "for": ("{% for x in orders %}{{ x.n }}{{ forloop.counter }}{{ y }}{% endfor %}", {"orders": True, "y": True}),
    "for items": (
        "{% for k, v in prices.items %}{{ k }}{{ v }}{% empty %}{{ k }}{% endfor %}",
        {"prices": True, "k": True},
    ),
    "with": ("{% with n=customer.name %}{{ n }}{% endwith %}{{ n }}", {"customer.name": True, "n": True}),
    "firstof": ("{% firstof a b %}{% firstof c 'x' %}", {"a": False, "b": True, "c": False}),
    "named": ("{% firstof a 'x' as b %}{{ b }}{% now 'Y' as y %}{{ y }}", {"a": False}),
    "cycle": ("{% cycle a 'x' as c %}{{ c }}", {"a": True}),
    "a filter's value": ("{{ day|date:form }}", {"day": True, "form": True}),
    "not in comments": ("{# {{ a }} #}{% comment %}{{ b }}{% endcomment %}{% verbatim %}{{ c }}{% endverbatim %}", {}),
}


@pytest.mark.parametrize(("body", "uses"), USES.values(), ids=USES)
def test_the_variables_of_a_body_are_known(body, uses):
    found = variables(body)
    assert {use.name: use.required for use in found} == uses
    assert [use.name for use in found] == list(uses)


def test_a_variable_knows_where_it_stands():
    assert variables("Hi\n {{ name }}{{ name }}") == [VariableUse("name", True, 2, 2)]


# --- Whatever is written ---

NAMES = st.sampled_from(
    [
        "a",
        "b",
        "a.b",
        "a.0",
        "a.items",
        "b.values",
        "a.b.c",
        "forloop.counter",
        "x",
        "_x",
        "None",
        "1",
        "1.5",
        "-2",
        "'t'",
        '"',
        "'j.n.'",
        ":",
        "9" * 30,
    ]
)
FILTERED = st.builds(
    lambda name, filters: "|".join([name, *filters]),
    NAMES,
    st.lists(
        st.builds(
            lambda name, value: name + value,
            st.sampled_from([*FILTERS, "unknown"]),
            st.one_of(st.just(""), NAMES.map(":{}".format)),
        ),
        max_size=3,
    ),
)
PIECES = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "\r\n", "\n", "not ", " or ", '"', "'", "\\"]),
    FILTERED.map("{{{{ {} }}}}".format),
    FILTERED.map("{{% if {} %}}".format),
    FILTERED.map("{{% elif not {} %}}".format),
    st.builds(
        "{{% if {} {} {} %}}".format, FILTERED, st.sampled_from(["==", "<", "in", "and", "is", "not in", "="]), FILTERED
    ),
    FILTERED.map("{{% for x in {} %}}".format),
    FILTERED.map("{{% for x, a in {} reversed %}}".format),
    FILTERED.map("{{% with a={} b=a %}}".format),
    FILTERED.map("{{% firstof a {} %}}".format),
    FILTERED.map("{{% firstof {} as b %}}".format),
    st.builds("{{% cycle {} {} as x %}}".format, FILTERED, FILTERED),
    st.sampled_from([f"{{% {word} %}}" for tag in TAGS.values() for word in tag.inside]),
    st.sampled_from(
        ["{% verbatim %}", "{% comment %}", "{% now 'H' %}", "{% now H as a %}", "{% templatetag openblock %}"]
    ),
    st.sampled_from(["{% load i18n %}", "{% include a %}", "{% cycle x %}", "{% else %}", "{% endfor x %}"]),
)
BODIES = st.one_of(st.text(max_size=100), st.lists(PIECES, max_size=12).map("".join))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=20),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from([10**1_000, Decimal("1E+5000"), gettext_lazy("Yes"), mark_safe("<b>"), Size.LARGE]),
)
DATA = st.dictionaries(
    st.sampled_from(["a", "b", "x", "forloop"]),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.tuples(inner, inner),
            st.dictionaries(st.one_of(st.sampled_from(["a", "b", "items"]), st.integers(0, 2)), inner, max_size=3),
        ),
        max_leaves=8,
    ),
)


@settings(max_examples=600, deadline=None)
@given(BODIES, DATA)
@example("{% for x in a %}{% endfor %}", {"a": ["ab"]})
@example("{{ a }}", {"a": datetime.min.replace(tzinfo=UTC)})
def test_whatever_is_written_makes_text_or_an_error_in_words(body, data):
    before = copy.deepcopy(data)
    outcome = _outcome(body, data)
    if isinstance(outcome, SMSError):
        assert str(outcome)
    else:
        assert type(outcome) is str
        assert len(outcome) <= MAX_OUTPUT
        assert "\r" not in outcome
    assert repr(data) == repr(before)


def _outcome(body, data):
    try:
        return render(body, data)
    except SMSError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_the_variables_of_whatever_compiles_are_known(body):
    try:
        compile_body(body)
    except TemplateError:
        with pytest.raises(TemplateError):
            variables(body)
    else:
        assert all(use.line >= 1 and use.column >= 1 for use in variables(body))


@settings(max_examples=200, deadline=None)
@given(
    DATA,
    st.sampled_from([User(), object(), print, {1}, b"x"]),
    st.sampled_from(["{{ a }}", "{{ z.w }}", "{% if z %}{% endif %}"]),
)
def test_one_value_that_is_not_plain_spoils_the_whole_data(data, alien, body):
    with pytest.raises(UnsafeData):
        render(body, {**data, "z": [alien]})
