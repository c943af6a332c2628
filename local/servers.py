"""The servers of the laptop stack: stores, event bus, AWS stand-in, upstream. They know nothing of each other."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.addresses import StoreAddresses
from local.aws.moto import MotoServer
from local.messaging_vendors import MessagingAddress, MessagingVendors
from local.payments import Stripe, StripeAddress
from local.progress import Progress
from local.stores.mongodb import mongodb_store
from local.stores.postgres import postgres_store
from local.stores.rabbitmq import message_bus_store
from local.stores.redis import redis_store
from local.stores.store import Store
from local.upstream import UpstreamAddress, UpstreamName, choose_upstream

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where the started servers are."""

    stores: StoreAddresses
    aws: str
    upstream: UpstreamAddress
    stripe: StripeAddress
    messaging: MessagingAddress


class Servers:
    """Starts them all at once, and stops them all at once.

    Args:
        state: The state folder, `.local`.
        owner_password: PostgreSQL's, for the owner of the schemas.
        upstream: None lets the environment decide.
        stripe: Who takes payments.
        messaging: Who sends messages.
        aws_port: Where the laptop's own AWS endpoint will be, which serves Lambda to the stand-in.
        progress: Told about each server.
    """

    def __init__(
        self,
        state: Path,
        *,
        owner_password: str,
        upstream: UpstreamName | None,
        stripe: Stripe,
        messaging: MessagingVendors,
        aws_port: int,
        progress: Progress,
    ) -> None:
        self._progress = progress
        self._postgres = postgres_store(state, owner_password)
        self._redis = redis_store(state)
        self._mongodb = mongodb_store(state)
        self._rabbitmq = message_bus_store(state)
        self._moto = MotoServer(state, lambda_port=aws_port)
        self._upstream = choose_upstream(upstream, state)
        self._stripe = stripe
        self._messaging = messaging

    @property
    def facts(self) -> Mapping[str, str]:
        """Which servers they are, for the banner."""
        return {
            "Upstream": self._upstream.kind,
            "Stripe": self._stripe.kind,
            "Messages": self._messaging.kind,
            "PostgreSQL": self._postgres.kind,
            "Redis": self._redis.kind,
            "MongoDB": self._mongodb.kind,
            "Event bus": self._rabbitmq.kind if self._rabbitmq else "EventBridge and SQS (moto)",
        }

    async def start(self) -> ServerAddresses:
        """Their addresses, once all of them answer. Raises StartError; `stop` then stops those that were started."""
        async with asyncio.TaskGroup() as group:
            postgres = group.create_task(self._start_store(self._postgres))
            redis = group.create_task(self._start_store(self._redis))
            mongodb = group.create_task(self._start_store(self._mongodb))
            rabbitmq = group.create_task(self._start_store(self._rabbitmq)) if self._rabbitmq else None
            moto = group.create_task(self._start_moto())
            upstream = group.create_task(self._start_upstream())
            stripe = group.create_task(self._start_stripe())
            messaging = group.create_task(self._start_messaging())
        stores = StoreAddresses(
            postgres.result(), redis.result(), mongodb.result(), rabbitmq.result() if rabbitmq else None
        )
        return ServerAddresses(stores, moto.result(), upstream.result(), stripe.result(), messaging.result())

    async def stop(self) -> None:
        """Stop what was started. One that cannot be stopped keeps no other running; the log says so."""
        others = (self._moto, self._upstream, self._stripe, self._messaging)
        stopping = [*(store.stop() for store in self._stores), *(other.stop() for other in others)]
        for failure in await asyncio.gather(*stopping, return_exceptions=True):
            if failure is not None:
                logger.error("a server could not be stopped", exc_info=failure)

    async def reset(self) -> None:
        """Delete the data of the stores that this stack owns. Call it before the start."""
        for store in self._stores:
            await store.reset()

    @property
    def _stores(self) -> tuple[Store, ...]:
        bus = (self._rabbitmq,) if self._rabbitmq else ()
        return (self._postgres, self._redis, self._mongodb, *bus)

    async def _start_store(self, store: Store) -> str:
        with self._progress.step(store.kind):
            return await store.start()

    async def _start_moto(self) -> str:
        with self._progress.step("AWS stand-in (moto)"):
            return await self._moto.start()

    async def _start_upstream(self) -> UpstreamAddress:
        with self._progress.step(f"upstream: {self._upstream.kind.partition(' (')[0]}"):
            return await self._upstream.start()

    async def _start_stripe(self) -> StripeAddress:
        with self._progress.step(f"Stripe: {self._stripe.kind.partition(' (')[0]}"):
            return await self._stripe.start()

    async def _start_messaging(self) -> MessagingAddress:
        with self._progress.step(f"messages: {self._messaging.kind.partition(' (')[0]}"):
            return await self._messaging.start()
