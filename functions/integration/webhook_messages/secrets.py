"""How signing secrets are sealed: each under a data key of its own, for one webhook of one organization.

As credentials of providers are: see `integration.provider_credentials`.
"""

from uuid import UUID

from llmo_core.envelope_encryption import EnvelopeEncryption, Sealed


class SigningSecrets:
    """Seals and opens signing secrets. A row's secret that is put into another row opens nothing."""

    def __init__(self, encryption: EnvelopeEncryption) -> None:
        self._encryption = encryption

    async def seal(self, secret: str, *, org_id: UUID, webhook_id: UUID) -> Sealed:
        """Seal a secret. Raises Unavailable."""
        context = _context(org_id, webhook_id)
        return await self._encryption.seal(secret.encode(), context=context, about=webhook_id.bytes)

    async def open(self, sealed: Sealed, *, org_id: UUID, webhook_id: UUID) -> str:
        """The secret. Raises Unopenable, Unavailable."""
        context = _context(org_id, webhook_id)
        return (await self._encryption.open(sealed, context=context, about=webhook_id.bytes)).decode()


def _context(org_id: UUID, webhook_id: UUID) -> dict[str, str]:
    return {"org_id": str(org_id), "webhook_id": str(webhook_id)}
