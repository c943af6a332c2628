"""What a revision takes away from code that still runs: whether it expands the schema or contracts it.

While a deployment shifts traffic, and after it was rolled back, code of the release before works with the new schema.
A revision may add to that schema and loosen it. What removes, renames or rewrites something waits until no code that
runs needs it: it is a contraction, in a revision of its own. See docs/adr/0052-contractions.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from migrate.statements import Statement, after, outside, parts, statements, words_of_body

_VERSION_TABLE: Final = "public.schema_version"  # alembic's own
_HARMLESS: Final = frozenset({"begin", "comment", "commit", "create", "grant", "select", "set"})
_HARMLESS_ACTIONS: Final = frozenset({"attach", "enable", "force", "owner", "validate"})
_HARMLESS_CHANGES: Final = (("drop", "not", "null"), ("set", "default"), ("set", "statistics"), ("add", "generated"))
_CONSTRAINTS: Final = frozenset({"check", "constraint", "exclude", "foreign", "primary", "unique"})
_TAKING: Final = frozenset({"delete", "drop", "merge", "rename", "revoke", "truncate", "type", "update"})
_OF_TABLES: Final = frozenset({"policy", "trigger"})


@dataclass
class _Made:
    """What a revision makes itself, which nothing else can need yet.

    Attributes:
        objects: (kind, name); of policies and triggers the table is part of the name, of indexes no schema is.
        columns: (table, column) that are added.
        defaults: (table, column) that get a default.
        rights: What is granted, as the words of the statement that would revoke it.
    """

    objects: set[tuple[str, str]] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    defaults: set[tuple[str, str]] = field(default_factory=set)
    rights: set[tuple[str, ...]] = field(default_factory=set)


def contractions(sql: str) -> tuple[str, ...]:
    """The statements of a revision that remove, rename or rewrite what was there before it, in order.

    What is not known to add something is one of them: a kind of statement that nobody thought of is refused, not run.
    A removed object that the same revision makes again is replaced. Not seen: what functions do that are called, and
    bounds that are added and that old code may not keep to.
    """
    all_of_them = [each for each in statements(sql) if _VERSION_TABLE not in each.words]
    made = _made(all_of_them)
    return tuple(each.text for each in all_of_them if not _adds(each, made))


def _made(revision: Iterable[Statement]) -> _Made:
    made = _Made()
    for statement in revision:
        words = statement.words
        if words[0] == "create":
            made.objects.add(_created(words))
        elif words[0] == "grant":
            made.rights.add(("revoke", *("from" if word == "to" else word for word in words[1:])))
        elif words[:2] == ("alter", "table"):
            table, actions = _altered(words)
            for action in actions:
                _note(table, action, made)
    return made


def _note(table: str, action: tuple[str, ...], made: _Made) -> None:
    if action[0] == "add" and action[1] == "constraint":
        made.objects.add(("constraint", f"{action[2]} on {table}"))
    elif action[0] == "add" and action[1] not in _CONSTRAINTS:
        column = after(action[1:], "column", "if", "not", "exists")[0]
        made.columns.add((table, column))
        if {"default", "generated"} & set(outside(action)):
            made.defaults.add((table, column))
    elif action[0] == "alter":
        column, *change = after(action[1:], "column")
        if change[:2] == ["set", "default"]:
            made.defaults.add((table, column))


def _created(words: tuple[str, ...]) -> tuple[str, str]:
    kind, *rest = after(
        words[1:], "or", "replace", "unique", "constraint", "materialized", "temporary", "recursive", "unlogged"
    )
    return kind, _named(kind, tuple(rest))


def _named(kind: str, words: tuple[str, ...]) -> str:
    name, *rest = after(words, "concurrently", "if", "not", "exists")
    if kind in _OF_TABLES and "on" in rest:
        return f"{name} on {rest[rest.index('on') + 1]}"
    return name.rpartition(".")[2] if kind == "index" else name


def _altered(words: tuple[str, ...]) -> tuple[str, list[tuple[str, ...]]]:
    table, *actions = after(words[2:], "if", "exists", "only")
    return table, parts(actions)


def _adds(statement: Statement, made: _Made) -> bool:
    words = statement.words
    rule = _RULES.get(words[0])
    return rule(words, made) if rule else words[0] in _HARMLESS


def _does_nothing_else(words: tuple[str, ...], _: _Made) -> bool:
    return not (_TAKING & words_of_body(words[-1]))


def _inserts_only(words: tuple[str, ...], _: _Made) -> bool:
    return "conflict" not in words or "nothing" in words


def _alters_harmlessly(words: tuple[str, ...], made: _Made) -> bool:
    if words[1] != "table":
        return words[-3:-1] == ("owner", "to") or (words[1] == "type" and "add" in words and "value" in words)
    table, actions = _altered(words)
    return ("table", table) in made.objects or all(_action_adds(table, action, made) for action in actions)


def _action_adds(table: str, action: tuple[str, ...], made: _Made) -> bool:
    verb, *rest = action
    if verb == "add":
        column = after(rest, "column", "if", "not", "exists")[0]
        is_required = "not null" in " ".join(outside(action))
        return rest[0] in _CONSTRAINTS or not is_required or (table, column) in made.defaults
    if verb == "drop" and rest[0] == "constraint":
        return ("constraint", f"{after(rest[1:], 'if', 'exists')[0]} on {table}") in made.objects
    if verb == "alter":
        column, *change = after(rest, "column")
        if change == ["set", "not", "null"]:
            return (table, column) in made.defaults
        return any(tuple(change[: len(harmless)]) == harmless for harmless in _HARMLESS_CHANGES)
    return verb in _HARMLESS_ACTIONS


def _is_replaced(words: tuple[str, ...], made: _Made) -> bool:
    kind, *rest = after(words[1:], "materialized")
    if "cascade" in rest:
        return False
    return all((kind, _named(kind, member)) in made.objects for member in parts(rest))


def _is_revoked_harmlessly(words: tuple[str, ...], made: _Made) -> bool:
    if words[-2:] == ("from", "current_user") or words in made.rights:
        return True
    of_function = words[1:4] == ("execute", "on", "function") and words[-2:] == ("from", "public")
    return of_function and ("function", words[4]) in made.objects


def _fills_new_columns(words: tuple[str, ...], made: _Made) -> bool:
    table = after(words[1:], "only")[0]
    if ("table", table) in made.objects:
        return True
    assigned: list[str] = []
    depth = 0
    for word in words[words.index("set") + 1 :]:
        if depth == 0 and word in {"from", "where", "returning"}:
            break
        depth += (word == "(") - (word == ")")
        assigned.append(word)
    return all((table, assignment[0]) in made.columns for assignment in parts(assigned))


_RULES: Final[dict[str, Callable[[tuple[str, ...], _Made], bool]]] = {
    "alter": _alters_harmlessly,
    "do": _does_nothing_else,
    "drop": _is_replaced,
    "insert": _inserts_only,
    "revoke": _is_revoked_harmlessly,
    "update": _fills_new_columns,
}
