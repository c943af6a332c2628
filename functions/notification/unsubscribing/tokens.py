"""What a link says of who wants no more of what. Nothing of it is kept: it is signed.

The address itself is not in the link, which stands in logs of proxies, but its hash.
"""

import base64
import binascii
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from llmo_core.clock import Clock
from llmo_core.errors import NotFound
from llmo_core.model import Model
from notification.address_hashes import address_hash
from notification.kinds.models import CRITICAL, Category, Channel

LIFE: Final = timedelta(days=365)
"""How long a link works: a mail is read late, and the law wants thirty days (16 CFR 316.5)."""

_PURPOSE: Final = b"llmo notification: unsubscribe 1"
_SIGNATURE_BYTES: Final = 32
_LONGEST: Final = 1000


class UnusableLink(NotFound):
    """This link is not one of ours, or is too old."""


class Unsubscription(Model):
    """What is wanted no more.

    Attributes:
        org_id: Whose message had the link; None of one about a person.
        user_id: Who wants no more of it; None of an address without an account.
        address_hash: That address, under the pepper.
    """

    org_id: UUID | None
    user_id: UUID | None
    address_hash: str | None
    category: Category
    channel: Channel


class UnsubscribeLinks:
    """Makes and reads the links at the end of mails.

    Args:
        public_url: Where people reach the API, without a slash at its end.
        pepper: The secret that addresses are hashed under; links are signed under one that is made of it.
    """

    def __init__(self, *, public_url: str, pepper: bytes, clock: Clock) -> None:
        self._public_url = public_url
        self._pepper = pepper
        self._key = hmac.digest(pepper, _PURPOSE, "sha256")
        self._clock = clock

    def unsubscribe_url(
        self, *, org_id: UUID | None, user_id: UUID | None, address: str, category: Category
    ) -> str | None:
        """Where one POST ends e-mail of a category, for a year; None of one that nobody can mute.

        Of a message to somebody with an account it ends what goes to that account.
        """
        if category in CRITICAL:
            return None
        expires_at = int((self._clock.now() + LIFE).timestamp())
        hashed = None if user_id is not None else address_hash(address, self._pepper)
        told = [_hex(org_id), _hex(user_id), hashed, category, Channel.EMAIL, expires_at]
        payload = json.dumps(told, separators=(",", ":")).encode()
        token = base64.urlsafe_b64encode(self._sign(payload) + payload).decode().rstrip("=")
        return f"{self._public_url}/unsubscribe/{token}"

    def read(self, token: str) -> Unsubscription:
        """What a link says. Raises UnusableLink for one that nobody here signed, or that is over."""
        if len(token) > _LONGEST:
            raise UnusableLink
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars="-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise UnusableLink from error
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(payload)):
            raise UnusableLink
        *told, expires_at = json.loads(payload)
        if self._clock.now() >= datetime.fromtimestamp(expires_at, UTC):
            raise UnusableLink
        try:  # a category that there was when it was signed may be gone by now
            return Unsubscription(**dict(zip(Unsubscription.model_fields, told, strict=True)))
        except ValidationError as error:
            raise UnusableLink from error

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")


def _hex(identity: UUID | None) -> str | None:
    return identity.hex if identity is not None else None
