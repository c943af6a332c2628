"""What templates may have in them, of all that Jinja2 can do."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from jinja2 import nodes

from notification.templates.filters import FILTERS

MOST_TAGS: Final = 2_000
"""Of `{{ }}` and `{% %}` in a template: to read and to compile as many takes a quarter of a second."""

_MOST_NODES: Final = 10_000
_MOST_DEPTH: Final = 40
_MOST_NESTED_LOOPS: Final = 3
_MOST_JOINED: Final = 10
_JINJAS_OWN: Final = frozenset({"self", "super", "caller", "varargs", "kwargs"})
TESTS: Final = frozenset({"defined", "undefined", "none", "true", "false"})
_NODES: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Tuple,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.If,
    nodes.For,
)
_WORDS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "calls",
    nodes.Assign: "`set`",
    nodes.AssignBlock: "`set`",
    nodes.With: "`with`",
    nodes.Macro: "macros",
    nodes.CallBlock: "`call`",
    nodes.FilterBlock: "`filter` blocks",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`import`",
    nodes.Extends: "`extends`",
    nodes.Block: "blocks",
    nodes.List: "lists",
    nodes.Dict: "mappings",
    nodes.Slice: "slices",
    nodes.Scope: "`autoescape`",
    nodes.BinExpr: "arithmetic",
    nodes.UnaryExpr: "arithmetic",
}


class Mistake(NamedTuple):
    """What is wrong with a template, and in which of its lines."""

    line: int
    message: str


def mistakes_of(tree: nodes.Template) -> Iterator[Mistake]:
    """What is in a tree that is no part of the language, in order; it goes no deeper than templates may."""
    count = 0
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        count += 1
        if count > _MOST_NODES:
            yield Mistake(node.lineno, "the template has too many parts")
            return
        if depth > _MOST_DEPTH or loops > _MOST_NESTED_LOOPS:
            yield Mistake(node.lineno, "this is nested too deeply")
            continue
        if (message := _mistake(node)) is not None:
            yield Mistake(node.lineno or 1, message)
            continue
        inside = loops + isinstance(node, nodes.For)
        waiting += [(child, depth + 1, inside) for child in reversed([*node.iter_child_nodes()])]


def _mistake(node: nodes.Node) -> str | None:
    if not isinstance(node, (*_NODES, nodes.Keyword)):
        return (
            f"templates have no {next((word for kind, word in _WORDS.items() if isinstance(node, kind)), 'such tag')}"
        )
    message = None
    match node:
        case nodes.Name(name=name) if name.startswith("_") or name in _JINJAS_OWN:
            message = f"`{name}` is no name of a variable"
        case nodes.Filter(name=name) if name not in FILTERS:
            message = f"there is no filter `{name}`; there are {', '.join(FILTERS)}"
        case nodes.Test(name=name) if name not in TESTS:
            message = f"there is no test `{name}`; there are {', '.join(sorted(TESTS))}"
        case nodes.For(recursive=True):
            message = "loops cannot be recursive"
        case nodes.Concat(nodes=joined) if len(joined) > _MOST_JOINED or node.find(nodes.Concat) is not None:
            message = f"`~` joins {_MOST_JOINED} texts at most, none of which is joined"
        case nodes.Filter() | nodes.Test() if node.dyn_args is not None or node.dyn_kwargs is not None:
            message = "arguments are given one by one"
    return message
