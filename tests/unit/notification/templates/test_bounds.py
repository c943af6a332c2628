"""How long messages are, and that one line is one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.templates import bounds, values


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 1, "gsm_7"),
        ("a" * 160, 1, "gsm_7"),
        ("a" * 161, 2, "gsm_7"),
        ("a" * 306, 2, "gsm_7"),
        ("a" * 307, 3, "gsm_7"),
        ("€" * 80, 1, "gsm_7"),
        ("€" * 81, 2, "gsm_7"),
        ("äöüß@£", 1, "gsm_7"),
        ("ê", 1, "ucs_2"),
        ("ê" * 70, 1, "ucs_2"),
        ("ê" * 71, 2, "ucs_2"),
        ("ê" * 134, 2, "ucs_2"),
        ("ê" * 135, 3, "ucs_2"),
        ("😀" * 35, 1, "ucs_2"),
        ("😀" * 36, 2, "ucs_2"),
    ],
)
def test_segments_are_counted_as_they_are_sent(text: str, count: int, encoding: str) -> None:
    assert bounds.segments(text) == bounds.Segments(count, encoding)


@given(st.text(max_size=2_000), st.none() | st.text("abc/?=", max_size=1_024).map(lambda path: f"https://x/{path}"))
def test_a_text_message_has_few_segments_and_its_link_whole_or_not_at_all(text: str, link: str | None) -> None:
    sent = bounds.sms(text, link)
    assert bounds.segments(sent).count <= bounds.SEGMENTS
    if link is not None and bounds.segments(link).count < bounds.SEGMENTS:
        assert sent.endswith(f" {link}")


def test_print_is_made_plain_where_that_alone_keeps_a_text_message_small() -> None:
    assert bounds.sms("\u201cIt\u2019s\u201d\u00a0\u2013\u202f99\u2026", None) == '"It\'s" - 99...'


def test_of_a_long_text_message_the_end_is_left_out() -> None:
    sent = bounds.sms("word " * 400, "https://x/y")
    assert bounds.segments(sent) == bounds.Segments(bounds.SEGMENTS, "gsm_7")
    assert sent.endswith("word wo... https://x/y")
    assert len(sent) > 600


@given(st.text(max_size=400), st.integers(1, 300))
def test_one_line_is_one_line(text: str, most: int) -> None:
    line = bounds.line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    assert all(each.isprintable() or not each.isspace() for each in line)
    assert not {"\r", "\n", "\0", "\x0b", "\x85", "\u2028", "\u202e"} & set(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=20,
    )
)
def test_whatever_values_are_given_become_plain_ones_without_control_characters(given_value: object) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict):
            return [text for key, each in value.items() for text in (key, *texts(each))]
        return [text for each in value for text in texts(each)] if isinstance(value, list) else []

    for text in texts(values.plain({"x": given_value})):
        text.encode()
        assert all(each in "\t\n" or each >= " " for each in text)


def test_too_many_values_are_refused() -> None:
    nested: object = 1
    for _ in range(20):
        nested = [nested]
    for given_values in ({"x": "x" * 70_000}, {"x": [0] * 20_000}, {"x": nested}):
        with pytest.raises(values.TooMuch):
            values.plain(given_values)
