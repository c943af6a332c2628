"""When messages come again, and what receivers may say about it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.webhook_delivery.schedule import DISABLED_AFTER, MOST_ATTEMPTS, WAITS, wait_after
from integration.webhook_messages.answers import LONGEST_RETRY_AFTER, Answer, answered

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
jitters = st.floats(0, 1)
retry_afters = st.none() | st.timedeltas(timedelta(), LONGEST_RETRY_AFTER)


@given(st.integers(1, MOST_ATTEMPTS - 1), jitters, retry_afters)
def test_a_wait_is_that_of_the_specification_and_a_tenth_more_at_most(
    attempts: int, jitter: float, retry_after: timedelta | None
) -> None:
    wait = wait_after(attempts, jitter=jitter, retry_after=retry_after)

    assert wait is not None
    assert wait >= WAITS[attempts]
    assert wait <= max(WAITS[attempts] * 1.1, retry_after or timedelta())
    assert retry_after is None or wait >= retry_after


@given(jitters, jitters)
def test_waits_grow_whatever_the_jitter(first: float, second: float) -> None:
    waits = [wait_after(attempts, jitter=jitter) for attempts in range(1, 10) for jitter in (first, second)]

    pairs = zip(waits[::2], waits[3::2], strict=False)
    assert all(earlier is not None and later is not None and earlier < later for earlier, later in pairs)


@given(st.integers(MOST_ATTEMPTS, 1_000), jitters, retry_afters)
def test_after_the_last_attempt_there_is_none(attempts: int, jitter: float, retry_after: timedelta | None) -> None:
    assert wait_after(attempts, jitter=jitter, retry_after=retry_after) is None


def test_one_message_alone_disables_no_webhook() -> None:
    assert sum(WAITS, timedelta()) * 1.1 < DISABLED_AFTER


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta()),
        ("999999999999999999999", LONGEST_RETRY_AFTER),
        ("Fri, 27 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Fri, 27 Nov 2026 11:00:00 GMT", timedelta()),
        ("Fri, 27 Nov 2099 12:00:00 GMT", LONGEST_RETRY_AFTER),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(header: str, wait: timedelta | None) -> None:
    assert answered(503, header, now=NOW).retry_after == wait


@pytest.mark.parametrize(
    ("status", "delivered", "gone", "strained"),
    [
        (200, True, False, False),
        (299, True, False, False),
        (301, False, False, False),
        (400, False, False, False),
        (410, False, True, True),
        (429, False, False, True),
        (500, False, False, False),
        (503, False, False, True),
        (600, False, False, False),
    ],
)
def test_only_a_success_is_one(status: int, *, delivered: bool, gone: bool, strained: bool) -> None:
    answer = answered(status, None, now=NOW)

    assert (answer.delivered, answer.gone, answer.strained) == (delivered, gone, strained)


def test_of_others_than_the_busy_retry_after_is_not_heeded() -> None:
    assert answered(500, "60", now=NOW) == Answer(500, "The receiver does not take the message (HTTP 500).")
