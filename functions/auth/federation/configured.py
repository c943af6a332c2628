"""The identity providers that the deployment's operator configured, in one secret."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from auth.federation.models import IdentityProvider, ProvidersMisconfigured
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_core.secrets import fetch_secret

_REMEMBERED = timedelta(minutes=5)
_PROVIDERS = TypeAdapter(list[IdentityProvider])


class SecretProviders:
    """The providers in a secret that holds a JSON list of them; it is read again every five minutes."""

    def __init__(self, secret_id: str, *, clock: Clock) -> None:
        self._secret_id = secret_id
        self._clock = clock
        self._known: Sequence[IdentityProvider] = ()
        self._read_at: datetime | None = None

    def all(self) -> Sequence[IdentityProvider]:
        """Every provider, in the operator's order. Raises ProvidersMisconfigured, SecretUnavailable."""
        now = self._clock.now()
        if self._read_at is None or self._read_at + _REMEMBERED <= now:
            self._known = _read(fetch_secret(self._secret_id))
            self._read_at = now
        return self._known


def _read(text: str) -> Sequence[IdentityProvider]:
    try:
        providers = _PROVIDERS.validate_json(text)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors()]
        logger().error("identity providers cannot be read", extra={"wrong": wrong})  # where, and nothing of a secret
        raise ProvidersMisconfigured from None
    if len({provider.id for provider in providers}) != len(providers):
        logger().error("two identity providers have one id")
        raise ProvidersMisconfigured
    return providers
