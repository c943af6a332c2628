"""Who asks for a token (RFC 6749, section 2.3)."""

from uuid import UUID

from auth.client_secrets import ClientSecrets
from auth.oauth.models import InvalidClient, Party
from auth.oauth.ports import Accounts, Applications


class ClientAuthentication:
    """Recognizes applications and service accounts by their id and secret.

    A secret has 256 random bits: attempts need not be counted.
    """

    def __init__(self, *, applications: Applications, accounts: Accounts, secrets: ClientSecrets) -> None:
        self._applications = applications
        self._accounts = accounts
        self._secrets = secrets

    async def authenticate(self, client_id: UUID | None, secret: str | None) -> Party:
        """The client with this id. Only a public one has no secret, and it must show none. Raises InvalidClient."""
        if client_id is None:
            raise InvalidClient
        application = await self._applications.by_id(client_id)
        if application is not None:
            if not self._proves(application.secret_hash, secret):
                raise InvalidClient
            return Party(id=application.id, org_id=application.org_id, application=application)
        account = await self._accounts.by_secret(self._secrets.digest(secret)) if secret is not None else None
        if account is None or account.id != client_id:
            raise InvalidClient
        return Party(id=account.id, org_id=account.org_id, account=account)

    def _proves(self, secret_hash: str | None, secret: str | None) -> bool:
        if secret_hash is None or secret is None:
            return secret_hash is secret is None
        return self._secrets.right(secret, secret_hash)
