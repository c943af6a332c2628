"""Reading a `multipart/form-data` body in place: RFC 7578 on RFC 2046.

The body is in memory already, so a part is found by searching for the next delimiter, and is a range of the body: a
file is never copied. What is unusual is refused rather than guessed at: the provider's reader might guess otherwise,
and find another model than the one that was priced.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from integration.gateway.errors import InvalidCall
from integration.gateway.usage import Json

_MAX_PARTS: Final = 100
_MAX_HEADER_BYTES: Final = 4_096
_MAX_FIELD_BYTES: Final = 100_000
_CHARSET: Final = r"(?:\s*;\s*charset=[\w-]+)?"
_BOUNDARY: Final = r"boundary=(\"?)([\w'()+,./:=?-]{1,70})\1"  # the characters of RFC 2046, section 5.1.1
_CONTENT_TYPE: Final = re.compile(
    rf"multipart/form-data{_CHARSET}\s*;\s*{_BOUNDARY}{_CHARSET}\s*", re.ASCII | re.IGNORECASE
)
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~\w-]+):[ \t]*([ -~\x80-\xff\t]*)")
_NAME: Final = rb"name=(\"[^\"\\;]+\"|[^\"\\;\s]+)"
_FILE_NAMES: Final = rb"((?:;[ ]?filename\*?=(?:\"[^\"\\]*\"|[^\"\\;\s]+)){0,2})"
_FILE_NAME: Final = re.compile(rb"filename=\"?([^\"]*)\"?", re.IGNORECASE)
_DISPOSITION: Final = re.compile(rb"form-data;[ ]?" + _NAME + _FILE_NAMES, re.IGNORECASE)
_BLANK_LINE: Final = b"\r\n\r\n"
_LIST: Final = "[]"  # ends the names of fields that may come several times


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a body: its name, whether it is a file, where its content starts and ends, and a file's name."""

    name: str
    is_file: bool
    start: int
    end: int
    filename: str = ""


class MultipartRequest:
    """A form with a file.

    Attributes:
        raw: The body as it came.
        content_type: As it came, with the boundary.
        fields: The texts in it; a field that may come several times is left out, and so is one that is no short text.
        file_bytes: How large its files are together.
    """

    def __init__(self, raw: bytes, content_type: str) -> None:
        self.raw = raw
        self.content_type = content_type
        self._parts = list(_parts(raw, _boundary(content_type)))
        self._named = _by_name(self._parts)
        self.fields: Json = dict(_texts(raw, self._named))
        self.file_bytes = sum(part.end - part.start for part in self._parts if part.is_file)

    @property
    def text(self) -> bytes:
        """Its fields as JSON."""
        return orjson.dumps(self.fields)

    def file(self, name: str) -> tuple[str, bytes] | None:
        """The file in a field: what it is called, and what is in it; None when there is none."""
        part = self._named.get(name)
        return (part.filename, self.raw[part.start : part.end]) if part is not None and part.is_file else None

    def renamed(self, model: str) -> bytes:
        """The same for a provider that calls the model so."""
        part = self._named["model"]
        return b"".join((self.raw[: part.start], model.encode(), self.raw[part.end :]))

    def identity(self) -> Iterator[bytes | memoryview]:
        """Its parts without the boundary, which is another one every time."""
        body = memoryview(self.raw)
        for part in self._parts:
            yield orjson.dumps([part.name, part.end - part.start])
            yield body[part.start : part.end]


def _boundary(content_type: str) -> bytes:
    found = _CONTENT_TYPE.fullmatch(content_type)
    if found is None:
        raise InvalidCall("The body of your request must be multipart/form-data with a boundary.", code="invalid_form")
    return found[2].encode()


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    delimiter = b"\r\n--" + boundary
    if not body.startswith(delimiter[2:]):
        raise _malformed("it does not start with its boundary")
    at = len(delimiter) - 2
    for _ in range(_MAX_PARTS):
        if body.startswith(b"--", at):
            if body[at + 2 :].strip():
                raise _malformed("something follows its end")
            return
        if not body.startswith(b"\r\n", at):
            raise _malformed("something follows a boundary")
        blank = body.find(_BLANK_LINE, at, at + _MAX_HEADER_BYTES)
        start = blank + len(_BLANK_LINE)
        end = body.find(delimiter, start)
        if blank < 0 or end < 0 or body.startswith(delimiter[2:], start):
            raise _malformed("a part of it does not end")
        yield _part(body[at + 2 : start], start, end)
        at = end + len(delimiter)
    raise _malformed("it has too many parts")


def _part(head: bytes, start: int, end: int) -> Part:
    """The part with this head: its headers, one a line, and an empty line."""
    headers = [_HEADER.fullmatch(line) for line in head.removesuffix(_BLANK_LINE).split(b"\r\n")]
    named: dict[bytes, bytes] = {header[1].lower(): header[2] for header in headers if header}
    disposition = _DISPOSITION.fullmatch(named.get(b"content-disposition", b"").strip())
    if len(named) != len(headers) or disposition is None or b"content-transfer-encoding" in named:
        raise _malformed("the head of a part is none that is usual")
    try:
        return Part(disposition[1].strip(b'"').decode(), bool(disposition[2]), start, end, _file_name(disposition[2]))
    except UnicodeDecodeError as error:
        raise _malformed("a part of it has a name that is no text in UTF-8") from error


def _file_name(names: bytes) -> str:
    """What a file is called, without folders."""
    found = _FILE_NAME.search(names)
    return re.split(r"[/\\\\]", found[1].decode(errors="replace"))[-1] if found else ""


def _by_name(parts: list[Part]) -> Mapping[str, Part]:
    """The parts that may come once."""
    named: dict[str, Part] = {}
    for part in parts:
        if part.name in named:
            raise InvalidCall(f"'{part.name}' was given more than once.", param=part.name)
        if not part.name.endswith(_LIST):
            named[part.name] = part
    return named


def _texts(body: bytes, named: Mapping[str, Part]) -> Iterator[tuple[str, str]]:
    for name, part in named.items():
        if part.is_file or part.end - part.start > _MAX_FIELD_BYTES:
            continue
        try:
            yield name, body[part.start : part.end].decode()
        except UnicodeDecodeError as error:
            raise InvalidCall(f"'{name}' is not a text in UTF-8.", param=name) from error


def _malformed(why: str) -> InvalidCall:
    return InvalidCall(f"We could not parse the form in the body of your request: {why}.", code="invalid_form")
