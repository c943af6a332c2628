"""Which endpoints are called to push notifications to browsers: those of push services on the internet (RFC 8030).

Anybody may name one, and we call it: it must lead to nothing that only we can reach. A name's addresses are looked at
when it is called, by the provider.
"""

import re
from typing import Final

from llmo_core.addresses import is_private, is_public, literal
from notification.contacts.models import UnusableEndpoint

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"/[A-Za-z0-9._~:@!$&'()*+,;=/%-]*"
    r"(?:\?[A-Za-z0-9._~:@!$&'()*+,;=/?%-]*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_LONGEST_NAME: Final = 253
_LARGEST_PORT: Final = 65_535
# RFC 6761, section 6.3; RFC 6762, section 3; https://www.icann.org/en/board-activities-and-meetings (private use)
_OF_NO_INTERNET: Final = frozenset({"localhost", "local", "internal"})


def require_push_service(endpoint: str, *, private: bool) -> None:
    """Raise UnusableEndpoint for what is not called.

    Args:
        endpoint: As the browser gave it.
        private: Whether it may be on this machine and in private networks too, where it needs no TLS.
    """
    found = _URL.fullmatch(endpoint)
    if found is None:
        raise UnusableEndpoint("An endpoint is https://host[:port]/path, without user and fragment.")
    if found["scheme"].lower() != "https" and not private:
        raise UnusableEndpoint("An endpoint begins with https://.")
    if found["port"] is not None and not 0 < int(found["port"]) <= _LARGEST_PORT:
        raise UnusableEndpoint("The endpoint's port is none.")
    host = found["host"]
    try:
        address = literal(host.strip("[]"))
    except ValueError as error:
        raise UnusableEndpoint("The endpoint's host is neither a name nor an address.") from error
    if address is None:
        _require_name(host, private=private)
    elif not (is_public(address) or (private and is_private(address))):
        raise UnusableEndpoint("The endpoint's address is private, or of special use.")


def _require_name(host: str, *, private: bool) -> None:
    labels = host.lower().split(".")
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise UnusableEndpoint("The endpoint's host is no name of the domain name system.")
    if not private and (len(labels) == 1 or labels[-1] in _OF_NO_INTERNET):
        raise UnusableEndpoint("The endpoint's host is one of a private network.")
