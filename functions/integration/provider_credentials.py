"""How credentials of providers are sealed: each under a data key of its own, for one provider of one organization.

The gateway opens what the management API seals: nothing of pydantic in here.
"""

from uuid import UUID

from llmo_core.envelope_encryption import EnvelopeEncryption, Sealed


class ProviderCredentials:
    """Seals and opens API keys of providers.

    KMS decrypts a data key only for the organization and the provider that it was made for (its encryption context,
    which CloudTrail records), and the ciphertext is authentic for the provider alone: a row's credentials that are put
    into another row open nothing.
    """

    def __init__(self, encryption: EnvelopeEncryption) -> None:
        self._encryption = encryption

    async def seal(self, api_key: str, *, org_id: UUID, provider_id: UUID) -> Sealed:
        """Seal an API key. Raises Unavailable."""
        context = _context(org_id, provider_id)
        return await self._encryption.seal(api_key.encode(), context=context, about=provider_id.bytes)

    async def open(self, sealed: Sealed, *, org_id: UUID, provider_id: UUID) -> str:
        """The API key. Raises Unopenable, Unavailable."""
        context = _context(org_id, provider_id)
        return (await self._encryption.open(sealed, context=context, about=provider_id.bytes)).decode()


def _context(org_id: UUID, provider_id: UUID) -> dict[str, str]:
    return {"org_id": str(org_id), "provider_id": str(provider_id)}
