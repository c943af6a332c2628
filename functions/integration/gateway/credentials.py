"""API keys of organizations' connections, which only the key service opens."""

from uuid import UUID

from integration.gateway.errors import CredentialsUnavailable, UpstreamMisconfigured
from integration.gateway.organization import Connection
from llmo_core.envelope_encryption import EnvelopeEncryption, Sealed, Unopenable
from llmo_core.errors import Unavailable


class SealedCredentials:
    """API keys as the management API sealed them."""

    def __init__(self, encryption: EnvelopeEncryption) -> None:
        self._encryption = encryption

    async def key(self, connection: Connection) -> str | None:
        """The connection's API key; None when it needs none.

        Raises UpstreamMisconfigured when it cannot be opened, CredentialsUnavailable when it cannot be now.
        """
        if connection.data_key is None or connection.credentials is None:
            return None
        context = {"org_id": connection.org_id, "provider_id": connection.id}
        sealed = Sealed(connection.data_key, connection.credentials)
        try:
            return (await self._encryption.open(sealed, context=context, about=UUID(connection.id).bytes)).decode()
        except Unopenable as error:
            raise UpstreamMisconfigured from error
        except Unavailable as error:
            raise CredentialsUnavailable from error
