"""What can be wrong with a provider that was asked for its models, in words that help whoever set it up."""

from collections.abc import Mapping, Sequence

import aiohttp

from llmo_core.guarded_resolver import AddressRefused

NO_LIST = "The answer is no JSON list of models. Is the base URL that of an OpenAI-compatible API, such as …/v1?"
_NOT_FOUND = 404
_NOT_LISTED = (
    "The provider answers. It lists no models at this address, so only a call shows whether it takes the credentials."
)
_BY_STATUS: Mapping[int, str] = {
    200: "",
    401: "The provider refuses the credentials (HTTP 401).",
    403: "The provider refuses the credentials (HTTP 403).",
    404: "There are no models at this address (HTTP 404). Is the base URL right, with its version, such as …/v1?",
    429: "The provider takes no more calls for now (HTTP 429): the credentials are over a limit.",
}
_BY_CLASS: Mapping[int, str] = {
    3: "The provider redirects (HTTP {status}), which is not followed: give the final base URL.",
    4: "The provider does not take the call (HTTP {status}).",
    5: "The provider has a failure of its own (HTTP {status}).",
}
_UNEXPECTED = "The provider answers with a status that means nothing here (HTTP {status})."


class TooLarge(Exception):
    """The answer is larger than any list of models."""


# The first match counts: the later ones are more general.
_FAILURES: Sequence[tuple[type[Exception], str]] = (
    (AddressRefused, "The host's address is not called: it is private, or of special use, or needs TLS."),
    (aiohttp.ClientConnectorDNSError, "The host's name cannot be resolved to an address."),
    (
        aiohttp.ClientSSLError,
        "TLS fails: the certificate is not valid for the host, or no trusted one, or this is no TLS server.",
    ),
    (TimeoutError, "The provider does not answer in time: five seconds to connect, five to answer, ten in all."),
    (aiohttp.ClientConnectorError, "Nobody answers at the host and port."),
    (TooLarge, "The answer is larger than one megabyte."),
    (Exception, "The connection breaks off before there is a whole answer."),
)


def of_status(status: int, *, lists_models: bool) -> str | None:
    """What is wrong with an answer by its status; None for a success."""
    if status == _NOT_FOUND and not lists_models:
        return _NOT_LISTED
    text = _BY_STATUS.get(status, _BY_CLASS.get(status // 100, _UNEXPECTED))
    return text.format(status=status) or None


def of_failure(failure: Exception) -> str:
    """What is wrong when there is no whole answer."""
    return next(text for kind, text in _FAILURES if isinstance(failure, kind))
