"""Providers' files of JSON lines, and finding a batch among many."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.deferral.provider_api import ProviderApi, split_lines
from integration.gateway.destinations import Connection
from integration.gateway.errors import UpstreamBroken


async def chunked(content: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted({cut for cut in cuts if cut < len(content)}), len(content)]
    for start, end in pairwise(edges):
        yield content[start:end]


class Pages:
    """A provider with some batches, the newest first, that are told of in pages."""

    def __init__(self, batches: list[dict[str, Any]], content: bytes = b"") -> None:
        self._batches = batches
        self._content = content
        self.asked = 0

    async def ask(
        self, _method: str, path: str, _connection: Connection | None, _body: bytes | None = None, _type: str = ""
    ) -> bytes:
        self.asked += 1
        after = path.partition("&after=")[2]
        start = next((place for place, each in enumerate(self._batches, 1) if each["id"] == after), 0)
        more = start + 100 < len(self._batches)
        return orjson.dumps({"data": self._batches[start : start + 100], "has_more": more})

    def content(self, _method: str, _path: str, _connection: Connection | None) -> AsyncIterator[bytes]:
        return chunked(self._content, [])


@given(
    lines=st.lists(st.binary(max_size=9).map(lambda text: text.replace(b"\n", b""))), cuts=st.lists(st.integers(0, 99))
)
async def test_lines_are_found_however_they_are_cut_and_too_long_ones_left_out(
    lines: list[bytes], cuts: list[int]
) -> None:
    found = [each async for each in split_lines(chunked(b"\n".join(lines), cuts), most_bytes=6)]

    assert [each for each in found if each] == [each for each in lines if 0 < len(each) <= 6]


async def test_lines_that_are_no_objects_are_left_out() -> None:
    api = ProviderApi(Pages([], b'{"a":1}\n[1]\n{"half\n\n' + b"[" * 2_000 + b'\n{"b":2}'))

    assert [each async for each in api.lines(None, "file-1")] == [({"a": 1}, 7), ({"b": 2}, 7)]


async def test_a_file_whose_name_is_none_is_not_asked_for() -> None:
    with pytest.raises(UpstreamBroken):
        _ = [each async for each in ProviderApi(Pages([])).lines(None, "../models")]


async def test_a_batch_is_found_behind_many_newer_ones() -> None:
    batches = [{"id": f"batch_{number}", "input_file_id": f"file-{number}"} for number in range(350)]

    assert await ProviderApi(Pages(batches)).made_of(None, "file-340") == "batch_340"


async def test_the_search_for_a_batch_ends() -> None:
    provider = Pages([{"id": f"batch_{number}", "input_file_id": "other"} for number in range(2_500)])

    assert await ProviderApi(provider).made_of(None, "file-1") is None
    assert provider.asked == 20


@pytest.mark.parametrize("data", [None, [1, {"id": 5}, {"id": "a b"}], {}])
async def test_a_list_that_makes_no_sense_has_no_batch(data: Any) -> None:
    class Odd(Pages):
        async def ask(self, *_: Any) -> bytes:
            return orjson.dumps({"data": data, "has_more": True})

    assert await ProviderApi(Odd([])).made_of(None, "file-1") is None
