"""Versions of things: `ETag` on answers, `If-Match` on changes (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from llmo_core.errors import Invalid

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t]*{_TAG}(?:[ \t]*,[ \t]*{_TAG})*[ \t]*")
_OURS = re.compile(r'(?<!W/)"([1-9][0-9]{0,9})"')

TAGGED: Mapping[str, Any] = {
    "headers": {"ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}}}
}
"""What a route documents of its success when the answer has an `ETag`."""


class MalformedIfMatch(Invalid):
    """`If-Match` is `*`, or entity tags as answers carry them in `ETag`, such as `"3"`."""


def tag(response: Response, version: int) -> None:
    """Tell the version of what is answered."""
    response.headers["etag"] = f'"{version}"'


async def expected_versions(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="Changes nothing unless the thing still has this `ETag`; 412 then.",
            examples=['"3"'],
        ),
    ] = None,
) -> frozenset[int] | None:
    """The versions that a change is meant for; None for any. Raises MalformedIfMatch.

    Tags that are weak or none of ours match nothing.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    if _LIST.fullmatch(if_match) is None:
        raise MalformedIfMatch
    return frozenset(map(int, _OURS.findall(if_match)))


type Expected = Annotated[frozenset[int] | None, Depends(expected_versions)]
