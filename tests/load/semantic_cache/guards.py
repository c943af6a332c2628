"""The product's guards one by one, for measuring what each of them does."""

from collections.abc import Callable, Mapping
from typing import Final

from integration.gateway.facts import Facts, near_in_length, nothing_replaced, same_order

type Guard = Callable[[Facts, Facts], bool]

GUARDS: Final[Mapping[str, Guard]] = {
    "numbers": lambda a, b: a.numbers == b.numbers,
    "dates and units": lambda a, b: a.units == b.units,
    "negation": lambda a, b: a.negations == b.negations,
    "opposites": lambda a, b: a.opposites == b.opposites,
    "directions, modals, persons": lambda a, b: a.relations == b.relations,
    "quotes and code": lambda a, b: a.literals == b.literals,
    "names, in order": lambda a, b: a.names == b.names,
    "kind of question, form": lambda a, b: a.asks == b.asks,
    "length": lambda a, b: near_in_length(a.wording, b.wording),
    "order of words": lambda a, b: same_order(a.wording, b.wording),
    "no replaced word": lambda a, b: nothing_replaced(a.wording, b.wording),
}
