"""Reading forms: as aiohttp reads and writes them, or not at all."""

import asyncio

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import StreamReader
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from integration.gateway.endpoints.multipart import MultipartRequest
from integration.gateway.errors import InvalidCall

names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
contents = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"\r\n", b"--", b"b", b"--b", b"\r\n--", b"\r\n--c", b"\n", b"-"]), max_size=12
).map(b"".join)


def written(fields: dict[str, str], file: bytes, boundary: str = "b") -> tuple[bytes, str]:
    parts = [f'content-disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in fields.items()]
    parts.append(
        b'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\ncontent-type: audio/mpeg\r\n\r\n' + file
    )
    delimiter = f"\r\n--{boundary}\r\n".encode()
    body = delimiter[2:] + delimiter.join(parts) + delimiter[:-2] + b"--\r\n"
    return body, f"multipart/form-data; boundary={boundary}"


async def aiohttp_reads(raw: bytes, content_type: str) -> list[tuple[str | None, bytes]]:
    body = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**20)
    body.feed_data(raw)
    body.feed_eof()
    reader = aiohttp.MultipartReader(CIMultiDict({"content-type": content_type}), body)
    return [(part.name, bytes(await part.read())) async for part in reader if isinstance(part, aiohttp.BodyPartReader)]


def we_read(raw: bytes, content_type: str) -> list[tuple[str | None, bytes]]:
    request = MultipartRequest(raw, content_type)
    return [(part.name, raw[part.start : part.end]) for part in request._parts]


@given(fields=st.dictionaries(names, st.text(max_size=20), max_size=4), file=contents)
async def test_a_form_is_read_as_aiohttp_reads_it(fields: dict[str, str], file: bytes) -> None:
    raw, content_type = written(fields, file)
    try:
        ours = we_read(raw, content_type)
    except InvalidCall:
        return  # a part that contains the boundary, or a field of the file's name
    assert ours == await aiohttp_reads(raw, content_type)


@given(junk=contents, at=st.integers(0, 400))
async def test_a_damaged_form_is_read_as_aiohttp_reads_it_or_refused(junk: bytes, at: int) -> None:
    raw, content_type = written({"model": "whisper-1", "prompt": "names"}, b"noise")
    damaged = raw[:at] + junk + raw[at:]
    try:
        ours = we_read(damaged, content_type)
    except InvalidCall:
        return
    try:
        theirs = await aiohttp_reads(damaged, content_type)
    except (BadHttpMessage, ValueError):
        return  # nobody is asked for another model then
    assert ours == theirs


@given(fields=st.dictionaries(names, st.text(min_size=1, max_size=20), max_size=4), file=st.binary(min_size=1))
async def test_what_aiohttp_writes_is_read(fields: dict[str, str], file: bytes) -> None:
    form = aiohttp.FormData()
    for name, text in fields.items():
        form.add_field(f"x{name}", text)
    form.add_field("file", file, filename="Grüße.mp3", content_type="audio/mpeg")
    payload = form()
    raw = await payload.as_bytes()
    request = MultipartRequest(raw, payload.headers["content-type"])
    assert request.file_bytes == len(file)
    assert request.fields == {f"x{name}": text for name, text in fields.items()}


@given(file=contents.filter(lambda file: b"--" not in file))
def test_the_boundary_makes_no_difference(file: bytes) -> None:
    identities = [
        b"".join(bytes(piece) for piece in MultipartRequest(*written({"model": "m"}, file, boundary)).identity())
        for boundary in ("one", "another")
    ]
    assert identities[0] == identities[1]


def test_a_file_is_not_copied() -> None:
    raw, content_type = written({}, b"\0" * 1_000)
    *_, piece = MultipartRequest(raw, content_type).identity()
    assert isinstance(piece, memoryview)
    assert piece.obj is raw


HEAD = b'--b\r\ncontent-disposition: form-data; name="model"'


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"--b--", "multipart/form-data"),
        (b"--b--", "multipart/mixed; boundary=b"),
        (b"--b--", "multipart/form-data; boundary=" + "b" * 71),
        (b"preamble\r\n--b--", "multipart/form-data; boundary=b"),
        (b"--b--\r\nepilogue", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\n\r\nm", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\n\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\n\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"; name*=utf-8''other\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\nodd line\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\ncontent-transfer-encoding: base64\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\n" + HEAD[5:] + b"\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\nx: " + b"x" * 5_000 + b"\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nm\r\n--b--", "multipart/form-data; boundary=b"),
        (HEAD + b"\r\n\r\n\xff\r\n--b--", "multipart/form-data; boundary=b"),
        ((HEAD + b"\r\n\r\nm\r\n") * 2 + b"--b--", "multipart/form-data; boundary=b"),
        ((HEAD.replace(b"model", b"x[]") + b"\r\n\r\nm\r\n") * 101 + b"--b--", "multipart/form-data; boundary=b"),
    ],
)
def test_what_another_reader_could_take_for_something_else_is_refused(raw: bytes, content_type: str) -> None:
    with pytest.raises(InvalidCall):
        MultipartRequest(raw, content_type)


def test_long_fields_and_lists_are_left_alone() -> None:
    raw, content_type = written({"model": "m", "prompt": "p" * 200_000, "include[]": "logprobs"}, b"noise")
    assert MultipartRequest(raw, content_type).fields == {"model": "m"}
