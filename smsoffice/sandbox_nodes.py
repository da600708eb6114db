"""How an SMS template is rendered: strictly, on plain data only, and within a budget.

Django's nodes for tags do the work; the expressions in them, and what each step may cost, are ours.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from django.template import Context, defaulttags
from django.template.base import FilterExpression, Node, Parser, TextNode, Variable
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smsoffice.exceptions import TemplateError
from smsoffice.plaindata import GROUPS, LISTS, Gap, as_text, grouped, kind_of, member
from smsoffice.sandbox_filters import MAX_OUTPUT, Filter, too_long

MAX_LOOPS = 10_000
"""How many times the loops of one rendering may go round, all together."""

MAX_WORK = 200_000
"""What one rendering may spend: about one for each character of an expression evaluated and of a text filtered."""

Place = tuple[int, int]
"""Line and column in the body, both from 1."""

_SIZED: Any = (str, *GROUPS)
_DEFAULTS = frozenset({"default", "default_if_none"})
# Which filters may stand in for what is missing, for what is None, and for both where a condition only asks.
_FILL_MISSING = frozenset({"default"})
_FILL_NONE = frozenset({*_DEFAULTS, "yesno"})
_FILL_ASKED = frozenset({*_FILL_NONE, "length"})


class Run(Context):
    """One rendering: a copy of the data, what may still be spent, and what was missing.

    Args:
        data: plain data that belongs to this rendering alone, as tags may name values in it.
    """

    def __init__(self, data: dict[str | int, Any]) -> None:
        super().__init__(data, autoescape=False)
        self.place: Place = (1, 1)
        self.missing: dict[str, tuple[Place, bool]] = {}
        self.failure: TemplateError | None = None
        self.work, self.loops, self.room = MAX_WORK, MAX_LOOPS, MAX_OUTPUT

    def spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            self.fail(_("The template takes too long. Walk through shorter lists, or filter shorter texts."))

    def go_round(self, times: int) -> None:
        self.loops -= times
        if self.loops < 0:
            words = _("The template loops too often: more than %(most)s times in all. Use a shorter list.")
            self.fail(words % {"most": grouped(MAX_LOOPS)})

    def write(self, text: str) -> str:
        self.room -= len(text)
        if self.room < 0:
            self.fail(too_long())
        return text

    def miss(self, name: str, *, empty: bool) -> None:
        """Note what the data lacks, so that one error can name all of it."""
        self.missing.setdefault(name, (self.place, empty))

    def fail(self, words: str) -> NoReturn:
        """End the rendering. The error is kept as well: an operator of “if” swallows what its sides raise."""
        self.failure = self.failure or TemplateError(words, *self.place)
        raise self.failure


class Operand(NamedTuple):
    """A name or a constant in an expression.

    Args:
        name: as the template writes it.
        lookups: the parts of a name; None for a constant.
        constant: the value of a constant.
    """

    name: str
    lookups: tuple[str, ...] | None
    constant: Any

    def look_up(self, run: Run) -> Any:
        if self.lookups is None:
            return self.constant
        first, *rest = self.lookups
        value = next((names[first] for names in reversed(run.dicts) if first in names), Gap.MISSING)
        for part in rest:
            value = member(value, part)
        return value


def _operand(part: Any) -> Operand:
    if isinstance(part, Promise):
        raise TemplateError(_("A text in _( ) is not translated here. Write it without _( )."))
    if not isinstance(part, Variable):
        return Operand(f'"{part}"', None, str.__str__(part))
    name = str(part.var)
    if part.lookups is not None and "" in part.lookups:
        words = _("“%(name)s” is not a name: a dot stands between two names, as in customer.name.")
        raise TemplateError(words % {"name": name})
    return Operand(name, part.lookups, part.literal)


class Expression(FilterExpression):
    """A variable or a constant with its filters: strict about what the data lacks, and calling no method."""

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        self.operand = _operand(self.var)
        self.name = self.operand.name
        self.steps: tuple[tuple[Filter, Operand | None], ...] = tuple(
            (filter_, _operand(given[0][1]) if given else None) for filter_, given in self.filters
        )
        self.cost = len(token) + 1

    @staticmethod
    def args_check(name: str, func: Any, provided: list[tuple[bool, Any]]) -> bool:
        filter_: Filter = func
        if len(provided) < filter_.least:
            words = _("The filter “%(name)s” needs a value after “:”, as in {{ %(usage)s }}.")
            raise TemplateError(words % {"name": name, "usage": filter_.usage})
        if len(provided) > filter_.most:
            words = _("The filter “%(name)s” takes no value after “:”. Write {{ %(usage)s }}.")
            raise TemplateError(words % {"name": name, "usage": filter_.usage})
        return True

    def resolve(self, run: Run, ignore_failures: bool = False) -> Any:  # type: ignore[override]
        """The value: plain data, None, or a Gap that is reported already.

        Args:
            run: the rendering.
            ignore_failures: the template only asks whether there is a value; None stands for none.
        """
        run.spend(self.cost)
        found = self.operand.look_up(run)
        value = self._filtered(found, run, ignore_failures) if self.steps else found
        if ignore_failures:
            # A condition may walk through the whole of it.
            run.spend(_size(value))
            return None if isinstance(value, Gap) else value
        if value is Gap.MISSING:
            run.miss(self.name, empty=found is not Gap.MISSING)
            return Gap.REPORTED
        return value

    def text(self, run: Run) -> str:
        """The value as it stands in the SMS; one that is None is as good as missing."""
        value = self.resolve(run)
        if value is None:
            run.miss(self.name, empty=True)
            return ""
        return value if type(value) is str else as_text(value, self.name)

    def _filtered(self, value: Any, run: Run, asked: bool) -> Any:
        for filter_, argument in self.steps:
            if value is None or isinstance(value, Gap):
                if filter_.name not in (_FILL_ASKED if asked else _FILL_NONE if value is None else _FILL_MISSING):
                    continue
                value = None
            elif filter_.name == "default_if_none" or (filter_.name == "default" and value):
                continue
            elif not isinstance(value, filter_.takes):
                words = _("The filter “%(filter)s” takes %(what)s, and “%(name)s” is %(kind)s.")
                told = {"filter": filter_.name, "what": filter_.what, "name": self.name, "kind": kind_of(value)}
                run.fail(words % told)
            if argument is None:
                value = self._applied(filter_, value, (), run)
                continue
            other = argument.look_up(run)
            if filter_.name in _DEFAULTS:
                value = filter_.call(value, other)
            elif other is None or isinstance(other, Gap):
                value = Gap.REPORTED
                if not (asked or other is Gap.REPORTED):
                    run.miss(argument.name, empty=other is None)
            else:
                value = self._applied(filter_, value, (other,), run)
        return value

    def _applied(self, filter_: Filter, value: Any, given: tuple[Any, ...], run: Run) -> Any:
        run.spend(_size(value) + sum(map(_size, given)))
        try:
            return filter_.call(value, *given)
        except TemplateError as error:
            run.fail(error.message)
        except Exception:
            words = _("The filter “%(filter)s” cannot work like this on “%(name)s”. Write it like {{ %(usage)s }}.")
            run.fail(words % {"filter": filter_.name, "name": self.name, "usage": filter_.usage})


def _size(value: Any) -> int:
    return len(value) if isinstance(value, _SIZED) else 1


class Written:
    """An expression in a tag that prints its value as it comes."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def resolve(self, run: Run) -> str:
        return self.expression.text(run)


class Walked:
    """What a “for” walks through."""

    def __init__(self, expression: Expression, names: int) -> None:
        self.expression, self.names = expression, names

    def resolve(self, run: Run, ignore_failures: bool = False) -> Any:
        """A list or a dict; a “for” over what is missing is an error, whatever Django asks here."""
        name, values = self.expression.name, self.expression.resolve(run)
        if values is None:
            run.miss(name, empty=True)
        if values is None or values == "" or isinstance(values, Gap):
            return ()
        if not isinstance(values, GROUPS):
            words = _("“%(name)s” is %(kind)s, and “for” walks through a list.")
            run.fail(words % {"name": name, "kind": kind_of(values)})
        run.go_round(len(values))
        if self.names > 1 and not all(isinstance(value, LISTS) and len(value) == self.names for value in values):
            words = ngettext(
                "“for” has %(count)d name, so every item of “%(name)s” must hold %(count)d value.",
                "“for” has %(count)d names, so every item of “%(name)s” must hold %(count)d values.",
                self.names,
            )
            run.fail(words % {"count": self.names, "name": name})
        return values


class Text(TextNode):
    """Text of the body, as typed."""

    def render_annotated(self, run: Run) -> str:  # type: ignore[override]
        return run.write(self.s)


class Print(Node):
    """A variable in {{ }}."""

    def __init__(self, expression: Expression, place: Place) -> None:
        self.expression, self.place = expression, place

    def render_annotated(self, run: Run) -> str:  # type: ignore[override]
        run.place = self.place
        return run.write(self.expression.text(run))


class Step(Node):
    """A tag: it pays for itself, and errors know where it stands."""

    def __init__(self, node: Node, place: Place, cost: int) -> None:
        self.node, self.place, self.cost = node, place, cost
        # What these hold writes for itself.
        self.holds = isinstance(node, (defaulttags.IfNode, defaulttags.ForNode, defaulttags.WithNode))

    def render_annotated(self, run: Run) -> str:  # type: ignore[override]
        run.place = self.place
        run.spend(self.cost)
        text = self.node.render(run)
        return text if self.holds else run.write(text)


class With(defaulttags.WithNode):
    """“with”, for any name: Django's own trips over “self” and “context”."""

    def render(self, run: Run) -> str:  # type: ignore[override]
        with run.push({name: value.resolve(run) for name, value in self.extra_context.items()}):
            return self.nodelist.render(run)


class FirstOf(Node):
    """“firstof”: the first value that is not empty. That none is there at all is an error."""

    def __init__(self, expressions: list[Expression], asvar: str | None) -> None:
        self.expressions, self.asvar = expressions, asvar

    def render(self, run: Run) -> str:  # type: ignore[override]
        text = self._text(run)
        if self.asvar:
            run[self.asvar] = text
            return ""
        return text

    def _text(self, run: Run) -> str:
        there = False
        for expression in self.expressions:
            value = expression.resolve(run, ignore_failures=True)
            if value:
                return as_text(value, expression.name)
            there = there or value is not None
        if not there:
            for expression in self.expressions:
                run.miss(expression.name, empty=expression.operand.look_up(run) is None)
        return ""
