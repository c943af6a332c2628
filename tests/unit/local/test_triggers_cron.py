from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from local.triggers.cron import InvalidExpression, parse

START = datetime(2026, 1, 1, tzinfo=UTC)


def following(expression: str, moment: str, count: int = 1) -> list[str]:
    tested = parse(expression, start=START)
    found: list[str] = []
    at: datetime | None = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    for _ in range(count):
        assert at is not None
        at = tested.next_after(at)
        found.append(at.strftime("%Y-%m-%d %H:%M") if at else "never")
    return found


@pytest.mark.parametrize(
    ("expression", "moment", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-03-01 09:59:59", ["2026-03-01 10:00", "2026-03-02 10:00"]),
        ("cron(15 12 * * ? *)", "2026-03-01 12:15", ["2026-03-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-03-06 18:00", ["2026-03-09 18:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-31 00:00", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01 00:14", ["2026-01-01 00:15", "2026-01-01 00:30"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02 17:55", ["2026-01-05 08:00"]),
        ("cron(0 9 ? * 2#1 *)", "2026-01-01 00:00", ["2026-01-05 09:00", "2026-02-02 09:00"]),
        ("cron(0 0 L * ? *)", "2028-02-01 00:00", ["2028-02-29 00:00", "2028-03-31 00:00"]),
        ("cron(0 0 LW * ? *)", "2026-05-01 00:00", ["2026-05-29 00:00"]),
        ("cron(0 0 ? * L *)", "2026-01-01 00:00", ["2026-01-03 00:00", "2026-01-10 00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-01-01 00:00", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 15W * ? *)", "2026-02-01 00:00", ["2026-02-16 00:00"]),
        ("cron(0 0 15W * ? *)", "2026-08-01 00:00", ["2026-08-14 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-08-01 00:00", ["2026-08-03 00:00"]),
        ("cron(0 0 31W * ? *)", "2026-05-01 00:00", ["2026-05-29 00:00", "2026-07-31 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01 00:00", ["2028-02-29 00:00"]),
        ("cron(0 0 1 JAN,JUL ? 2027-2028)", "2026-01-01 00:00", ["2027-01-01 00:00", "2027-07-01 00:00"]),
        ("cron(0 0 1 1 ? 2025)", "2026-01-01 00:00", ["never"]),
        ("rate(1 minute)", "2026-01-01 00:00:00", ["2026-01-01 00:01", "2026-01-01 00:02"]),
        ("rate(5 minutes)", "2026-01-01 00:07:30", ["2026-01-01 00:10"]),
        ("rate(12 hours)", "2025-12-01 00:00", ["2026-01-01 12:00"]),
        ("rate(1 day)", "2026-01-01 00:00", ["2026-01-02 00:00"]),
        ("at(2026-05-01T10:00:00)", "2026-01-01 00:00", ["2026-05-01 10:00", "never"]),
    ],
)
def test_a_schedule_comes_when_eventbridge_says(expression: str, moment: str, expected: list[str]) -> None:
    assert following(expression, moment, len(expected)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 10 * * ? *",
        "cron(0 10 * * ? *",
        "cron(0 10 * * ?)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * MON#6 *)",
        "cron(0 0 32 * ? *)",
        "cron(5-3 0 * * ? *)",
        "cron(*/0 0 * * ? *)",
        "cron(x 0 * * ? *)",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(5 seconds)",
        "at(tomorrow)",
        "every(1 minute)",
    ],
)
def test_what_eventbridge_does_not_accept_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        parse(expression, start=START)


FIELD_VALUES = st.lists(st.integers(0, 59), min_size=1, max_size=3).map(lambda values: ",".join(map(str, values)))


@given(
    minutes=FIELD_VALUES,
    hours=st.one_of(st.just("*"), st.integers(0, 23).map(str), st.just("*/5"), st.just("8-17")),
    days=st.one_of(st.just("*"), st.integers(1, 28).map(str), st.just("L"), st.just("1-7")),
    months=st.one_of(st.just("*"), st.integers(1, 12).map(str), st.just("JAN-MAR")),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  hypothesis wants naive bounds
)
def test_where_both_can_say_it_our_cron_and_croniter_agree(
    minutes: str, hours: str, days: str, months: str, moment: datetime
) -> None:
    start = moment.replace(tzinfo=UTC)

    ours = parse(f"cron({minutes} {hours} {days} {months} ? *)", start=start).next_after(start)

    assert ours == croniter(f"{minutes} {hours} {days} {months} *", start).get_next(datetime)


@given(minutes=st.integers(1, 10_000), offset=st.integers(-10_000, 1_000_000))
def test_a_rate_is_never_further_away_than_its_interval(minutes: int, offset: int) -> None:
    unit = "minute" if minutes == 1 else "minutes"
    moment = START + timedelta(seconds=offset)

    found = parse(f"rate({minutes} {unit})", start=START).next_after(moment)

    assert found is not None
    assert found > moment
    assert found - max(moment, START) <= timedelta(minutes=minutes)
    assert (found - START) % timedelta(minutes=minutes) == timedelta()
