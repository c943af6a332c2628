"""The planner with its adapters, made once per process at the first use."""

from redis.asyncio import Redis

from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus
from notification.address_hashes import address_hash
from notification.contacts.repository import PostgresContacts, PostgresDevices, PostgresPhones
from notification.digests.repository import PostgresDigests
from notification.digests.service import Digesting
from notification.inbox.repository import PostgresInbox
from notification.leaving.repository import PostgresDepartures
from notification.leaving.service import Leaving
from notification.live.announcing import Announcer
from notification.live.store import RedisLiveInboxes
from notification.planning.accepting import Accepting
from notification.planning.backlog import PostgresBacklog
from notification.planning.delivering import RenderedInboxes
from notification.planning.message_repository import PostgresMessages
from notification.planning.people import PostgresPeople
from notification.planning.planning import Planning
from notification.planning.recipients import Recipients
from notification.planning.repository import PostgresArrivals, PostgresNotifications
from notification.planning.routing import ChosenRouting
from notification.preferences.repository import PostgresPreferences
from notification.settings import PlannerSettings
from notification.templates.resolving import Templates
from notification.templates.wiring import templates_of
from notification.topics.repository import PostgresTopics

_SCHEMA = "notification"
parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> PlannerSettings:
    """What the planner is told by its environment."""
    return PlannerSettings.model_validate({})


@once
def _database() -> Database:
    return parts.closing(Database(settings().conninfo()), Database.close)


@once
def _bus() -> ConfiguredBus:
    return parts.closing(ConfiguredBus(settings().bus()), ConfiguredBus.close)


@once
def accepting() -> Accepting:
    """What makes notifications of events."""
    return Accepting(
        arrivals=PostgresArrivals(_database(), Inbox(schema=_SCHEMA, consumer="planner")),
        notifications=PostgresNotifications(_database()),
        transaction=_database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


@once
def _templates() -> Templates:
    return templates_of(_database(), app_url=settings().links_to)


@once
def _outbox() -> Outbox:
    return Outbox(database=_database(), schema=_SCHEMA, bus=_bus, clock=SystemClock(), new_id=new_id)


@once
def backlog() -> PostgresBacklog:
    """What waits."""
    return PostgresBacklog(_database())


@once
def digesting() -> Digesting:
    """What makes digests of messages."""
    return Digesting(
        digests=PostgresDigests(_database()),
        notifications=PostgresNotifications(_database()),
        messages=PostgresMessages(_database()),
        render=_templates().render,
        organization_locale=settings().default_locale,
        events=_outbox(),
        transaction=_database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


@once
def _announcer() -> Announcer:
    redis = parts.closing(redis_client.connect(read_secret(settings().redis_url_secret)), Redis.aclose)
    return Announcer(shown=RedisLiveInboxes(redis, clock=SystemClock()), after_commit=_database().after_commit)


@once
def leaving() -> Leaving:
    """What forgets people who have left."""
    return Leaving(
        preferences=PostgresPreferences(_database()),
        phones=PostgresPhones(_database()),
        devices=PostgresDevices(_database()),
        inbox=PostgresInbox(_database()),
        topics=PostgresTopics(_database()),
        messages=PostgresDepartures(_database()),
        people=_people(),
        transaction=_database().transaction,
        clock=SystemClock(),
    )


@once
def _people() -> PostgresPeople:
    return PostgresPeople(_database(), PostgresTopics(_database()))


@once
def planning() -> Planning:
    """What makes messages of them."""
    database, clock = _database(), SystemClock()
    pepper = read_secret(settings().api_key_pepper_secret).encode()
    return Planning(
        notifications=PostgresNotifications(database),
        messages=PostgresMessages(database),
        recipients=Recipients(_people()),
        routing=ChosenRouting(
            chosen=PostgresPreferences(database),
            contacts=PostgresContacts(database),
            address_hash=lambda address: address_hash(address, pepper),
            default_locale=settings().default_locale,
        ),
        inboxes=RenderedInboxes(
            filling=PostgresInbox(database),
            render=_templates().render,
            announce=_announcer().announce,
            organization_locale=settings().default_locale,
        ),
        events=_outbox(),
        transaction=database.transaction,
        clock=clock,
        new_id=new_id,
    )
