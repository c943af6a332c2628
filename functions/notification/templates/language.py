"""The language of templates: a small part of Jinja2 that nothing can be done with but to say something.

Whoever writes a template may belong to any organization, and it runs beside everybody's. So there is no arithmetic, no
call, no assignment and no attribute but of the values that are given (`Language.getattr`): a template is refused before
it is compiled when it has anything else in it. What is left can repeat itself only in loops, which are counted while it
runs, and what comes out is counted too: time and memory are bounded. Jinja2's sandbox is beneath it nevertheless.

Source: https://jinja.palletsprojects.com/en/stable/sandbox/ says what that alone does not keep anybody from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, override

from jinja2 import StrictUndefined, nodes
from jinja2.environment import Template
from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from notification.templates.filters import FILTERS, FilterError
from notification.templates.grammar import MOST_TAGS, TESTS, Mistake, mistakes_of

MOST_CHARACTERS: Final = 262_144
"""Of what a template renders to: more than twice what Gmail shows of a mail before it clips it (102 KB)."""

_MOST_TURNS: Final = 10_000
_MOST_TOLD: Final = 10
_TURNS: Final = "_turns"
_COUNTED: Final = "_counted"
_LOOP: Final = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})


class Malformed(ValueError):
    """A text is no template."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(f"line {line}: {message}" for line, message in mistakes))


class Failed(ValueError):
    """A template could not be rendered with these values; it says why, and in which line where that is known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason = reason
        self.line = line
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A template that can be rendered.

    Attributes:
        names: The variables that it uses, each with the first line that has it.
    """

    names: Mapping[str, int]
    template: Template

    def rendered(self, values: Mapping[str, Any]) -> str:
        """What it says with these values, which stay as they are. Raises Failed, and nothing else.

        Args:
            values: Of plain JSON, as `values.plain` gives it, and texts that are Markup; `locale` among them, and
                whatever else filters need.
        """
        if missing := sorted(self.names.keys() - values.keys()):
            listed = ", ".join(f"`{name}`" for name in missing)
            raise Failed(f"there is no value for {listed}", self.names[missing[0]])
        parts: list[str] = []
        length = 0
        try:
            for part in self.template.generate({**values, _TURNS: [_MOST_TURNS]}):
                length += len(part)
                if length > MOST_CHARACTERS:
                    raise Failed(f"more than {MOST_CHARACTERS:,} characters would come of it")  # noqa: TRY301
                parts.append(part)
        except Failed:
            raise
        except FilterError as error:
            raise Failed(str(error), _line_of(error)) from error
        except UndefinedError as error:
            raise Failed(f"{error.message}", _line_of(error)) from error
        except Exception as error:  # a template is somebody's program: whatever it raises is its own mistake
            raise Failed(f"{type(error).__name__}: {error}"[:500], _line_of(error)) from error
        return "".join(parts)


class Language(ImmutableSandboxedEnvironment):
    """Jinja2 with nothing to call, and no attributes but the keys of mappings and the state of loops."""

    def __init__(self, *, html: bool) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=html, optimized=False, trim_blocks=True, finalize=_printable
        )
        self.globals = {}
        self.filters = {**FILTERS, _COUNTED: _counted}
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS}

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        """A mapping's value, or what a loop tells of itself; everything else is undefined."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    @override
    def getitem(self, obj: Any, argument: Any) -> Any:
        """A mapping's or a list's value; everything else is undefined."""
        if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(f"there is no `{argument}` in this {_kind(obj)}")

    @override
    def call(self, *_: Any, **__: Any) -> Any:
        """Nothing can be called."""
        raise FilterError("nothing can be called")


@cache
def _language(*, html: bool) -> Language:
    return Language(html=html)


def parsed(source: str, *, html: bool) -> Parsed:
    """A template. Raises Malformed.

    Args:
        source: The text.
        html: Whether values are escaped for HTML: they are texts in it, and never markup.
    """
    return _compiled(_tree(source, html=html), html=html)


def blocks(source: str, *, html: frozenset[str]) -> Mapping[str, Parsed]:
    """The templates of a file, one for each of its blocks. Raises Malformed.

    Args:
        source: Blocks, with nothing but space between them.
        html: The names of those whose values are escaped for HTML.
    """
    found = {}
    for node in _tree(source, html=False).body:
        if isinstance(node, nodes.Block):
            template = nodes.Template(node.body, lineno=node.lineno)
            found[node.name] = _compiled(template, html=node.name in html)
        elif not (isinstance(node, nodes.Output) and _is_space(node)):
            raise Malformed([Mistake(node.lineno, "only blocks stand here")])
    return found


def _tree(source: str, *, html: bool) -> nodes.Template:
    if source.count("{{") + source.count("{%") > MOST_TAGS:
        raise Malformed([Mistake(1, f"a template has {MOST_TAGS:,} tags at most")])
    try:
        return _language(html=html).parse(source)
    except TemplateSyntaxError as error:
        raise Malformed([Mistake(error.lineno, error.message or "this cannot be read")]) from error
    except RecursionError:
        raise Malformed([Mistake(1, "the template is nested too deeply")]) from None
    except ValueError as error:  # a number of thousands of digits
        raise Malformed([Mistake(1, str(error))]) from error


def _compiled(tree: nodes.Template, *, html: bool) -> Parsed:
    language = _language(html=html)
    try:
        mistakes = [*mistakes_of(tree)]
        if mistakes:
            raise Malformed(mistakes[:_MOST_TOLD])
        tree.set_environment(language)
        lines = _lines(tree)
        used = find_undeclared_variables(tree)
        for loop in [*tree.find_all(nodes.For)]:
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        code = language.compile(tree)
    except TemplateError as error:
        raise Malformed([Mistake(getattr(error, "lineno", 1), error.message or "this cannot be read")]) from error
    except (RecursionError, SyntaxError) as error:
        raise Malformed([Mistake(1, f"the template cannot be compiled: {error}")]) from error
    template = Template.from_code(language, code, {})
    return Parsed({name: lines.get(name, 1) for name in used}, template)


def _lines(tree: nodes.Template) -> Mapping[str, int]:
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return lines


def _is_space(output: nodes.Output) -> bool:
    return all(isinstance(each, nodes.TemplateData) and not each.data.strip() for each in output.nodes)


def _kind(obj: object) -> str:
    return "list" if isinstance(obj, list) else "mapping" if isinstance(obj, dict) else "value"


def _line_of(error: BaseException) -> int | None:
    """Where in the template it was raised: Jinja2 rewrites tracebacks so that they show its lines."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _printable(value: object) -> object:
    """A value as it is written: null is nothing, and what has parts is no text."""
    if isinstance(value, list | dict | tuple | LoopContext):
        raise FilterError("this is no text: go through a list with `for`, and name the key of a mapping")
    return "" if value is None else value


@pass_context
def _counted(context: Context, things: object) -> list[Any]:
    """The things of a loop, unless all loops together turn too often."""
    if isinstance(things, Undefined):
        raise UndefinedError(things._undefined_message)  # noqa: SLF001 - that it says so, is what it is for
    if not isinstance(things, list | dict | tuple):
        raise FilterError("only lists can be gone through")
    turns = context[_TURNS]
    turns[0] -= len(things)
    if turns[0] < 0:
        raise FilterError(f"loops turn more than {_MOST_TURNS:,} times")
    return list(things)
