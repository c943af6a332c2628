"""Where people are sent back to: addresses that an application registered, to the letter.

Sources: RFC 9700 section 4.1 (exact match), RFC 8252 section 7.3 (loopback), RFC 9207 (`iss`).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SHAPE = re.compile(r"https?://[!-~]+")
_FORBIDDEN = frozenset("#*\\\"'<>;,`^{}|")  # some of them would end a directive of a page's security policy


def registrable(uri: str) -> str:
    """The same address, if an application may register it; raises ValueError.

    It is https, or http to the machine that the browser runs on, without fragment, wildcard, user and password.
    """
    if _SHAPE.fullmatch(uri) is None or set(uri) & _FORBIDDEN:
        raise ValueError("a redirect URI is https://… in ASCII, without fragment and wildcards")
    parts = urlsplit(uri)
    if parts.hostname is None or "@" in parts.netloc or parts.port == 0:
        raise ValueError("a redirect URI has a host, and neither user nor password")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("http goes to 127.0.0.1, [::1] or localhost only")
    return uri


def origin_of(uri: str) -> str:
    """Scheme, host and port, as a page's security policy names them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def answer(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """Where the browser takes an answer; parameters without a value are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(given)}"
