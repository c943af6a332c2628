"""Cursors of lists."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.paging import MalformedCursor, cursor_after, cursor_at, entry_before, position_of


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


def test_the_first_page_needs_no_cursor_and_the_last_one_has_none() -> None:
    assert (entry_before(None), position_of(None)) == (None, 0)
    assert (cursor_after(None), cursor_at(None)) == (None, None)


@given(st.text())
def test_what_was_never_given_out_is_refused_or_stands_for_something(text: str) -> None:
    for read in (entry_before, position_of):
        try:
            read(text)
        except MalformedCursor:
            continue
