"""What is sealed opens for the same context and purpose only, and data keys are remembered for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.envelope_encryption import DataKey, EnvelopeEncryption, Sealed, Unopenable

CONTEXT = {"org_id": "a", "provider_id": "b"}


@dataclass
class FakeKeys:
    """Keys that are numbers; it remembers which context each was made for."""

    made: dict[bytes, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    decrypted: int = 0

    async def generate_data_key(self, context: Mapping[str, str]) -> DataKey:
        number = len(self.made)
        key = DataKey(number.to_bytes(32), b"encrypted %d" % number)
        self.made[key.encrypted] = (key.plaintext, dict(context))
        return key

    async def decrypt(self, encrypted: bytes, context: Mapping[str, str]) -> bytes:
        self.decrypted += 1
        plaintext, made_for = self.made.get(encrypted, (b"", {}))
        if made_for != context or not plaintext:
            raise Unopenable
        return plaintext


@dataclass
class Timer:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@given(st.binary(max_size=200), st.binary(max_size=20))
async def test_what_was_sealed_is_opened(secret: bytes, about: bytes) -> None:
    encryption = EnvelopeEncryption(FakeKeys())
    sealed = await encryption.seal(secret, context=CONTEXT, about=about)
    assert await encryption.open(sealed, context=CONTEXT, about=about) == secret
    assert len(sealed.ciphertext) == 12 + len(secret) + 16


@given(st.integers(0, 10_000), st.integers(1, 255))
async def test_one_changed_byte_opens_nothing(position: int, difference: int) -> None:
    encryption = EnvelopeEncryption(FakeKeys())
    sealed = await encryption.seal(b"secret", context=CONTEXT, about=b"p")
    changed = bytearray(sealed.ciphertext)
    changed[position % len(changed)] ^= difference
    with pytest.raises(Unopenable):
        await encryption.open(replace(sealed, ciphertext=bytes(changed)), context=CONTEXT, about=b"p")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
async def test_a_shortened_ciphertext_opens_nothing(length: int) -> None:
    encryption = EnvelopeEncryption(FakeKeys())
    sealed = await encryption.seal(b"secret", context=CONTEXT, about=b"p")
    with pytest.raises(Unopenable):
        await encryption.open(replace(sealed, ciphertext=sealed.ciphertext[:length]), context=CONTEXT, about=b"p")


async def test_another_context_or_purpose_opens_nothing_even_while_the_key_is_remembered() -> None:
    encryption = EnvelopeEncryption(FakeKeys())
    sealed = await encryption.seal(b"secret", context=CONTEXT, about=b"p")
    await encryption.open(sealed, context=CONTEXT, about=b"p")
    with pytest.raises(Unopenable):
        await encryption.open(sealed, context={**CONTEXT, "org_id": "other"}, about=b"p")
    with pytest.raises(Unopenable):
        await encryption.open(sealed, context=CONTEXT, about=b"q")


async def test_a_data_key_is_remembered_for_five_minutes() -> None:
    keys, timer = FakeKeys(), Timer()
    encryption = EnvelopeEncryption(keys, timer=timer)
    sealed = await encryption.seal(b"secret", context=CONTEXT, about=b"p")
    for seconds, asked in ((0.0, 1), (299.0, 1), (300.0, 2)):
        timer.seconds = seconds
        await encryption.open(sealed, context=CONTEXT, about=b"p")
        assert keys.decrypted == asked


async def test_the_data_key_that_was_not_used_for_the_longest_time_is_forgotten_first() -> None:
    keys = FakeKeys()
    encryption = EnvelopeEncryption(keys, most_remembered=2)

    async def opened(sealed: Sealed) -> int:
        await encryption.open(sealed, context=CONTEXT, about=b"p")
        return keys.decrypted

    first, second, third = [await encryption.seal(b"x", context=CONTEXT, about=b"p") for _ in range(3)]
    assert [await opened(sealed) for sealed in (first, second, first, third, first, second)] == [1, 2, 2, 3, 3, 4]


def test_a_data_key_shows_nothing_of_itself() -> None:
    assert "secret" not in repr(DataKey(b"secret", b"blob"))
