import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from notification.contacts.keys import authentication_secret, public_key

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"  # RFC 8291, A


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_the_keys_of_the_rfcs_example_are_usable() -> None:
    assert public_key(P256DH) == public_key(f"{P256DH}=") == P256DH
    assert authentication_secret("BTBZMqHH6r4Tts7J_aSIgg==") == "BTBZMqHH6r4Tts7J_aSIgg"


@given(st.integers(1, 2**200))
def test_every_point_of_the_curve_is_usable_and_its_neighbours_are_not(secret: int) -> None:
    key = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert public_key(encoded(point)) == encoded(point)
    beside = point[:-1] + bytes([point[-1] ^ 1])
    compressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    for unusable in (beside, compressed, point + b"\0", point[:-1], b"\x05" + point[1:], b""):
        with pytest.raises(ValueError, match="base64url"):
            public_key(encoded(unusable))


@given(st.text(max_size=100))
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        public_key(text)


@given(st.binary(max_size=40).filter(lambda raw: len(raw) != 16))
def test_secrets_of_another_length_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="base64url"):
        authentication_secret(encoded(raw))
