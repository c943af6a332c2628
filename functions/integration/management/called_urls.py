"""Which URLs organizations may have called: one grammar, so that nobody reads it differently from us (RFC 3986)."""

import re

from integration.provider_addresses import AddressPolicy
from llmo_core.addresses import literal

_LONGEST = 500
_LONGEST_NAME = 253
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~:@!$&'()*+,;=-]+)*)/?"
    r"(?P<query>\?[A-Za-z0-9._~:@!$&'()*+,;=/?%-]*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LARGEST_PORT = 65_535
# RFC 6761, section 6.3; RFC 6762, section 3; https://www.icann.org/en/board-activities-and-meetings (private use)
_OF_NO_INTERNET = ("localhost", "local", "internal")


class UnusableUrl(ValueError):
    """A URL that is not called; the text says why."""


def canonical_url(text: str, policy: AddressPolicy, *, queries: bool = False) -> str:
    """A URL as it is kept: scheme and host in lower case, no trailing slash. Raises UnusableUrl.

    A name's addresses are looked at when it is called.

    Args:
        text: As somebody gave it.
        policy: Which addresses are called.
        queries: Whether it may have a query.
    """
    found = _URL.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or (found["query"] is not None and not queries):
        shape = "https://host[:port][/path]" + ("[?query]" if queries else "")
        without = "user and fragment" if queries else "user, query and fragment"
        raise UnusableUrl(f"It is {shape}, with nothing encoded, and without {without}.")
    scheme, host, port, path = found["scheme"].lower(), found["host"].lower(), found["port"], found["path"]
    if scheme != "https" and not policy.private:
        raise UnusableUrl("It begins with https://.")
    if port is not None and not 0 < int(port) <= _LARGEST_PORT:
        raise UnusableUrl("The port is none.")
    if {".", ".."} & set(path.split("/")):
        raise UnusableUrl("The path has a dot segment.")
    authority = _host(host, policy, tls=scheme == "https") + (f":{int(port)}" if port is not None else "")
    return f"{scheme}://{authority}{path}{found['query'] or ''}"


def _host(host: str, policy: AddressPolicy, *, tls: bool) -> str:
    try:
        address = literal(host.strip("[]"))
    except ValueError as error:
        raise UnusableUrl("The host is neither a name nor an address.") from error
    if address is None:
        return _name(host, policy)
    if not policy.allows(address, tls=tls):
        raise UnusableUrl("The host's address is not called: it is private, or of special use, or needs TLS.")
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - of the internet protocol


def _name(host: str, policy: AddressPolicy) -> str:
    labels = host.split(".")
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise UnusableUrl("The host is no name of the domain name system.")
    if not policy.private and (len(labels) == 1 or labels[-1] in _OF_NO_INTERNET):
        raise UnusableUrl("The host's name is one of a private network.")
    return host
