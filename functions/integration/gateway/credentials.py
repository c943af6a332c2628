"""API keys of organizations' connections, which only the key service opens."""

from integration.gateway.destinations import Connection
from integration.gateway.errors import CredentialsUnavailable, UpstreamMisconfigured
from integration.provider_credentials import ProviderCredentials
from llmo_core.envelope_encryption import Sealed, Unopenable
from llmo_core.errors import Unavailable


class SealedCredentials:
    """API keys as the management API sealed them."""

    def __init__(self, credentials: ProviderCredentials) -> None:
        self._credentials = credentials

    async def key(self, connection: Connection) -> str | None:
        """The connection's API key; None when it needs none.

        Raises UpstreamMisconfigured when it cannot be opened, CredentialsUnavailable when it cannot be now.
        """
        if connection.data_key is None or connection.credentials is None:
            return None
        sealed = Sealed(connection.data_key, connection.credentials)
        try:
            return await self._credentials.open(sealed, org_id=connection.org_id, provider_id=connection.id)
        except Unopenable as error:
            raise UpstreamMisconfigured from error
        except Unavailable as error:
            raise CredentialsUnavailable from error
