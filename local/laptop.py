"""The composition of the laptop stack: which parts there are, in which order they start and stop."""

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llmo_messaging.configured import exchange_of
from llmo_messaging.rabbitmq import declare
from local.addresses import StoreAddresses, secret_values, template_parameters
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile
from local.aws.template import read_template
from local.demo import Demo, DemoAccount
from local.front.door import FrontDoor
from local.front.outbox import Outbox
from local.front.pages import LocalPages
from local.messaging_vendors import MessagingVendors
from local.metrics.publishing import MetricsPublisher
from local.payments import choose_stripe
from local.process import StartError, check_port, free_port, port_taken
from local.progress import Progress
from local.running import publish, stack_file
from local.runtime.endpoint import AwsEndpoint
from local.runtime.host import RuntimeHost
from local.servers import ServerAddresses, Servers
from local.stack import StackSpec
from local.triggers.executions import ScheduledTargets
from local.triggers.queues import QueuePollers
from local.triggers.rabbitmq import RabbitMqConsumers
from local.triggers.schedules import Scheduler
from local.upstream import UpstreamAddress, UpstreamName

logger = logging.getLogger(__name__)

_STOP_SECONDS = 30.0
_MIGRATE = "MigrateFunction"
_ROTATE = "RotationFunction"


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
        self._aws_port = free_port()
        self._port = options.port or free_port()
        self._servers = Servers(
            options.state,
            owner_password=self._secrets.value("OwnerDatabasePasswordSecret"),
            upstream=options.upstream,
            stripe=choose_stripe(options.state, f"http://127.0.0.1:{self._port}/webhooks/stripe"),
            messaging=MessagingVendors(options.state, f"http://127.0.0.1:{self._port}"),
            aws_port=self._aws_port,
            progress=progress,
        )
        self._address = UpstreamAddress("", "")
        self._stripe_url = ""
        self._outbox_url = ""
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
    def facts(self) -> Mapping[str, str]:
        """What stands where, for the banner."""
        return self._servers.facts

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
        await self._servers.reset()

    async def _start(self) -> None:
        check_port(self._port)
        self._parts.push_async_callback(self._servers.stop)
        servers = await self._servers.start()
        self._address, stores = servers.upstream, servers.stores
        self._stripe_url, self._outbox_url = servers.stripe.base_url, servers.messaging.outbox_url
        with self._progress.step("buses, queues, rules, secrets from template.yaml"):
            stack = await asyncio.to_thread(self._provision, servers)
        if stores.rabbitmq is not None:
            with self._progress.step("RabbitMQ's exchange and queues from template.yaml"):
                await declare(stores.rabbitmq, exchange_of(stack.stage), stack.consumer_queues)
        host = await self._start_host(stack, servers.aws)
        with self._progress.step("database schema, signing keys"):
            await invoke(host, _MIGRATE, {"allow_contract": True})  # no code of another release runs
            await invoke(host, _ROTATE, {})
        host.warm(stack.functions)
        base_url = await self._start_edges(stack, host, stores.rabbitmq)
        with self._progress.step("gateway"):
            await asyncio.gather(*(host.web_url(each) for each, spec in stack.functions.items() if spec.web_adapter))
        with self._progress.step("demo account"):
            account = DemoAccount(self.demo_file, base_url, lambda function, event: invoke(host, function, event))
            self._demo = await account.ensure()
            if not os.environ.get("OPERATOR_ORG_ID"):
                host.warm(host.configure("OPERATOR_ORG_ID", self._demo.org_id))
        self._publish_addresses(base_url, stores, stack)

    def _provision(self, servers: ServerAddresses) -> StackSpec:
        template = read_template(self._options.template)
        provisioner = Provisioner(
            template,
            template_parameters(
                servers.stores,
                servers.upstream,
                servers.stripe,
                servers.messaging,
                public_url=f"http://127.0.0.1:{self._port}",
            ),
            endpoint_url=servers.aws,
            secret_file=self._secrets,
            secret_values=secret_values(servers.stores),
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
        logs = {function: host.log_path(function) for function in stack.functions}
        names = {function: spec.name for function, spec in stack.functions.items()}
        publisher = MetricsPublisher(host.meter, logs, names=names, endpoint_url=moto_url)
        self._parts.push_async_callback(publisher.stop)
        publisher.start()
        return host

    async def _start_edges(self, stack: StackSpec, host: RuntimeHost, rabbitmq: str | None) -> str:
        """What lets work in: the front door, the queues, the schedules."""
        pollers, scheduler = QueuePollers(stack, host), Scheduler(stack, ScheduledTargets(stack, host))
        consumers = RabbitMqConsumers(stack, host, rabbitmq) if rabbitmq is not None else None
        readiness = {"functions": host.health, "queues": pollers.health, "schedules": scheduler.health}
        if consumers is not None:
            readiness["rabbitmq"] = consumers.health
        more = Outbox(self._outbox_url).pages()
        pages = LocalPages(stack, schedules=scheduler, readiness=readiness, more=more)
        door = FrontDoor(stack, host, pages=pages, meter=host.meter)
        with self._progress.step("front door, queues and schedules"):
            self._parts.push_async_callback(door.stop)
            try:
                await door.start(self._port)
            except OSError as error:
                raise port_taken(self._port) from error
            self._parts.push_async_callback(pollers.stop)
            await pollers.start()
            if consumers is not None:
                self._parts.push_async_callback(consumers.stop)
                consumers.start()
            self._parts.push_async_callback(scheduler.stop)
            scheduler.start()
        return door.url

    def _publish_addresses(self, base_url: str, stores: StoreAddresses, stack: StackSpec) -> None:
        """Note where the running stack and its servers are, for commands in other terminals and for curious people."""
        addresses: dict[str, object] = {
            "base_url": base_url,
            "aws_endpoint_url": f"http://127.0.0.1:{self._aws_port}",
            "upstream_base_url": self._address.base_url,
            **({"stripe_url": self._stripe_url} if self._stripe_url else {}),
            "messages_url": self._outbox_url,
            "database_url": stores.postgres,
            "redis_url": stores.redis,
            "mongodb_uri": stores.mongodb,
            **({"rabbitmq_url": stores.rabbitmq} if stores.rabbitmq else {}),
            "state_machines": stack.state_machines,
            "pid": str(os.getpid()),
        }
        publish(self._state, addresses)
        self._parts.callback(stack_file(self._state).unlink, missing_ok=True)


async def invoke(host: RuntimeHost, function: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - a function's result
    """Invoke a function and give its result. Raises StartError with the function's own error."""
    invocation = await host.invoke(function, json.dumps(event).encode())
    if invocation.function_error:
        raise StartError(f"{function} failed: {invocation.payload.decode()}\nIts log: {host.log_path(function)}")
    return json.loads(invocation.payload)
