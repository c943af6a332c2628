"""The gateway's composition root."""

import os
import random
import time
from collections.abc import Callable
from typing import Any

from integration.gateway.admission import RedisAdmissions
from integration.gateway.announcer import AwaitingAnnouncer, BackgroundAnnouncer
from integration.gateway.call_reader import CallReader
from integration.gateway.catalog import ModelCatalog
from integration.gateway.configurations import RememberedOrganizations
from integration.gateway.contents import ContentAnnouncer
from integration.gateway.credentials import SealedCredentials
from integration.gateway.current_prices import CurrentPrices
from integration.gateway.disputes import Disputes
from integration.gateway.embedding import ProviderEmbedder, ResilientEmbedder
from integration.gateway.following import RedisFollowing
from integration.gateway.forwarding import Forwarding
from integration.gateway.idempotency import RedisRequests
from integration.gateway.journey import Guide
from integration.gateway.leftovers import RedisLeftovers
from integration.gateway.matching import Matching
from integration.gateway.models import Patience
from integration.gateway.once import OnceGateway
from integration.gateway.planning import Planner
from integration.gateway.price_copies import RedisPriceCopies
from integration.gateway.pricing import PriceTable
from integration.gateway.prompt_versions import RememberedPromptVersions
from integration.gateway.prompting import Prompting
from integration.gateway.provider_http.client import HttpClient
from integration.gateway.request_log import request_log
from integration.gateway.service import Gateway
from integration.gateway.sessions import Guard, open_session, post
from integration.gateway.settings import GatewaySettings, SweeperSettings
from integration.gateway.settlement import RedisSettlements
from integration.gateway.settling import Settler
from integration.gateway.similar_answers import RedisSimilarAnswers
from integration.gateway.sweep import Sweep, Swept
from integration.gateway.target_health import RedisTargetHealth
from integration.gateway.tokens import BpeTokenCounter
from integration.gateway.upstream import Deployment, OpenAiUpstream
from integration.price_editions import StoredEdition
from integration.provider_addresses import AddressPolicy
from integration.provider_credentials import ProviderCredentials
from llmo_core.addresses import resolve
from llmo_core.clock import Clock, SystemClock
from llmo_core.database_login import conninfo
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id
from llmo_core.kms import Kms
from llmo_core.secrets import read_secret
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.configured import ConfiguredBus

_STDOUT = 1  # unbuffered: Lambda may freeze the process right after the answer


class Wired:
    """The gateway with its adapters, on the running event loop; `close` ends them in order.

    Args:
        secret: Gives a secret's value by its name.
        clock: The time that limits, budgets and events go by.
        timer: Monotonic seconds, which configurations and prices are remembered by.

    Attributes:
        rows: PostgreSQL, connected at the first need.
        prices: The edition of the price tables that calls go by.
        bus: Where events are published.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        secret: Callable[[str], str] = read_secret,
        clock: Clock | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        clock = clock or SystemClock()
        self.clock = clock
        self.settings = settings
        guard = Guard(AddressPolicy(private=settings.allow_private_providers))
        redis_url = secret(settings.redis_url_secret)
        pepper = secret(settings.api_key_pepper_secret).encode()
        deployment = Deployment(settings.upstream_base_url, secret(settings.upstream_api_key_secret))
        self._session = open_session()  # from here on nothing fails that would leave it open
        self._client = HttpClient(resolve)
        self._guarded = {
            True: HttpClient(guard.resolver.addresses),
            False: HttpClient(guard.plain_resolver.addresses),
        }
        self._redis = PipelinedRedis(redis_url)
        self.rows = LazyRows(settings, secret)
        self.settlements = RedisSettlements(self._redis, clock=clock)
        self.admissions = RedisAdmissions(
            self._redis,
            records=self.rows,
            settlements=self.settlements,
            pepper=pepper,
            clock=clock,
            timer=time.monotonic,
        )
        self.following = RedisFollowing(self._redis, timer=time.monotonic)
        self.bus = ConfiguredBus(
            settings.bus,
            session=lambda: self._session,
            secret=secret,
            attempts=2,  # the journal and the sweeper are there for longer outages; the client is waiting
        )
        kind = BackgroundAnnouncer if settings.usage_publish == "background" else AwaitingAnnouncer
        self._announcer = kind(self.bus, self.settlements.forget)
        self.prices = CurrentPrices(RedisPriceCopies(self._redis), self.rows, timer=timer)
        prices = PriceTable(settings.model_prices, now=clock.now, edition=self.prices.edition)
        kms = Kms(
            service=settings.key_service,
            key_arn=settings.data_key_arn,
            post=post(lambda: self._session),
            clock=clock,
        )
        self.upstream = OpenAiUpstream(
            client=self._client,
            guarded=self._guarded.__getitem__,
            deployment=deployment,
            guard=guard,
            credentials=SealedCredentials(ProviderCredentials(EnvelopeEncryption(kms))),
        )
        guide = Guide(
            health=RedisTargetHealth(self._redis, clock=clock),
            patience=Patience(settings.upstream_read_seconds, settings.upstream_read_seconds),
            clock=clock,
            timer=time.perf_counter,
            draw=random.random,
        )
        self.settler = Settler(
            settlements=self.settlements,
            announcer=self._announcer,
            tokens=BpeTokenCounter(),
            timer=time.perf_counter,
            contents=ContentAnnouncer(lambda: self.bus, new_id),
            observe=request_log(lambda line: os.write(_STDOUT, line)),
        )
        similar_answers = RedisSimilarAnswers(self._redis)
        self._embedder = ResilientEmbedder(ProviderEmbedder(self.upstream), timer=time.monotonic)
        self.organizations = RememberedOrganizations(self._redis, self.rows, self.prices, timer=timer)
        self.planner = Planner(prices, now=clock.now)
        self.gateway = Gateway(
            admissions=self.admissions,
            following=self.following,
            settler=self.settler,
            forwarding=Forwarding(upstream=self.upstream, settler=self.settler, guide=guide, timer=time.perf_counter),
            matching=Matching(
                embedder=self._embedder,
                answers=similar_answers,
            ),
            organizations=self.organizations,
            reader=CallReader(
                owners=self.admissions,
                planner=self.planner,
                prompting=Prompting(RememberedPromptVersions(self._redis, self.rows)),
            ),
            clock=clock,
            new_id=new_id,
            timer=time.perf_counter,
        )
        self.disputes = Disputes(admissions=self.admissions, answers=similar_answers)
        self.requests = RedisRequests(self._redis)
        self.once = OnceGateway(self.gateway, self.requests)
        self.catalog = ModelCatalog(self.upstream, knows=prices.knows, clock=clock, timer=time.monotonic)

    async def announced(self) -> None:
        """Return when no usage event is queued any more."""
        if isinstance(self._announcer, BackgroundAnnouncer):
            await self._announcer.drained()

    async def close(self) -> None:
        """Publish what is queued, then close every connection."""
        await self.announced()
        await self._embedder.close()
        await self.bus.close()
        await self._session.close()
        for client in (self._client, *self._guarded.values()):
            client.close()
        await self._redis.aclose()
        await self.rows.close()


class SweeperWired:
    """The sweeper with its adapters. Its connections to the bus are those of one run."""

    def __init__(
        self, settings: SweeperSettings, *, secret: Callable[[str], str] = read_secret, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._redis = PipelinedRedis(secret(settings.redis_url_secret))
        settlements = RedisSettlements(self._redis, clock=self._clock)
        self._leftovers = RedisLeftovers(self._redis, settlements)
        self._bus = ConfiguredBus(settings.bus, secret=secret)

    async def sweep(self) -> Swept:
        """Sweep every active organization once."""
        try:
            return await Sweep(leftovers=self._leftovers, bus=self._bus, clock=self._clock).run()
        finally:
            await self._bus.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()


class LazyRows:
    """What is kept in PostgreSQL, connected at the first need: most cold starts find all they need in Redis."""

    def __init__(self, settings: GatewaySettings, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._secret = secret
        self._database: Any = None

    async def find(self, digest: str) -> dict[str, Any] | None:
        """The admission record of a key; see PostgresKeys."""
        from integration.gateway.keys import PostgresKeys  # noqa: PLC0415 - a fifth of a second on a cold start

        return await PostgresKeys(self.connected()).find(digest)

    async def record(self, org_ref: str) -> dict[str, Any]:
        """An organization's configuration; see PostgresConfigurations."""
        from integration.gateway.configuration_rows import PostgresConfigurations  # noqa: PLC0415 - as above

        rows = PostgresConfigurations(self.connected(), restricted_rpm=self._settings.restricted_rpm)
        return await rows.record(org_ref)

    async def prompt_version(self, org_ref: str, prompt_id: str, number: int) -> dict[str, Any] | None:
        """The `messages` and `defaults` of a prompt's version; see PostgresPromptVersions."""
        from integration.gateway.prompt_rows import PostgresPromptVersions  # noqa: PLC0415 - as above

        return await PostgresPromptVersions(self.connected()).find(org_ref, prompt_id, number)

    async def newest_prices(self) -> StoredEdition | None:
        """The newest stored edition of the price tables; see PostgresEditions."""
        from integration.gateway.price_rows import PostgresEditions  # noqa: PLC0415 - as above

        return await PostgresEditions(self.connected()).newest()

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._database is not None:
            await self._database.close()

    def connected(self) -> Any:  # noqa: ANN401 - Database, which is not imported before it is needed
        """The database."""
        if self._database is None:
            from llmo_data.postgres import Database  # noqa: PLC0415 - as above

            self._database = Database(conninfo(**self._settings.database, read=self._secret), max_connections=4)
        return self._database
