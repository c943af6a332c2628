"""Cursors of lists."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.paging import (
    MalformedCursor,
    cursor_after,
    cursor_after_moment,
    cursor_at,
    entry_before,
    moment_before,
    position_of,
)


@given(st.uuids())
def test_a_cursor_stands_for_an_entry(entry: UUID) -> None:
    cursor = cursor_after(entry)
    assert entry_before(cursor) == entry
    with pytest.raises(MalformedCursor):
        position_of(cursor)


@given(st.integers(0, 2**32 - 1))
def test_a_cursor_stands_for_a_position(position: int) -> None:
    cursor = cursor_at(position)
    assert position_of(cursor) == position
    with pytest.raises(MalformedCursor):
        entry_before(cursor)


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_stands_for_a_moment_and_an_entry(moment: datetime, entry: UUID) -> None:
    cursor = cursor_after_moment((moment, entry))
    assert moment_before(cursor) == (moment, entry)
    for read in (entry_before, position_of):
        with pytest.raises(MalformedCursor):
            read(cursor)


def test_the_first_page_needs_no_cursor_and_the_last_one_has_none() -> None:
    assert (entry_before(None), position_of(None), moment_before(None)) == (None, 0, None)
    assert (cursor_after(None), cursor_at(None), cursor_after_moment(None)) == (None, None, None)


@given(st.text())
def test_what_was_never_given_out_is_refused_or_stands_for_something(text: str) -> None:
    for read in (entry_before, position_of, moment_before):
        try:
            read(text)
        except MalformedCursor:
            continue
