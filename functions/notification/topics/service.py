"""What one can do with topics."""

from uuid import UUID

from llmo_auth.principal import NoOrganization, Person, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Transaction
from notification.topics.models import (
    MOST_TOPICS,
    NewTopic,
    OfferedTopic,
    Subscriber,
    TooManyTopics,
    Topic,
    UnknownMember,
    UnknownTopic,
)
from notification.topics.ports import Topics


class TopicService:
    """Makes and removes an organization's topics, and says who is told of them."""

    def __init__(self, *, topics: Topics, transaction: Transaction, clock: Clock, new_id: NewId) -> None:
        self._topics = topics
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Topic]:
        """The organization's topics, the newest first."""
        return Page.of(await self._topics.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def create(self, principal: Principal, new: NewTopic) -> Topic:
        """Make a topic. Raises TopicExists, TooManyTopics."""
        org_id = principal.org_id
        async with self._transaction(org_id):
            if await self._topics.count(org_id) >= MOST_TOPICS:
                raise TooManyTopics(f"An organization has {MOST_TOPICS} topics at most.")
            topic = Topic(
                **dict(new),
                id=self._new_id(),
                org_id=org_id,
                created_by=principal.actor_id,
                created_at=self._clock.now(),
            )
            await self._topics.add(topic)
        return topic

    async def remove(self, principal: Principal, code: str) -> None:
        """Remove a topic; nobody is told of it any more. Raises UnknownTopic."""
        if not await self._topics.remove(principal.org_id, code):
            raise UnknownTopic

    async def subscribers(self, principal: Principal, code: str, *, after: UUID | None, limit: int) -> Page[Subscriber]:
        """Members who are told of a topic. Raises UnknownTopic."""
        await self._require(principal.org_id, code)
        found = await self._topics.told(principal.org_id, code, after=after, limit=limit + 1)
        return Page.of(found, limit)

    async def add_subscriber(self, principal: Principal, code: str, user_id: UUID) -> None:
        """Have a member told of a topic. Safe to repeat. Raises UnknownTopic, UnknownMember."""
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._require(org_id, code)
            if not await self._topics.is_member(org_id, user_id):
                raise UnknownMember
            await self._topics.subscribe(org_id, code, user_id, at=self._clock.now())

    async def remove_subscriber(self, principal: Principal, code: str, user_id: UUID) -> None:
        """Have somebody told of a topic no more. Safe to repeat. Raises UnknownTopic."""
        await self._require(principal.org_id, code)
        await self._topics.unsubscribe(principal.org_id, code, user_id)

    async def offered(self, person: Person, *, before: UUID | None, limit: int) -> Page[OfferedTopic]:
        """The topics of the caller's organization, and which of them the caller is told of. Raises NoOrganization."""
        found = await self._topics.offered(_org_of(person), person.user_id, before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def subscribe(self, person: Person, code: str) -> None:
        """Have the caller told of a topic. Safe to repeat. Raises NoOrganization, UnknownTopic."""
        await self._topics.subscribe(_org_of(person), code, person.user_id, at=self._clock.now())

    async def unsubscribe(self, person: Person, code: str) -> None:
        """Have the caller told of a topic no more. Safe to repeat. Raises NoOrganization, UnknownTopic."""
        org_id = _org_of(person)
        await self._require(org_id, code)
        await self._topics.unsubscribe(org_id, code, person.user_id)

    async def _require(self, org_id: UUID, code: str) -> None:
        if not await self._topics.exists(org_id, code):
            raise UnknownTopic


def _org_of(person: Person) -> UUID:
    if person.org_id is None:
        raise NoOrganization
    return person.org_id
