import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_auth.sealing import Seal, Unsealable

SEAL = Seal(b"pepper", b"tests")


@given(text=st.binary(), under=st.binary(), about=st.binary())
def test_who_knows_both_secrets_opens_what_was_sealed(text: bytes, under: bytes, about: bytes) -> None:
    assert SEAL.open(SEAL.close(text, under=under, about=about), under=under, about=about) == text


@given(position=st.integers(0, 30), bit=st.integers(0, 7))
def test_a_changed_text_is_not_opened(position: int, bit: int) -> None:
    sealed = bytearray(SEAL.close(b"abc", under=b"key", about=b"it"))
    sealed[position % len(sealed)] ^= 1 << bit

    with pytest.raises(Unsealable):
        SEAL.open(bytes(sealed), under=b"key", about=b"it")


@pytest.mark.parametrize(
    ("seal", "under", "about"),
    [
        (Seal(b"another", b"tests"), b"key", b"it"),
        (Seal(b"pepper", b"another"), b"key", b"it"),
        (SEAL, b"another", b"it"),
        (SEAL, b"key", b"another"),
    ],
)
def test_with_another_secret_purpose_or_subject_nothing_is_opened(seal: Seal, under: bytes, about: bytes) -> None:
    sealed = SEAL.close(b"abc", under=b"key", about=b"it")

    with pytest.raises(Unsealable):
        seal.open(sealed, under=under, about=about)


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 12, b"x" * 27])
def test_what_is_too_short_was_never_sealed(sealed: bytes) -> None:
    with pytest.raises(Unsealable):
        SEAL.open(sealed, under=b"key", about=b"it")


def test_the_same_text_is_never_sealed_the_same_way() -> None:
    assert SEAL.close(b"abc", under=b"k", about=b"") != SEAL.close(b"abc", under=b"k", about=b"")
