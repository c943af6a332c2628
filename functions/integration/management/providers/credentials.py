"""Sealing and opening what providers want to be shown."""

from uuid import UUID

from pydantic import SecretStr

from integration.management.providers.models import Provider, StoredCredentials, hint
from integration.provider_credentials import ProviderCredentials
from llmo_core.envelope_encryption import Sealed


class CredentialSafe:
    """Keeps API keys of providers. Their text is only in memory, while a provider is called."""

    def __init__(self, credentials: ProviderCredentials) -> None:
        self._credentials = credentials

    async def sealed(self, api_key: SecretStr | None, *, org_id: UUID, provider_id: UUID) -> StoredCredentials | None:
        """An API key as it is kept. Raises Unavailable."""
        if api_key is None:
            return None
        text = api_key.get_secret_value()
        sealed = await self._credentials.seal(text, org_id=org_id, provider_id=provider_id)
        return StoredCredentials(data_key=sealed.data_key, ciphertext=sealed.ciphertext, hint=hint(text))

    async def opened(self, provider: Provider) -> str | None:
        """A provider's API key. Raises Unopenable, Unavailable."""
        if provider.credentials is None:
            return None
        sealed = Sealed(provider.credentials.data_key, provider.credentials.ciphertext)
        return await self._credentials.open(sealed, org_id=provider.org_id, provider_id=provider.id)
