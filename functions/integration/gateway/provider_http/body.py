"""The body of an answer on its way from the connection to its reader."""

import zlib
from collections import deque
from typing import Final

from integration.gateway.provider_http.errors import ConnectionBroken

MOST_WAITING_BYTES: Final = 256 * 1024
"""Beyond so much that nobody has taken, the connection is not read."""
_MOST_INFLATED_BYTES: Final = 16 * 1024 * 1024  # of one piece: a piece of a gigabyte of zeros is an attack
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS  # https://docs.python.org/3/library/zlib.html#zlib.decompressobj
_AS_IT_IS: Final = "identity"
_INFLATED: Final = frozenset({"gzip", "x-gzip", "deflate"})


class Body:
    """Pieces of a body that came and were not taken yet.

    Args:
        encoding: The answer's `content-encoding`; some servers compress although they are asked not to.

    Raises:
        ConnectionBroken: For an encoding that is not understood.
    """

    def __init__(self, encoding: str | None) -> None:
        coding = (encoding or _AS_IT_IS).lower()
        if coding != _AS_IT_IS and coding not in _INFLATED:
            raise ConnectionBroken(f"The answer is compressed as {encoding!r}, which was not asked for.")
        self._inflate = zlib.decompressobj(_ZLIB_OR_GZIP) if coding in _INFLATED else None
        self._pieces: deque[bytes] = deque()
        self._waiting = 0

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._waiting > MOST_WAITING_BYTES

    def put(self, piece: bytes) -> None:
        """Add what came. Raises ConnectionBroken for what cannot be inflated."""
        if self._inflate is not None:
            piece = _inflated(self._inflate, piece)
        if piece:
            self._pieces.append(piece)
            self._waiting += len(piece)

    def end(self) -> None:
        """Say that all of it came. Raises ConnectionBroken when its compression is not at its end."""
        if self._inflate is not None and not self._inflate.eof:
            raise ConnectionBroken("The answer's compression ends early.")

    def take(self) -> bytes:
        """All that waits; nothing when nothing does."""
        if not self._pieces:
            return b""
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        return taken


def _inflated(inflate: "zlib._Decompress", piece: bytes) -> bytes:
    try:
        inflated = inflate.decompress(piece, _MOST_INFLATED_BYTES)
    except zlib.error as error:
        raise ConnectionBroken("The answer's compression is broken.") from error
    if inflate.unconsumed_tail:
        raise ConnectionBroken("The answer is compressed beyond all measure.")
    if inflate.unused_data:  # a second member (RFC 1952, 2.2), which no server is known to send
        raise ConnectionBroken("More follows the end of the answer's compression.")
    return inflated
