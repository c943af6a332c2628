"""What one can do with providers."""

from collections.abc import Collection
from urllib.parse import urlsplit
from uuid import UUID

from integration.management.models import listed
from integration.management.ports import Change, References
from integration.management.providers.base_urls import canonical
from integration.management.providers.credentials import CredentialSafe
from integration.management.providers.models import (
    ApiVersionNotTaken,
    BaseUrlRequired,
    ConnectionTest,
    CredentialsForAnotherAddress,
    CredentialsRequired,
    NewProvider,
    Provider,
    ProviderChanged,
    ProviderChanges,
    ProviderCreated,
    ProviderInUse,
    ProviderRemoved,
    RegionRequired,
    UnknownProvider,
)
from integration.management.providers.ports import Providers, Tests
from integration.provider_addresses import AddressPolicy
from integration.provider_kinds import KINDS, ProviderKind
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events


class ProviderService:
    """Sets up, shows, changes, tests and removes providers."""

    def __init__(
        self,
        *,
        providers: Providers,
        references: References,
        safe: CredentialSafe,
        tests: Tests,
        policy: AddressPolicy,
        events: Events,
        change: Change,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._providers = providers
        self._references = references
        self._safe = safe
        self._tests = tests
        self._policy = policy
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Provider]:
        """Providers of the caller's organization, the newest first."""
        return Page.of(await self._providers.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, provider_id: UUID) -> Provider:
        """A provider of the caller's organization. Raises UnknownProvider."""
        found = await self._providers.find(principal.org_id, provider_id)
        if found is None:
            raise UnknownProvider
        return found

    async def create(self, principal: Principal, new: NewProvider) -> Provider:
        """Set up a provider.

        Not safe to retry: its name is taken then. Raises ProviderNameTaken, UnusableBaseUrl, BaseUrlRequired,
        RegionRequired, ApiVersionNotTaken, CredentialsRequired, and Unavailable without the key service.
        """
        org_id, provider_id, now = principal.org_id, self._new_id(), self._clock.now()
        settings = new.model_dump(exclude={"api_key", "base_url"})
        provider = Provider(
            **settings,
            id=provider_id,
            org_id=org_id,
            base_url=self._base_url(KINDS[new.kind], new.base_url, new.region),
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        _require_fitting(provider, credentials=new.api_key is not None)
        sealed = await self._safe.sealed(new.api_key, org_id=org_id, provider_id=provider_id)
        provider = provider.model_copy(update={"credentials": sealed})
        async with self._change(org_id):
            await self._providers.add(provider)
            await self._events.announce(ProviderCreated.of(provider), org_id=org_id, aggregate_id=provider_id)
        return provider

    async def change(
        self, principal: Principal, provider_id: UUID, changes: ProviderChanges, *, expected: Collection[int] | None
    ) -> Provider:
        """Change a provider, if it has one of the expected versions.

        Raises UnknownProvider, ChangedMeanwhile, ProviderInUse for another name of one that routes name,
        CredentialsForAnotherAddress, and what `create` raises.
        """
        org_id = principal.org_id
        (await self.find(principal, provider_id)).require_version(expected)
        sealed = await self._safe.sealed(changes.api_key, org_id=org_id, provider_id=provider_id)
        async with self._change(org_id):
            before = await self.find(principal, provider_id)
            before.require_version(expected)
            if not changes.model_fields_set:
                return before
            after = self._changed(before, changes)
            if "api_key" in changes.model_fields_set:
                after = after.model_copy(update={"credentials": sealed})
            _require_fitting(after, credentials=after.credentials is not None)
            if after.name != before.name:
                await self._require_no_route(before)
            await self._providers.change(after)
            changed = ProviderChanged(
                provider_id=provider_id,
                name=after.name,
                version=after.version,
                changed=sorted(changes.model_fields_set),
                changed_by=principal.actor_id,
            )
            await self._events.announce(changed, org_id=org_id, aggregate_id=provider_id)
        return after

    async def remove(self, principal: Principal, provider_id: UUID) -> None:
        """Remove a provider and its credentials. Raises UnknownProvider, ProviderInUse."""
        org_id = principal.org_id
        async with self._change(org_id):
            provider = await self.find(principal, provider_id)
            models = await self._references.models_of_provider(org_id, provider_id)
            if models:
                raise ProviderInUse(f"These models are the provider's: {listed(models)}.")
            await self._require_no_route(provider)
            await self._providers.remove(provider, at=self._clock.now())
            removed = ProviderRemoved(provider_id=provider_id, name=provider.name, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=provider_id)

    async def test(self, principal: Principal, provider_id: UUID) -> ConnectionTest:
        """Ask a provider for its models, with its credentials. Raises UnknownProvider, Unavailable."""
        provider = await self.find(principal, provider_id)
        return await self._tests.test(provider, await self._safe.opened(provider))

    async def _require_no_route(self, provider: Provider) -> None:
        routes = await self._references.routes_to_provider(provider.org_id, provider.name)
        if routes:
            raise ProviderInUse(f"These routes name the provider: {listed(routes)}.")

    def _changed(self, before: Provider, changes: ProviderChanges) -> Provider:
        """The next version. Credentials are never shown, so they must not follow an address to another host either."""
        values = changes.model_dump(include=changes.model_fields_set - {"api_key", "base_url"})
        region = values.get("region", before.region)
        base_url = before.base_url
        if "base_url" in changes.model_fields_set or before.is_at_default:
            base_url = self._base_url(before.rules, changes.base_url, region)
        after = before.changed(self._clock.now(), **values, base_url=base_url)
        moved = _origin(after.base_url) != _origin(before.base_url)
        if before.is_at_default and after.is_at_default:
            moved = False  # another region of the same provider
        if moved and before.credentials is not None and "api_key" not in changes.model_fields_set:
            raise CredentialsForAnotherAddress
        return after

    def _base_url(self, kind: ProviderKind, given: str | None, region: str | None) -> str:
        if given is not None:
            return canonical(given, self._policy)
        if kind.needs_region and region is None:
            raise RegionRequired
        default = kind.default_base_url(region)
        if default is None:
            raise BaseUrlRequired
        return default


def _require_fitting(provider: Provider, *, credentials: bool) -> None:
    if provider.rules.needs_region and provider.region is None:
        raise RegionRequired
    if provider.api_version is not None and not provider.rules.takes_api_version:
        raise ApiVersionNotTaken
    if provider.rules.needs_credentials and not credentials:
        raise CredentialsRequired


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
