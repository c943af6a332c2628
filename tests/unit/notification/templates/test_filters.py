"""Filters: amounts and moments as people write them, and links that lead nowhere else."""

from typing import Any, Final

import pytest

from notification.templates.language import Failed, parsed

GIVEN: Final = {"locale": "en", "time_zone": "Europe/Berlin", "app_url": "https://app.example/console/"}


def said(
    source: str, *, html: bool = False, locale: str = "en", time_zone: str = "Europe/Berlin", **values: Any
) -> str:
    given = {**GIVEN, "locale": locale, "time_zone": time_zone, **values}
    return parsed(source, html=html).rendered(given).replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en", "$1,234.50 ¥1,234 $0.01"),
        ("de", "1.234,50 $ 1.234 ¥ 0,01 $"),
        ("fr", "1 234,50 $US 1 234 JPY 0,01 $US"),
        ("ja", "$1,234.50 ￥1,234 $0.01"),
    ],
)
def test_minor_units_are_amounts_of_their_currency_as_the_reader_writes_them(locale: str, shown: str) -> None:
    assert said("{{ 123450|money('USD') }} {{ 1234|money('JPY') }} {{ '1'|money('USD') }}", locale=locale) == shown


def test_units_are_amounts_too_and_small_ones_are_not_nothing() -> None:
    assert said("{{ '80.129'|amount('USD') }} {{ '0.0000195'|amount('USD') }}") == "$80.13 $0.0000195"
    assert said("{{ '1234567.5'|amount }} {{ 1234567|amount }}", locale="de") == "1.234.567,5 1.234.567"


@pytest.mark.parametrize("given", ["x", "", None, True, 1.5, "1e9", "9" * 40, "--1", [], "\uff11\uff12"])
def test_what_is_no_number_is_no_amount(given: Any) -> None:
    for source in ("{{ a|money('USD') }}", "{{ a|amount }}"):
        with pytest.raises(Failed, match="no number"):
            said(source, a=given)


def test_amounts_are_of_currencies_that_there_are() -> None:
    for currency in ("XXX", "", None, 1, "usd"):
        with pytest.raises(Failed, match="no currency"):
            said("{{ 1|money(a) }}", a=currency)


@pytest.mark.parametrize(
    ("locale", "time_zone", "shown"),
    [
        ("en", "UTC", "November 28, 2026, 11:30 PM UTC"),
        ("en", "America/New_York", "November 28, 2026, 6:30 PM EST"),
        ("de", "Europe/Berlin", "29. November 2026, 00:30 CET"),
        ("fr", "Asia/Kathmandu", "29 novembre 2026, 05:15 UTC+05:45"),
        ("en-GB", "UTC", "28 November 2026, 23:30 UTC"),
    ],
)
def test_a_moment_is_told_where_and_as_the_reader_is(locale: str, time_zone: str, shown: str) -> None:
    assert said("{{ '2026-11-28T23:30:00Z'|moment }}", locale=locale, time_zone=time_zone) == shown


def test_a_day_is_that_of_the_reader() -> None:
    assert said("{{ '2026-11-28T23:30:00Z'|moment('date') }}", locale="de") == "29. November 2026"


@pytest.mark.parametrize("given", ["", "tomorrow", None, 5, "2026-11-28T12:00:00", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment_is_refused(given: Any) -> None:
    with pytest.raises(Failed, match="moment"):
        said("{{ a|moment }}", a=given, time_zone="America/New_York")


def test_a_path_is_below_the_application_and_addresses_stay() -> None:
    assert said("{{ '/x?y=1'|link }}") == "https://app.example/console/x?y=1"
    assert said("{{ ('/x?token=' ~ a|urlencode)|link }}", a="a/b&c=?#") == (
        "https://app.example/console/x?token=a%2Fb%26c%3D%3F%23"
    )
    assert said("{{ 'https://other.example/x'|link }}") == "https://other.example/x"
    assert said("<a href='{{ a|link }}'>", html=True, a="/?a=1&b='") == (
        "<a href='https://app.example/console/?a=1&amp;b=&#39;'>"
    )


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:x@example.com",
        "//evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
        "https:/evil",
        "https://",
        "https://user:password@evil.example/",
        "https://[::1",
        "https://x:99999999/",
        "/../x",
        "/a/../../x",
        "/%2e%2E/x",
        "/a/..",
        "x",
        "",
        None,
        5,
        "/a b",
        "/a\u202eb",
        "/" + "a" * 3_000,
    ],
)
def test_a_link_leads_to_no_other_scheme_and_out_of_no_application(target: Any) -> None:
    with pytest.raises(Failed, match="link"):
        said("{{ a|link }}", a=target)


def test_texts_can_be_shortened_joined_and_have_something_in_their_place() -> None:
    assert said("{{ 'abcdef'|truncate(4) }} {{ 'abc'|truncate(4) }}") == "abc… abc"
    assert said("{{ a|join(' and ') }} {{ a|length }}", a=["x", 1]) == "x and 1 2"
    assert (
        said(
            "{{ a|default('-') }}{{ b.c|default('-') }}{{ d|default('-') }}{{ e|default('-') }}",
            a=None,
            b={},
            d="",
            e=0,
        )
        == "---0"
    )
    assert said("{{ ' x '|trim|upper }} {{ 'X'|lower }} {{ 'xY'|capitalize }}") == "X x Xy"


def test_lines_break_in_html_and_are_escaped() -> None:
    assert said("{{ a|lines }}", html=True, a="<b>\nx") == "&lt;b&gt;<br>\nx"
    assert said("{{ a|lines }}", a="<b>\nx") == "<b>\nx"


@pytest.mark.parametrize("source", ["upper", "lines", "urlencode", "trim", "truncate(5)", "join", "length"])
def test_a_filter_says_what_it_cannot_do_anything_with(source: str) -> None:
    with pytest.raises(Failed):
        said("{{ a|" + source + " }}", a=True)
