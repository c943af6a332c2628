"""What authenticator apps show: codes of RFC 6238, by `pyotp`; their secrets are sealed at rest."""

import hmac
from datetime import datetime
from uuid import UUID

import pyotp

from auth.second_factors.models import Totp
from llmo_auth.sealing import Seal

ISSUER = "LLMOptimizer"
STEP_SECONDS = 30
_DRIFT = 1  # steps that a clock may be off, either way (RFC 6238, section 5.2)
_SECRET_CHARACTERS = 32  # 160 bits, as long as SHA-1's output (RFC 4226, section 4)


class SealedCodes:
    """SHA-1, six digits, thirty seconds: what every app can do.

    Args:
        secret: The pepper; a secret is sealed under it for one person.
    """

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, b"totp secrets")

    def new(self, user_id: UUID) -> tuple[str, bytes]:
        """A new secret, as text and sealed."""
        text = pyotp.random_base32(_SECRET_CHARACTERS)
        return text, self._seal.close(text.encode(), under=user_id.bytes, about=user_id.bytes)

    def uri(self, secret: str, account: str) -> str:
        """What a QR code tells an app of a secret.

        Source: https://github.com/google/google-authenticator/wiki/Key-Uri-Format
        """
        return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)

    def step(self, totp: Totp, code: str, now: datetime) -> int | None:
        """The step of time that a code is of, if it is about now and later than the last one that was accepted.

        Every code that could be right is compared, each in constant time. Raises Unsealable.
        """
        about = totp.user_id.bytes
        generator = pyotp.TOTP(self._seal.open(totp.secret, under=about, about=about).decode())
        present = int(now.timestamp()) // STEP_SECONDS
        steps = range(present - _DRIFT, present + _DRIFT + 1)
        matching = [step for step in steps if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode())]
        last = totp.last_step if totp.last_step is not None else -1
        return next((step for step in matching if step > last), None)
