from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.percentiles import Percentiles, bucket, merged, percentiles, quantile

durations = st.floats(min_value=0.001, max_value=3_600_000)


@given(values=st.lists(durations, min_size=1, max_size=300), q=st.floats(0, 1))
def test_every_quantile_is_within_one_percent_of_the_exact_one(values: list[float], q: float) -> None:
    exact = sorted(values)[max(ceil(q * len(values)) - 1, 0)]

    assert quantile(Counter(map(bucket, values)), q) == pytest.approx(exact, rel=0.01 + 1e-9)


@given(st.lists(st.lists(durations, max_size=50), max_size=6))
def test_histograms_of_parts_merge_to_the_histogram_of_the_whole(parts: list[list[float]]) -> None:
    whole = Counter(bucket(value) for part in parts for value in part)

    assert merged(Counter(map(bucket, part)) for part in parts) == whole


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.001])
def test_no_duration_is_too_short_for_a_bucket(value: float) -> None:
    assert bucket(value) == bucket(0.001)


def test_without_values_there_are_no_percentiles() -> None:
    assert percentiles({}) is None
    with pytest.raises(ValueError, match="no quantiles"):
        quantile({}, 0.5)


def test_the_slowest_of_three_calls_is_not_hidden_by_the_high_percentiles() -> None:
    found = percentiles(Counter(map(bucket, [2.0, 2.0, 400.0])))

    assert isinstance(found, Percentiles)
    assert [found.p50, found.p90, found.p99] == [pytest.approx(value, rel=0.01) for value in (2.0, 400.0, 400.0)]


def test_percentiles_of_one_value_are_that_value() -> None:
    found = percentiles({bucket(250.0): 3})

    assert isinstance(found, Percentiles)
    assert [found.p50, found.p90, found.p95, found.p99] == [pytest.approx(250.0, rel=0.01)] * 4
