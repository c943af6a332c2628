"""How much memory calls of batches take: what many embeddings are written in is long, and read at once."""

from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from integration.gateway.deferral.models import Line

MOST_INPUTS_HANDED_OVER: Final = 1_000
"""Of 3,072 numbers with 13 digits each: 40 MB, on one line of a provider's file."""
_MOST_INPUTS_TOGETHER: Final = 2_048


def inputs(line: Line) -> int:
    """For how many texts a line wants embeddings; 1 for whatever else it wants."""
    given = orjson.loads(line.body).get("input")
    return len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1


def in_groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in groups that one worker has the memory for; a large one alone."""
    group: list[Line] = []
    weight = 0
    for line in lines:
        more = inputs(line)
        if group and weight + more > _MOST_INPUTS_TOGETHER:
            yield group
            group, weight = [], 0
        group.append(line)
        weight += more
    if group:
        yield group
