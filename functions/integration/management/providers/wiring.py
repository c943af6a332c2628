"""The use cases of providers with their adapters.

What calls AWS or a provider is imported when one is called: aiohttp takes a while.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from integration.management import wiring as shared
from integration.management.providers.credentials import CredentialSafe
from integration.management.providers.models import ConnectionTest, Provider
from integration.management.providers.repository import PostgresProviders
from integration.management.providers.service import ProviderService
from integration.management.wiring import once, parts
from integration.provider_credentials import ProviderCredentials
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id
from llmo_core.kms import Kms

if TYPE_CHECKING:
    from integration.management.aws_calls import AwsCalls


@once
def _aws_calls() -> "AwsCalls":
    from integration.management.aws_calls import AwsCalls  # noqa: PLC0415 - see above

    return parts.closing(AwsCalls(), AwsCalls.close)


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    return await _aws_calls().post(url, body, headers)


@once
def _safe() -> CredentialSafe:
    service = JsonService.from_environment("kms", "TrentService")
    kms = Kms(service=service, key_arn=shared.settings().data_key_arn, post=_post)
    return CredentialSafe(ProviderCredentials(EnvelopeEncryption(kms)))


class _ModelListsLater:
    async def test(self, provider: Provider, api_key: str | None) -> ConnectionTest:
        from integration.management.providers.connection import ModelLists  # noqa: PLC0415 - see above

        return await ModelLists(policy=shared.address_policy()).test(provider, api_key)


async def provider_service() -> ProviderService:
    """The use cases of providers."""
    return ProviderService(
        providers=PostgresProviders(shared.database()),
        references=shared.references(),
        safe=_safe(),
        tests=_ModelListsLater(),
        policy=shared.address_policy(),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
    )
