"""What one can do with webhooks."""

from collections.abc import Callable, Collection
from uuid import UUID

from pydantic import SecretStr

from integration.management.called_urls import UnusableUrl, canonical_url
from integration.management.ports import Change
from integration.management.webhooks.models import (
    MOST_WEBHOOKS,
    OLD_SECRET_SIGNS_FOR,
    NewWebhook,
    TooManyWebhooks,
    UnknownWebhook,
    UnusableWebhookUrl,
    Webhook,
    WebhookChanged,
    WebhookChanges,
    WebhookCreated,
    WebhookRemoved,
    WithSecret,
)
from integration.management.webhooks.ports import Deliveries, Safe, Webhooks
from integration.provider_addresses import AddressPolicy
from integration.webhook_messages.signing import SECRET_BYTES, secret_text
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events


class WebhookService:
    """Sets up, shows, changes and removes webhooks.

    Args:
        random_bytes: So many that nobody can guess.
    """

    def __init__(
        self,
        *,
        webhooks: Webhooks,
        deliveries: Deliveries,
        safe: Safe,
        policy: AddressPolicy,
        events: Events,
        change: Change,
        clock: Clock,
        new_id: NewId,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._safe = safe
        self._policy = policy
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Webhook]:
        """Webhooks of the caller's organization, the newest first."""
        return Page.of(await self._webhooks.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, webhook_id: UUID) -> Webhook:
        """A webhook of the caller's organization. Raises UnknownWebhook."""
        return _known(await self._webhooks.find(principal.org_id, webhook_id))

    async def create(self, principal: Principal, new: NewWebhook) -> WithSecret:
        """Set up a webhook; its secret is made here, and given this once.

        Not safe to retry: there would be two. Raises UnusableWebhookUrl, TooManyWebhooks, and Unavailable without the
        key service.
        """
        org_id, webhook_id, now = principal.org_id, self._new_id(), self._clock.now()
        url, secret = self._url(new.url), self._new_secret()
        webhook = Webhook(
            id=webhook_id,
            org_id=org_id,
            url=url,
            description=new.description,
            event_types=_once_each(new.event_types),
            enabled=new.enabled,
            secret=await self._safe.sealed(secret, org_id=org_id, webhook_id=webhook_id),
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        async with self._change(org_id):
            if len(await self._webhooks.page(org_id, before=None, limit=MOST_WEBHOOKS)) >= MOST_WEBHOOKS:
                raise TooManyWebhooks
            await self._webhooks.add(webhook)
            created = WebhookCreated(
                webhook_id=webhook_id,
                description=webhook.description,
                event_types=webhook.event_types,
                enabled=webhook.enabled,
                created_by=principal.actor_id,
            )
            await self._events.announce(created, org_id=org_id, aggregate_id=webhook_id)
        return WithSecret(webhook=webhook, secret=secret)

    async def change(
        self, principal: Principal, webhook_id: UUID, changes: WebhookChanges, *, expected: Collection[int] | None
    ) -> Webhook:
        """Change a webhook, if it has one of the expected versions. What waits for one that is disabled is given up.

        Raises UnknownWebhook, ChangedMeanwhile, UnusableWebhookUrl.
        """
        async with self._change(principal.org_id):
            before = _known(await self._webhooks.find(principal.org_id, webhook_id, locked=True))
            before.require_version(expected)
            fields = changes.model_fields_set
            if not fields:
                return before
            values = changes.model_dump(include=fields)
            if "url" in fields:
                values["url"] = self._url(changes.url)
            if "event_types" in fields:
                values["event_types"] = _once_each(changes.event_types)
            if "enabled" in fields:
                values |= {"disabled_reason": None, "failing_since": None}
            after = before.changed(self._clock.now(), **values)
            await self._webhooks.change(after)
            if before.enabled and not after.enabled:
                await self._deliveries.give_up(after)
            await self._announce_change(principal, after, *sorted(fields))
        return after

    async def rotate_secret(self, principal: Principal, webhook_id: UUID) -> WithSecret:
        """Sign with a new secret, given this once, and for a day with the one before too; an older one ends at once.

        Raises UnknownWebhook, and Unavailable without the key service.
        """
        org_id, secret, now = principal.org_id, self._new_secret(), self._clock.now()
        await self.find(principal, webhook_id)
        sealed = await self._safe.sealed(secret, org_id=org_id, webhook_id=webhook_id)
        async with self._change(org_id):
            before = _known(await self._webhooks.find(org_id, webhook_id, locked=True))
            previous = {"previous_secret": before.secret, "previous_until": now + OLD_SECRET_SIGNS_FOR}
            after = before.changed(now, secret=sealed, **previous)
            await self._webhooks.change(after)
            await self._announce_change(principal, after, "secret")
        return WithSecret(webhook=after, secret=secret)

    async def remove(self, principal: Principal, webhook_id: UUID) -> None:
        """Remove a webhook with its secrets and its URL, and deliver nothing that waits. Raises UnknownWebhook."""
        org_id = principal.org_id
        async with self._change(org_id):
            webhook = _known(await self._webhooks.find(org_id, webhook_id, locked=True))
            await self._webhooks.remove(webhook, at=self._clock.now())
            await self._deliveries.give_up(webhook)
            removed = WebhookRemoved(webhook_id=webhook_id, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=webhook_id)

    async def _announce_change(self, principal: Principal, webhook: Webhook, *fields: str) -> None:
        changed = WebhookChanged(
            webhook_id=webhook.id, version=webhook.version, changed=fields, changed_by=principal.actor_id
        )
        await self._events.announce(changed, org_id=webhook.org_id, aggregate_id=webhook.id)

    def _new_secret(self) -> SecretStr:
        return SecretStr(secret_text(self._random_bytes(SECRET_BYTES)))

    def _url(self, given: str) -> str:
        try:
            return canonical_url(given, self._policy, queries=True)
        except UnusableUrl as error:
            raise UnusableWebhookUrl(f"This URL is not called. {error}") from error


def _known(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise UnknownWebhook
    return webhook


def _once_each[T](values: Collection[T]) -> list[T]:
    return [*dict.fromkeys(values)]
