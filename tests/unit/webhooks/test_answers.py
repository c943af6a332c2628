"""What an answer of a receiver means, whatever it says about when to come back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.webhook_messages.answers import LONGEST_RETRY_AFTER, answered

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
WORDS = st.sampled_from(
    [*("Mon,", "Fri,", "Jan", "Nov", "GMT", "-9999", "+99999", "12:00:00", "24:61:61", "12.30", "27", "2026", "0", "-")]
    + ["9" * digits for digits in (9, 11, 20, 5000)]
)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("600", timedelta(minutes=10)),
        ("Fri, 27 Nov 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Fri, 27 Nov 2026 11:00:00 GMT", timedelta()),
        ("9" * 5000, LONGEST_RETRY_AFTER),
        ("Mon, 01 Jan 2035 00:00:00 GMT", LONGEST_RETRY_AFTER),
    ],
)
def test_a_busy_receiver_says_when_to_come_back(text: str, wait: timedelta) -> None:
    assert answered(503, text, now=NOW).retry_after == wait


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        f"Mon, 01 Jan 2026 00:00:{'9' * 20} GMT",
        "٣",
        "1 Jan 0",
    ],
)
def test_what_is_no_time_is_left_out(text: str) -> None:
    answer = answered(503, text, now=NOW)
    assert (answer.status, answer.retry_after, answer.delivered) == (503, None, False)


@given(st.lists(WORDS | st.text(max_size=9), max_size=8).map(" ".join))
def test_no_retry_after_keeps_an_answer_from_being_one(text: str) -> None:
    wait = answered(429, text, now=NOW).retry_after
    assert wait is None or timedelta() <= wait <= LONGEST_RETRY_AFTER
