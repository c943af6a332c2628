"""Vectors of one byte a component, against the same in floating point."""

from math import inf, nan, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integration.gateway.similarity import ID_BYTES, MOST_DIMENSIONS, NoVector, Vector, cosine, nearest, quantised

components = st.lists(st.floats(-1, 1, width=32), min_size=8, max_size=64)
pairs = st.integers(8, 64).flatmap(
    lambda size: st.tuples(
        st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size),
        st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size),
    )
)


def plain_cosine(first: list[float], second: list[float]) -> float:
    product = sum(a * b for a, b in zip(first, second, strict=True))
    return product / sqrt(sum(a * a for a in first) * sum(b * b for b in second))


@given(pair=pairs)
def test_the_cosine_is_that_of_the_numbers_but_for_rounding(pair: tuple[list[float], list[float]]) -> None:
    assume(all(max(map(abs, one)) > 1e-3 for one in pair))
    first, second = map(quantised, pair)
    # Each component is off by at most half a step of 127 to its vector's largest: an angle of atan(sqrt(n) / 254) each.
    off = 2 * sqrt(len(pair[0])) / 254
    assert cosine(first, second) == pytest.approx(plain_cosine(*pair), abs=off)
    assert cosine(first, second) == cosine(second, first)


@given(numbers=components)
def test_a_vector_equals_itself_exactly(numbers: list[float]) -> None:
    assume(any(numbers))
    vector = quantised(numbers)
    assert cosine(vector, vector) == 1
    assert len(vector.signs) == -(-len(numbers) // 8)
    assert int.from_bytes(vector.signs).bit_count() == sum(0 < value < 128 for value in vector.values)


@given(
    vectors=st.lists(st.lists(st.integers(-127, 127), min_size=24, max_size=24), min_size=1, max_size=40),
    sought=st.lists(st.integers(-127, 127), min_size=24, max_size=24),
    most=st.integers(1, 6),
)
def test_the_nearest_are_those_whose_signs_differ_least(vectors: list[list[int]], sought: list[int], most: int) -> None:
    kept = [Vector(bytes(value & 0xFF for value in vector)) for vector in vectors]
    bucket = b"".join(number.to_bytes(ID_BYTES) + vector.signs for number, vector in enumerate(kept))
    signs = Vector(bytes(value & 0xFF for value in sought)).signs

    def apart(vector: list[int]) -> int:
        return sum((a > 0) != (b > 0) for a, b in zip(vector, sought, strict=True))

    expected = sorted((apart(vector), number) for number, vector in enumerate(vectors) if apart(vector) <= 8)
    assert nearest(bucket, signs, most) == [number.to_bytes(ID_BYTES) for _, number in expected[:most]]


def test_vectors_of_another_size_are_not_compared() -> None:
    short, long = quantised([1.0] * 8), quantised([1.0] * 16)
    assert cosine(short, long) == -1
    assert nearest(bytes(ID_BYTES) + short.signs, long.signs, 4) == []
    assert nearest(b"", long.signs, 4) == []


@pytest.mark.parametrize("numbers", [[], [0.0] * 8, [nan] * 8, [inf, 1.0], [1.0] * (MOST_DIMENSIONS + 1)])
def test_what_has_no_direction_is_no_vector(numbers: list[float]) -> None:
    with pytest.raises(NoVector):
        quantised(numbers)
