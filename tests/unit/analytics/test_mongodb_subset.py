"""The operators and calls of MongoDB that are used are those which `docs/adr/0053-mongodb-subset.md` names."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
CONDITIONS: Final = {"$and", "$or", "$not", "$in", "$ne", "$gt", "$gte", "$lt", "$lte"}
UPDATES: Final = {"$set", "$setOnInsert", "$unset", "$inc", "$min", "$max"}
STAGES: Final = {"$match", "$group", "$sort", "$limit"}
ACCUMULATORS: Final = {"$sum", "$min", "$max"}
NOTES: Final = {"$comment"}  # in JSON Schemas that organizations hand in, which MongoDB never sees
ALLOWED: Final = CONDITIONS | UPDATES | STAGES | ACCUMULATORS | NOTES

NEVER: Final = {"distinct", "find_one_and_delete", "find_raw_batches", "map_reduce", "start_session", "watch"}


def _modules() -> Iterator[ast.Module]:
    for folder in ("functions/analytics", "layers/data"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text())


def test_every_operator_is_one_that_all_servers_have() -> None:
    used = {
        key.value
        for module in _modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.startswith("$")
    }
    assert used <= ALLOWED
    assert used >= {"$match", "$group", "$set", "$gte"}


def test_no_call_is_made_that_some_server_lacks() -> None:
    called = {
        node.func.attr
        for module in _modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & NEVER
    assert called >= {"aggregate", "bulk_write", "find", "insert_many", "update_one"}
