"""Schemas hold the numbers that JSON has."""

from typing import Any

import pytest

from analytics.event_schemas.models import UnsupportedSchema
from analytics.event_schemas.subset import check


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")], ids=["inf", "minus inf", "nan"])
@pytest.mark.parametrize("place", ["const", "enum"])
def test_what_json_cannot_hold_is_refused_and_not_taken_for_null(place: str, number: float) -> None:
    wanted: Any = number if place == "const" else [1, number]

    with pytest.raises(UnsupportedSchema):
        check({"properties": {"a": {place: wanted}}})
