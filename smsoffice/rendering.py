"""An operator's body and plain data -> the text that the phone will show.

The one renderer, for the preview and for sending. A body is written in Django's template language, as plain text:
nothing is escaped for HTML, nothing is loaded, and what the data lacks is an error and never a blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.template import Node, defaulttags
from django.utils.translation import gettext

from smsoffice.exceptions import MissingVariables, TemplateError
from smsoffice.plaindata import check_plain, grouped, plain
from smsoffice.sandbox import SandboxParser
from smsoffice.sandbox_nodes import Expression, FirstOf, Operand, Place, Print, Run, Step, Walked, With, Written

__all__ = ["CompiledBody", "VariableUse", "check_plain", "compile_body", "render", "variables"]

MAX_BODY = 4_000
"""How many characters a template's body may have; a text of ten segments has 1,530."""

_VIEWS = frozenset({"items", "keys", "values"})


class VariableUse(NamedTuple):
    """A variable that a body takes from the data.

    Args:
        name: as the template writes it ("customer.name").
        required: it is used somewhere without `default` and outside of an `if` that asks for it.
        line: 1-based line of its first use.
        column: 1-based column of the tag that uses it first.
    """

    name: str
    required: bool
    line: int
    column: int


class CompiledBody:
    """A body that is read once and rendered many times, by any number of threads.

    Args:
        body: the text that the operator wrote.

    Raises:
        TemplateError: it is no template; the error says why and where.
    """

    def __init__(self, body: str) -> None:
        if len(body) > MAX_BODY:
            words = gettext("The template has %(size)s characters, and at most %(most)s are allowed.")
            raise TemplateError(words % {"size": grouped(len(body)), "most": grouped(MAX_BODY)})
        try:
            self.nodes = tuple(SandboxParser(_line_feeds(body)).parse())
        except TemplateError:
            raise
        except Exception as error:
            raise TemplateError(gettext("The template cannot be read.")) from error

    def render(self, data: Mapping[str, Any]) -> str:
        """The text, with plain line feeds.

        Args:
            data: names and values, plain data only; it stays as it is.

        Raises:
            UnsafeData: the data is not plain.
            MissingVariables: the data lacks variables; the error names all that were met.
            TemplateError: the template cannot be rendered with this data.
        """
        run = Run(plain(data))
        try:
            text = "".join([str(node.render_annotated(run)) for node in self.nodes])
        except TemplateError as error:
            raise error if error.line else TemplateError(error.message, *run.place) from None
        except Exception as error:
            raise TemplateError(gettext("The template cannot be rendered with this data."), *run.place) from error
        if run.failure:
            raise run.failure
        if run.missing:
            places = [place for place, _ in run.missing.values()]
            empty = tuple(name for name, (_, is_empty) in run.missing.items() if is_empty)
            raise MissingVariables(tuple(run.missing), *places[0], empty=empty)
        return _line_feeds(text)


@lru_cache(maxsize=128)
def compile_body(body: str) -> CompiledBody:
    """The compiled body; the ones used last are kept.

    Args:
        body: the text that the operator wrote.

    Raises:
        TemplateError: as for `CompiledBody`.
    """
    return CompiledBody(body)


def render(body: str, data: Mapping[str, Any]) -> str:
    """The text that the phone will show.

    Args:
        body: a template in Django's language.
        data: names and values, plain data only.

    Raises:
        TemplateError, MissingVariables, UnsafeData: as for `CompiledBody` and its `render`.
    """
    return compile_body(body).render(data)


def variables(body: str) -> list[VariableUse]:
    """The variables that a body takes from the data, in the order of their first use; what it names itself is left out.

    Args:
        body: the text that the operator wrote.

    Raises:
        TemplateError: as for `CompiledBody`.
    """
    uses: dict[str, VariableUse] = {}
    for use in _uses(compile_body(body).nodes, frozenset({"True", "False", "None"}), frozenset()):
        known = uses.get(use.name, use)
        uses[use.name] = known._replace(required=known.required or use.required)
    return list(uses.values())


def _line_feeds(text: str) -> str:
    # A browser's text area sends CRLF, and a phone would count and bill both.
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _uses(nodes: Iterable[Any], own: frozenset[str], asked: frozenset[str]) -> Iterator[VariableUse]:
    # `own` are the names that the template gave itself, `asked` the ones that an `if` around asks for.
    for node in nodes:
        if isinstance(node, Print):
            yield from _used([node.expression], own, asked, node.place)
        elif isinstance(node, Step):
            yield from _uses_of_tag(node.node, own, asked, node.place)
            named = getattr(node.node, "asvar", None) or getattr(node.node, "variable_name", None)
            own = own | {named} if named else own


def _uses_of_tag(tag: Node, own: frozenset[str], asked: frozenset[str], place: Place) -> Iterator[VariableUse]:
    if isinstance(tag, defaulttags.IfNode):
        conditions = [list(_operands(condition)) for condition, _ in tag.conditions_nodelists]
        for condition in conditions:
            yield from _used(condition, own, asked, place, guarded=True)
        asked = asked.union(expression.name for condition in conditions for expression in condition)
        for _, nodes in tag.conditions_nodelists:
            yield from _uses(nodes, own, asked)
    elif isinstance(tag, defaulttags.ForNode) and isinstance(tag.sequence, Walked):
        yield from _used([tag.sequence.expression], own, asked, place)
        yield from _uses(tag.nodelist_loop, own.union({"forloop"}, tag.loopvars), asked)
        yield from _uses(tag.nodelist_empty, own, asked)
    elif isinstance(tag, With):
        yield from _used(tag.extra_context.values(), own, asked, place)
        yield from _uses(tag.nodelist, own.union(tag.extra_context), asked)
    elif isinstance(tag, FirstOf):
        # The last one stands in for all before it.
        yield from _used(tag.expressions[:-1], own, asked, place, guarded=True)
        yield from _used(tag.expressions[-1:], own, asked, place)
    elif isinstance(tag, defaulttags.CycleNode):
        yield from _used([value.expression for value in tag.cyclevars if isinstance(value, Written)], own, asked, place)


def _operands(condition: Any) -> Iterator[Expression]:
    if condition is None:
        return
    if isinstance(condition.value, Expression):
        yield condition.value
    yield from _operands(condition.first)
    yield from _operands(condition.second)


def _used(
    expressions: Iterable[Any], own: frozenset[str], asked: frozenset[str], place: Place, *, guarded: bool = False
) -> Iterator[VariableUse]:
    for expression in expressions:
        filled = any(filter_.name == "default" for filter_, _ in expression.steps)
        yield from _named(expression.operand, own, asked, place, required=not (guarded or filled))
        for _, argument in expression.steps:
            if argument:
                yield from _named(argument, own, asked, place, required=not guarded)


def _named(
    operand: Operand, own: frozenset[str], asked: frozenset[str], place: Place, *, required: bool
) -> Iterator[VariableUse]:
    if operand.lookups is None or operand.lookups[0] in own:
        return
    parts = operand.lookups[:-1] if len(operand.lookups) > 1 and operand.lookups[-1] in _VIEWS else operand.lookups
    prefixes = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    yield VariableUse(".".join(parts), required and not prefixes & asked, *place)
