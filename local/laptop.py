"""The composition of the laptop stack: which parts there are, in which order they start and stop."""

import asyncio
import json
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llmo_messaging.configured import exchange_of
from llmo_messaging.rabbitmq import declare
from local.addresses import StoreAddresses, secret_values, template_parameters
from local.aws.moto import MotoServer
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile, write_private
from local.aws.template import read_template
from local.demo import Demo, DemoAccount
from local.front.door import FrontDoor
from local.front.pages import LocalPages
from local.process import StartError, check_port, free_port, port_taken
from local.progress import Progress
from local.runtime.endpoint import AwsEndpoint
from local.runtime.host import RuntimeHost
from local.stack import StackSpec
from local.stores.mongodb import mongodb_store
from local.stores.postgres import postgres_store
from local.stores.rabbitmq import message_bus_store
from local.stores.redis import redis_store
from local.stores.store import Store
from local.triggers.queues import QueuePollers
from local.triggers.rabbitmq import RabbitMqConsumers
from local.triggers.schedules import Scheduler
from local.upstream import UpstreamAddress, UpstreamName, choose_upstream

logger = logging.getLogger(__name__)

_STOP_SECONDS = 30.0
_MIGRATE = "MigrateFunction"


@dataclass(frozen=True, slots=True)
class LaptopOptions:
    """How the stack shall run.

    Attributes:
        template: `template.yaml`.
        state: The state folder, `.local`.
        port: Of the front door; 0 takes a free one.
        upstream: None lets the environment decide.
        watch: Run changed code at the next invocation.
    """

    template: Path
    state: Path
    port: int = 8080
    upstream: UpstreamName | None = None
    watch: bool = True


class Laptop:
    """The whole platform on this machine. `async with` starts it and stops what it started, in the reverse order.

    Args:
        options: How it shall run.
        progress: Told about each part.
    """

    def __init__(self, options: LaptopOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._state = options.state
        self._parts = AsyncExitStack()
        self._secrets = SecretFile(options.state / "secrets.json")
        password = self._secrets.value("OwnerDatabasePasswordSecret")
        self._postgres = postgres_store(self._state, password)
        self._redis = redis_store(self._state)
        self._mongodb = mongodb_store(self._state)
        self._rabbitmq = message_bus_store(self._state)
        self._upstream = choose_upstream(options.upstream, self._state)
        self._aws_port = free_port()
        self._moto = MotoServer(self._state, lambda_port=self._aws_port)
        self._address = UpstreamAddress("", "")
        self._demo: Demo | None = None

    @property
    def demo(self) -> Demo:
        """The demo account, once started."""
        if self._demo is None:
            raise RuntimeError("the stack is not started")
        return self._demo

    @property
    def demo_file(self) -> Path:
        """Where the demo account is written down."""
        return self._state / "demo.json"

    @property
    def upstream(self) -> UpstreamAddress:
        """The upstream's address, once started."""
        return self._address

    @property
    def facts(self) -> dict[str, str]:
        """What stands where, for the banner."""
        return {
            "Upstream": self._upstream.kind,
            "PostgreSQL": self._postgres.kind,
            "Redis": self._redis.kind,
            "MongoDB": self._mongodb.kind,
            "Event bus": self._rabbitmq.kind if self._rabbitmq else "EventBridge and SQS (moto)",
        }

    async def __aenter__(self) -> Self:
        """Start everything. Raises StartError; nothing is left running then."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self.stop()

    async def stop(self) -> None:
        """Stop what was started, last part first. Safe to repeat."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._parts.aclose()
        except TimeoutError:
            logger.exception("stopping took more than %.0f seconds", _STOP_SECONDS)

    async def reset(self) -> None:
        """Delete the data of the stores that this stack owns. Call it before the start."""
        for store in (self._postgres, self._redis, self._mongodb, self._rabbitmq):
            if store is not None:
                await store.reset()

    async def _start(self) -> None:
        check_port(self._options.port)
        urls, moto_url = await self._start_servers()
        with self._progress.step("buses, queues, rules, secrets from template.yaml"):
            stack = await asyncio.to_thread(self._provision, urls, moto_url)
        if urls.rabbitmq is not None:
            with self._progress.step("RabbitMQ's exchange and queues from template.yaml"):
                await declare(urls.rabbitmq, exchange_of(stack.stage), stack.consumer_queues)
        host = await self._start_host(stack, moto_url)
        with self._progress.step("database schema"):
            await invoke(host, _MIGRATE, {})
        host.warm(stack.functions)
        base_url = await self._start_edges(stack, host, urls.rabbitmq)
        with self._progress.step("gateway"):
            await self._until_web_functions_answer(stack, host)
        with self._progress.step("demo account"):
            account = DemoAccount(self.demo_file, base_url, lambda function, event: invoke(host, function, event))
            self._demo = await account.ensure()
        self._publish_addresses(base_url, urls, stack)

    async def _start_servers(self) -> tuple[StoreAddresses, str]:
        """Stores, AWS stand-in and upstream, all at once and later stopped at once: they know nothing of each other."""
        self._parts.push_async_callback(self._stop_servers)
        async with asyncio.TaskGroup() as group:
            postgres = group.create_task(self._start_store(self._postgres))
            redis = group.create_task(self._start_store(self._redis))
            mongodb = group.create_task(self._start_store(self._mongodb))
            moto = group.create_task(self._start_moto())
            upstream = group.create_task(self._start_upstream())
            rabbitmq = group.create_task(self._start_store(self._rabbitmq)) if self._rabbitmq else None
        self._address = upstream.result()
        return StoreAddresses(
            postgres.result(), redis.result(), mongodb.result(), rabbitmq.result() if rabbitmq else None
        ), moto.result()

    async def _start_store(self, store: Store) -> str:
        with self._progress.step(store.kind):
            return await store.start()

    async def _start_moto(self) -> str:
        with self._progress.step("AWS stand-in (moto)"):
            return await self._moto.start()

    async def _start_upstream(self) -> UpstreamAddress:
        with self._progress.step(f"upstream: {self._upstream.kind.partition(' (')[0]}"):
            return await self._upstream.start()

    async def _stop_servers(self) -> None:
        servers = (self._postgres, self._redis, self._mongodb, self._rabbitmq, self._moto, self._upstream)
        stopping = [server.stop() for server in servers if server is not None]
        for failure in await asyncio.gather(*stopping, return_exceptions=True):
            if failure is not None:
                logger.error("a server could not be stopped", exc_info=failure)

    def _provision(self, stores: StoreAddresses, moto_url: str) -> StackSpec:
        template = read_template(self._options.template)
        provisioner = Provisioner(
            template,
            template_parameters(stores, self._address),
            endpoint_url=moto_url,
            secret_file=self._secrets,
            secret_values=secret_values(stores),
        )
        provisioner.provision()
        return PlatformReader(template, provisioner, f"http://127.0.0.1:{self._aws_port}").read()

    async def _start_host(self, stack: StackSpec, moto_url: str) -> RuntimeHost:
        host = RuntimeHost(stack, state_dir=self._state, watch=self._options.watch)
        self._parts.push_async_callback(host.stop)
        endpoint = AwsEndpoint(host, moto_url)
        self._parts.push_async_callback(endpoint.stop)
        with self._progress.step(f"runtime host for {len(stack.functions)} functions"):
            await endpoint.start(self._aws_port)
            await host.start()
        return host

    async def _start_edges(self, stack: StackSpec, host: RuntimeHost, rabbitmq: str | None) -> str:
        """What lets work in: the front door, the queues, the schedules."""
        pollers, scheduler = QueuePollers(stack, host), Scheduler(stack, host)
        consumers = RabbitMqConsumers(stack, host, rabbitmq) if rabbitmq is not None else None
        readiness = {"functions": host.health, "queues": pollers.health, "schedules": scheduler.health}
        if consumers is not None:
            readiness["rabbitmq"] = consumers.health
        door = FrontDoor(stack, host, pages=LocalPages(stack, schedules=scheduler, readiness=readiness))
        with self._progress.step("front door, queues and schedules"):
            self._parts.push_async_callback(door.stop)
            try:
                await door.start(self._options.port)
            except OSError as error:
                raise port_taken(self._options.port) from error
            self._parts.push_async_callback(pollers.stop)
            await pollers.start()
            if consumers is not None:
                self._parts.push_async_callback(consumers.stop)
                consumers.start()
            self._parts.push_async_callback(scheduler.stop)
            scheduler.start()
        return door.url

    async def _until_web_functions_answer(self, stack: StackSpec, host: RuntimeHost) -> None:
        for function in stack.functions.values():
            if function.web_adapter:
                await host.web_url(function.logical_id)

    def _publish_addresses(self, base_url: str, stores: StoreAddresses, stack: StackSpec) -> None:
        """Note where the running stack and its servers are, for `python -m local invoke` and for curious people."""
        path = self._state / "stack.json"
        addresses: dict[str, object] = {
            "base_url": base_url,
            "aws_endpoint_url": f"http://127.0.0.1:{self._aws_port}",
            "upstream_base_url": self._address.base_url,
            "database_url": stores.postgres,
            "redis_url": stores.redis,
            "mongodb_uri": stores.mongodb,
            **({"rabbitmq_url": stores.rabbitmq} if stores.rabbitmq else {}),
            "state_machines": stack.state_machines,
            "pid": str(os.getpid()),
        }
        write_private(path, addresses)
        self._parts.callback(path.unlink, missing_ok=True)


async def invoke(host: RuntimeHost, function: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - a function's result
    """Invoke a function and give its result. Raises StartError with the function's own error."""
    invocation = await host.invoke(function, json.dumps(event).encode())
    if invocation.function_error:
        raise StartError(f"{function} failed: {invocation.payload.decode()}\nIts log: {host.log_path(function)}")
    return json.loads(invocation.payload)
