"""What browsers give for encryption (RFC 8291, section 3.1): whether it can be used at all.

Looked at when a device is registered, where somebody can be told; not when its first notification is encrypted.
"""

import base64
import binascii
import re
from typing import Final

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_POINT_BYTES: Final = 65
_UNCOMPRESSED: Final = 4
_SECRET_BYTES: Final = 16
# P-256: SEC 2, section 2.4.2; y² = x³ - 3x + b.
_P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def public_key(text: str) -> str:
    """The text of an uncompressed point of P-256, without padding. Raises ValueError."""
    point = _decoded(text)
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    on_curve = x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0
    if len(point) != _POINT_BYTES or point[0] != _UNCOMPRESSED or not on_curve:
        raise ValueError("this is no uncompressed point of P-256 in base64url")
    return text.rstrip("=")


def authentication_secret(text: str) -> str:
    """The text of 16 bytes, without padding. Raises ValueError."""
    if len(_decoded(text)) != _SECRET_BYTES:
        raise ValueError("these are no 16 bytes in base64url")
    return text.rstrip("=")


def _decoded(text: str) -> bytes:
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("this is no base64url")
    text = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("this is no base64url") from error
