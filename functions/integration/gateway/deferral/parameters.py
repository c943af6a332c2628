"""Reading what requests about files and batches ask for. Everything raises InvalidCall, naming what is at fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from integration.gateway.call_headers import read_cache, read_region, read_tags
from integration.gateway.deferral.models import COMPLETION_WINDOW, Purpose
from integration.gateway.endpoints.multipart import MultipartRequest
from integration.gateway.endpoints.request import missing, read_json, required_text
from integration.gateway.errors import InvalidCall

DEFERRABLE: Final = ("/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/responses")
_MOST_PER_PAGE: Final = {"files": 10_000, "batches": 100}
_USUAL_PER_PAGE: Final = {"files": 10_000, "batches": 20}
_MOST_FILENAME: Final = 255
# https://platform.openai.com/docs/api-reference/batch/create
_MOST_PAIRS: Final = 16
_MOST_KEY: Final = 64
_MOST_VALUE: Final = 512
_KNOWN: Final = frozenset(("input_file_id", "endpoint", "completion_window", "metadata"))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch as it is asked for."""

    input_file: str
    endpoint: str
    metadata: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    after: str | None
    limit: int
    ascending: bool
    purpose: str | None


def read_upload(raw: bytes, headers: Mapping[str, str]) -> Upload:
    """The file in a form."""
    form = MultipartRequest(raw, headers.get("content-type", ""))
    purpose = form.fields.get("purpose")
    if not purpose:
        raise missing("purpose")
    if purpose != Purpose.BATCH:
        raise InvalidCall("'purpose' must be 'batch': files are for batches here.", param="purpose")
    if any(name.startswith("expires_after") for name in form.fields):
        raise InvalidCall("Files are kept for thirty days.", param="expires_after", code="unsupported_parameter")
    file = form.file("file")
    if file is None:
        raise missing("file")
    filename, content = file
    if not content:
        raise InvalidCall("The file is empty.", param="file", code="empty_file")
    return Upload(filename[:_MOST_FILENAME].replace("\x00", "") or "file", content)


def read_wanted(raw: bytes) -> Wanted:
    """The batch that is asked for."""
    fields = read_json(raw).fields
    input_file, endpoint = required_text(fields, "input_file_id"), required_text(fields, "endpoint")
    if unknown := sorted(fields.keys() - _KNOWN):
        raise InvalidCall(f"'{unknown[0]}' is not known here.", param=unknown[0], code="unsupported_parameter")
    if endpoint not in DEFERRABLE:
        raise InvalidCall(f"'endpoint' must be one of {', '.join(DEFERRABLE)}.", param="endpoint")
    if required_text(fields, "completion_window") != COMPLETION_WINDOW:
        raise InvalidCall(f"'completion_window' must be '{COMPLETION_WINDOW}'.", param="completion_window")
    return Wanted(input_file, endpoint, _metadata(fields.get("metadata")))


def read_page(query: bytes, what: str) -> Page:
    """Which part of the list of `files` or `batches`."""
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    limit, most = given.get("limit", str(_USUAL_PER_PAGE[what])), _MOST_PER_PAGE[what]
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= most):
        raise InvalidCall(f"'limit' must be a number from 1 to {most}.", param="limit")
    order = given.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise InvalidCall("'order' must be 'asc' or 'desc'.", param="order")
    purpose = given.get("purpose")
    if purpose is not None and purpose not in list(Purpose):
        raise InvalidCall("'purpose' must be 'batch' or 'batch_output'.", param="purpose")
    return Page(given.get("after") or None, int(limit), order == "asc", purpose)


def read_defer(headers: Mapping[str, str]) -> None:
    """That a call is to be made later."""
    if headers.get("x-llmo-defer") != "true":
        raise InvalidCall("The header x-llmo-defer takes true or false.", param="x-llmo-defer")


def read_headers(headers: Mapping[str, str]) -> None:
    """That the headers which count for each call of a batch make sense."""
    read_tags(headers)
    read_region(headers)
    read_cache(headers, lambda _: "", usable=True)


def _metadata(given: Any) -> Mapping[str, str] | None:  # noqa: ANN401 - whatever the client sent
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > _MOST_PAIRS:
        raise InvalidCall(f"'metadata' must be an object of at most {_MOST_PAIRS} pairs.", param="metadata")
    for name, value in given.items():
        if not isinstance(value, str) or len(name) > _MOST_KEY or len(value) > _MOST_VALUE or "\x00" in name + value:
            raise InvalidCall(
                f"'metadata' has names of at most {_MOST_KEY} and texts of at most {_MOST_VALUE} characters.",
                param="metadata",
            )
    return given
