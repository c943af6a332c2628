"""Entity tags and what a change is meant for."""

import pytest
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.http.etags import MalformedIfMatch, expected_versions, tag


@given(st.integers(1, 2**31 - 1))
async def test_a_tag_names_the_version_that_it_was_given_for(version: int) -> None:
    response = Response()
    tag(response, version)
    assert await expected_versions(response.headers["etag"]) == frozenset({version})


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        ('"1", "2"', {1, 2}),
        (' "1" ,"22" ', {1, 22}),
        ('W/"1"', set()),
        ('W/"1", "2"', {2}),
        ('"0", "01", "x", "99999999999", "W/"', set()),
        ('""', set()),
    ],
)
async def test_any_of_the_tags_will_do_if_it_is_strong_and_ours(header: str | None, versions: set[int] | None) -> None:
    found = await expected_versions(header)
    assert (set(found) if found is not None else None) == versions


@pytest.mark.parametrize("header", ["", "1", '"1', '"1" "2"', '"1",', "*, *", 'w/"1"', '"a b"'])
async def test_what_is_no_list_of_tags_is_refused(header: str) -> None:
    with pytest.raises(MalformedIfMatch):
        await expected_versions(header)
