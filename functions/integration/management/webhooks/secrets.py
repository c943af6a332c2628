"""Sealing and opening what messages are signed with."""

from uuid import UUID

from pydantic import SecretStr

from integration.management.webhooks.models import StoredSecret
from integration.webhook_messages.secrets import SigningSecrets
from llmo_core.envelope_encryption import Sealed


class SecretSafe:
    """Keeps signing secrets. Their text is only in memory, and once in an answer."""

    def __init__(self, secrets: SigningSecrets) -> None:
        self._secrets = secrets

    async def sealed(self, secret: SecretStr, *, org_id: UUID, webhook_id: UUID) -> StoredSecret:
        """A secret as it is kept. Raises Unavailable."""
        sealed = await self._secrets.seal(secret.get_secret_value(), org_id=org_id, webhook_id=webhook_id)
        return StoredSecret(data_key=sealed.data_key, ciphertext=sealed.ciphertext)

    async def opened(self, secret: StoredSecret, *, org_id: UUID, webhook_id: UUID) -> str:
        """The secret. Raises Unopenable, Unavailable."""
        sealed = Sealed(secret.data_key, secret.ciphertext)
        return await self._secrets.open(sealed, org_id=org_id, webhook_id=webhook_id)
