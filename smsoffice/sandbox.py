"""The language of SMS templates: Django's, cut down to what makes plain text, with errors that an operator understands.

Django's lexer, parser and tags do the work. What is ours: which tags there are, how deep and how long they may be, and
that nothing which looks like a tag is taken for text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.template import TemplateSyntaxError, defaulttags
from django.template.base import DebugLexer, Node, NodeList, Parser, TextNode, Token, TokenType, VariableNode
from django.utils.translation import gettext as _

from smsoffice.exceptions import TemplateError
from smsoffice.sandbox_filters import FILTERS
from smsoffice.sandbox_nodes import Expression, FirstOf, Place, Print, Step, Text, Walked, With, Written

MAX_NESTING = 20
"""How deep tags may stand in one another."""

MAX_WORDS = 60
"""How many words a condition may have; it bounds how deep Django's parser of conditions goes."""

_CLOSINGS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_STRAYS = {"}}": "closevariable", "%}": "closeblock"}
_BRACES = re.compile(r"\{[{%#]|\}\}|%\}")
_EXCERPT = re.compile(r".[^{}\n]{0,40}\}?", re.DOTALL)


class Lexer(DebugLexer):
    """Django's lexer that keeps the positions, and remembers where text stands in “verbatim”."""

    def __init__(self, body: str) -> None:
        super().__init__(body)
        self.as_typed: set[int] = set()

    def create_token(self, token_string: str, position: tuple[int, int] | None, lineno: int, in_tag: bool) -> Token:
        if self.verbatim and position:
            self.as_typed.add(position[0])
        return super().create_token(token_string, position, lineno, in_tag)


class SandboxParser(Parser):
    """Django's parser with our tags, filters and words.

    Args:
        body: with “\\n” at the ends of its lines.
    """

    def __init__(self, body: str) -> None:
        lexer = Lexer(body)
        super().__init__(lexer.tokenize())
        self.tags = {name: tag.compile for name, tag in TAGS.items()}
        self.body, self.as_typed = body, lexer.as_typed
        self.depth = 0
        self.last = Token(TokenType.TEXT, "", (0, 0), 1)

    def parse(self, parse_until: Iterable[str] | None = None) -> NodeList:
        self.depth += 1
        if self.depth > MAX_NESTING + 1:
            raise self.wrong(_("Tags stand more than %(most)d deep in one another.") % {"most": MAX_NESTING})
        nodes = super().parse(parse_until)
        self.depth -= 1
        return nodes

    def next_token(self) -> Token:
        self.last = super().next_token()
        words = self.last.contents.split() if self.last.token_type is TokenType.BLOCK else []
        if len(words) > MAX_WORDS and words[0] in ("if", "elif"):
            raise self.wrong(_("The condition has more than %(most)d words.") % {"most": MAX_WORDS})
        return self.last

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        if isinstance(node, TextNode):
            if token.token_type is TokenType.TEXT:
                self._check_text(token)
            nodelist.append(Text(node.s))
        elif isinstance(node, VariableNode):
            nodelist.append(Print(node.filter_expression, self._place(_start(token))))  # type: ignore[arg-type]
        else:
            nodelist.append(Step(node, self._place(_start(token)), len(token.contents)))

    def _check_text(self, token: Token) -> None:
        brace = None if _start(token) in self.as_typed else _BRACES.search(token.contents)
        if not brace:
            return
        position = _start(token) + brace.start()
        if brace[0] in _CLOSINGS:
            words = self._unclosed(position)
        else:
            words = _("“%(sign)s” closes nothing. To print it, write %(tag)s.")
            words %= {"sign": brace[0], "tag": f"{{% templatetag {_STRAYS[brace[0]]} %}}"}
        raise TemplateError(words, *self._place(position))

    def compile_filter(self, token: str) -> Expression:
        try:
            return Expression(token, self)
        except TemplateSyntaxError:
            words = _unreadable(token)
        except TemplateError as error:
            words = error.message
        raise self._wrong_at(self.last, words)

    def find_filter(self, filter_name: str) -> Callable[..., Any]:
        if filter_name not in FILTERS:
            words = _("The filter “%(name)s” is not available in SMS templates.")
            raise TemplateError(words % {"name": filter_name})
        return FILTERS[filter_name]  # type: ignore[return-value]

    def error(self, token: Token, e: Exception | str) -> Exception:
        """The error of a tag in our words; one that has them already stays as it is."""
        if isinstance(e, TemplateError):
            return e
        if not token.contents:
            opening = "{{" if token.token_type is TokenType.VAR else "{%"
            words = _("Nothing stands between %(opening)s and %(closing)s.")
            return self.wrong(words % {"opening": opening, "closing": _CLOSINGS[opening]}, token)
        # The last token is the nearer one: an “elif” stands in its “if”.
        command = self.last.contents.split()[0]
        tag = TAGS[_BELONGS.get(command, command)]
        words = _("The tag “%(name)s” cannot be read. Write it like %(usage)s.")
        return self._wrong_at(self.last, words % {"name": command, "usage": tag.usage})

    def invalid_block_tag(self, token: Token, command: str, parse_until: Iterable[str] | None = None) -> Any:
        if command not in _BELONGS:
            words = _("The tag “%(name)s” is not available in SMS templates.")
            raise self._wrong_at(token, words % {"name": command})
        if not parse_until:
            words = _("The tag “%(name)s” has no “%(opening)s” before it.")
            raise self._wrong_at(token, words % {"name": command, "opening": _BELONGS[command]})
        opened, end = self.command_stack[-2][0], f"{{% {tuple(parse_until)[-1]} %}}"
        words = _("The tag “%(name)s” comes too early: close “%(opening)s” with %(end)s first.")
        raise self._wrong_at(token, words % {"name": command, "opening": opened, "end": end})

    def unclosed_block_tag(self, parse_until: Iterable[str]) -> Any:
        command, token = self.command_stack.pop()
        # A “verbatim” with a name needs it at its end, too.
        end = f"end{token.contents}" if command == "verbatim" else tuple(parse_until)[-1]
        words = _("The tag “%(name)s” is not closed. Add %(end)s.")
        raise self.wrong(words % {"name": command, "end": f"{{% {end} %}}"}, token)

    def wrong(self, words: str, token: Token | None = None) -> TemplateError:
        return TemplateError(words, *self._place(_start(token or self.last)))

    def _wrong_at(self, token: Token, words: str) -> TemplateError:
        if any(opening in token.contents for opening in _CLOSINGS):
            # The lexer took it for one tag up to the end of the next one.
            words = self._unclosed(_start(token))
        return self.wrong(words, token)

    def _unclosed(self, position: int) -> str:
        excerpt = _EXCERPT.match(self.body, position + 1)
        opening = self.body[position : position + 2]
        shown = (self.body[position] + excerpt[0] if excerpt else opening).strip()
        words = _("“%(opening)s” is not closed. Close it with %(closing)s on the same line.")
        return words % {"opening": shown, "closing": _CLOSINGS[opening]}

    def _place(self, position: int) -> Place:
        return self.body.count("\n", 0, position) + 1, position - self.body.rfind("\n", 0, position)


def _unreadable(expression: str) -> str:
    expression = f"{expression[:40]}…" if len(expression) > 40 else expression
    if expression == "=":
        return _("“=” compares nothing. Write “==”.")
    if re.search(r"(^|[.|:])_", expression):
        words = _("“%(expression)s” cannot be read: a name does not begin with “_”.")
    else:
        words = _(
            "“%(expression)s” cannot be read. Write a name like customer.name, filters after “|”, "
            "and spaces around words and signs."
        )
    return words % {"expression": expression}


def _start(token: Token) -> int:
    return token.position[0] if token.position else 0


class Tag(NamedTuple):
    """A tag of SMS templates.

    Args:
        compile: makes a node of it.
        usage: a correct example.
        inside: the tags that belong to it, its end last.
    """

    compile: Callable[[Any, Any], Node]
    usage: str
    inside: tuple[str, ...] = ()


def _for(parser: SandboxParser, token: Token) -> Node:
    node = defaulttags.do_for(parser, token)
    node.sequence = Walked(node.sequence, len(node.loopvars))  # type: ignore[assignment,arg-type]
    return node


def _with(parser: SandboxParser, token: Token) -> Node:
    node = defaulttags.do_with(parser, token)
    return With(None, None, node.nodelist, node.extra_context)


def _firstof(parser: SandboxParser, token: Token) -> Node:
    node = defaulttags.firstof(parser, token)
    return FirstOf(node.vars, node.asvar)  # type: ignore[arg-type]


def _cycle(parser: SandboxParser, token: Token) -> Node:
    node = defaulttags.cycle(parser, token)
    # A named cycle that is used again is the same node.
    node.cyclevars = [value if isinstance(value, Written) else Written(value) for value in node.cyclevars]  # type: ignore[misc,arg-type]
    return node


def _now(parser: SandboxParser, token: Token) -> Node:
    if not re.fullmatch(r"""now\s+("[^"]*"|'[^']*')(\s+as\s+\w+)?""", token.contents):
        raise TemplateSyntaxError
    return defaulttags.now(parser, token)


def _verbatim(parser: SandboxParser, token: Token) -> Node:
    texts = parser.parse(("endverbatim",))
    parser.delete_first_token()
    return TextNode("".join(text.s for text in texts if isinstance(text, TextNode)))


TAGS: dict[str, Tag] = {
    "if": Tag(
        defaulttags.do_if, "{% if name %} … {% elif other %} … {% else %} … {% endif %}", ("elif", "else", "endif")
    ),
    "for": Tag(_for, "{% for item in items %} … {% empty %} … {% endfor %}", ("empty", "endfor")),
    "with": Tag(_with, "{% with name=customer.name %} … {% endwith %}", ("endwith",)),
    "firstof": Tag(_firstof, '{% firstof nickname name "customer" %}'),
    "cycle": Tag(_cycle, '{% cycle "one" "two" %}'),
    "now": Tag(_now, '{% now "j.n.Y" %}'),
    "templatetag": Tag(defaulttags.templatetag, "{% templatetag openvariable %}"),
    "comment": Tag(defaulttags.comment, "{% comment %} … {% endcomment %}", ("endcomment",)),
    "verbatim": Tag(_verbatim, "{% verbatim %} … {% endverbatim %}", ("endverbatim",)),
}

_BELONGS = {inner: name for name, tag in TAGS.items() for inner in tag.inside}
