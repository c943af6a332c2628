"""Billing is tested in the worst decimal context that a process could have: what looks at it gives wrong amounts."""

from collections.abc import Iterator
from decimal import ROUND_UP, Context, localcontext

import pytest


@pytest.fixture(autouse=True)
def hostile_context() -> Iterator[None]:
    with localcontext(Context(prec=2, rounding=ROUND_UP)):
        yield
