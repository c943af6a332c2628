"""How properties are kept, and found again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.tracking.properties import bounded, canonical, pair, pairs, parsed, value_of

_texts = st.text(max_size=20)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _texts
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3), max_leaves=8
)
_properties = st.dictionaries(st.text(min_size=1, max_size=20), _values, max_size=5)


def _fits(properties: dict[str, Any]) -> bool:
    try:
        bounded(properties)
    except ValueError:
        return False
    return True


@given(_properties)
def test_what_is_within_the_bounds_is_kept_as_it_was_said(properties: dict[str, Any]) -> None:
    if _fits(properties):
        assert parsed(canonical(properties)) == properties
        assert json.loads(canonical(properties)) == properties


@given(_properties)
def test_the_same_object_is_the_same_text_in_whatever_order_its_keys_came(properties: dict[str, Any]) -> None:
    if _fits(properties):
        assert canonical(dict(reversed(properties.items()))) == canonical(properties)


@given(_properties)
def test_every_scalar_can_be_looked_for_and_is_found_as_itself(properties: dict[str, Any]) -> None:
    if _fits(properties):
        scalars = {key: value for key, value in properties.items() if not isinstance(value, list | dict)}
        assert dict(map(value_of, pairs(properties))) == scalars


@given(
    one=st.tuples(st.text(min_size=1, max_size=9), _scalars), other=st.tuples(st.text(min_size=1, max_size=9), _scalars)
)
def test_two_properties_are_never_mistaken_for_each_other(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    finite = all(not isinstance(value, float) or abs(value) != float("inf") for _, value in (one, other))
    same = one == other and isinstance(one[1], bool) == isinstance(other[1], bool)
    if finite:
        assert (pair(*one) == pair(*other)) == same


def test_a_number_is_found_however_it_is_written() -> None:
    assert pair("n", 1.0) == pair("n", 1) == '["n",1]'
    others: list[Any] = [True, "1", None]
    assert pair("n", 1) not in [pair("n", other) for other in others]


def test_long_texts_are_kept_and_not_looked_for() -> None:
    said: dict[str, Any] = {"long": "x" * 201, "short": "x" * 200}

    assert parsed(canonical(bounded(said))) == said
    assert [value_of(each)[0] for each in pairs(said)] == ["short"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 2**63, -(2**63) - 1, "\ud800", "x" * 8193]
)
def test_what_no_reader_of_json_would_read_alike_is_refused(value: Any) -> None:
    nested: list[dict[str, Any]] = [{"a": value}, {"a": [value]}, {"a": {"b": [{"c": value}]}}]
    for properties in nested:
        with pytest.raises(ValueError, match=r".+"):
            bounded(properties)


def test_bounds_hold_for_all_objects_together() -> None:
    hundred: dict[str, Any] = {"a": {str(number): number for number in range(99)}}
    assert bounded(hundred) == hundred
    with pytest.raises(ValueError, match="100 keys"):
        bounded({**hundred, "b": 1})
    deep: Any = {"a": [{"b": [1]}]}
    assert bounded(deep) == deep
    with pytest.raises(ValueError, match="4 deep"):
        bounded({"a": [{"b": [[1]]}]})
    with pytest.raises(ValueError, match="32768 bytes"):
        bounded({str(number): "x" * 8000 for number in range(5)})
