"""The event bus that a function's environment names: EventBridge, or RabbitMQ behind the same port.

Nothing of either bus is imported before the first event that is published.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from llmo_core.aws import JsonService
from llmo_core.secrets import read_secret
from llmo_messaging.bus import EventBus
from llmo_messaging.claims import ClaimCheck, S3Claims
from llmo_messaging.dead_letters import DeadLetters, SqsDeadLetters
from llmo_messaging.envelope import Envelope

if TYPE_CHECKING:
    import aiohttp

    from llmo_messaging.settings import ConsumerSettings

RABBITMQ = "rabbitmq"


class _Bus(EventBus, Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Which bus, and where it is.

    Attributes:
        kind: `eventbridge` or `rabbitmq`.
        stage: RabbitMQ's exchange is `llmo.<stage>`.
        event_bus_name: EventBridge's bus.
        events: EventBridge.
        rabbitmq_url_secret: Names the secret with RabbitMQ's URL; empty where EventBridge is the bus.
        claims_bucket: Where the data of large events goes.
    """

    kind: str
    stage: str
    event_bus_name: str
    events: JsonService
    rabbitmq_url_secret: str
    claims_bucket: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "BusSettings":
        """Read the environment; a KeyError names the variable that is missing."""
        return cls(
            kind=environment.get("MESSAGE_BUS", "eventbridge"),
            stage=environment["STAGE"],
            event_bus_name=environment["EVENT_BUS_NAME"],
            events=JsonService.from_environment("events", "AWSEvents", environment),
            rabbitmq_url_secret=environment.get("RABBITMQ_URL_SECRET", ""),
            claims_bucket=environment["CLAIMS_BUCKET"],
        )


class ConfiguredBus:
    """The bus that the settings name, with connections of its own.

    A process that Lambda froze finds its connections lost: they are made anew with the next event, which costs that
    event an attempt. A function that publishes on a schedule closes the bus at the end of each run instead.

    Args:
        session: An HTTP session to share; without it EventBridge gets one of its own.
        secret: Gives a secret's value by its name.
        attempts: How often one event is tried.
    """

    def __init__(
        self,
        settings: BusSettings,
        *,
        session: "Callable[[], aiohttp.ClientSession] | None" = None,
        secret: Callable[[str], str] = read_secret,
        attempts: int = 4,
    ) -> None:
        self._settings = settings
        self._session = session
        self._secret = secret
        self._attempts = attempts
        self._bus: _Bus | None = None

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Return when the bus has taken all events; raise PublishFailed when it has not, after all attempts."""
        if self._bus is None:
            self._bus = self._rabbitmq() if self._settings.kind == RABBITMQ else self._eventbridge()
        await self._bus.publish(events)

    async def close(self) -> None:
        """Close the connections; the next event opens new ones. Safe to repeat."""
        bus, self._bus = self._bus, None
        if bus is not None:
            await bus.close()

    def _eventbridge(self) -> _Bus:
        from llmo_messaging.eventbridge import EventBridgeBus  # noqa: PLC0415 - aiohttp: a sixth of a second

        return EventBridgeBus(
            session=self._session,
            service=self._settings.events,
            bus_name=self._settings.event_bus_name,
            encode=self._claim_check(),
            attempts=self._attempts,
        )

    def _rabbitmq(self) -> _Bus:
        from llmo_messaging.rabbitmq import RabbitMqBus  # noqa: PLC0415 - aio-pika, which most functions never need

        return RabbitMqBus(
            url=self._secret(self._settings.rabbitmq_url_secret),
            exchange=exchange_of(self._settings.stage),
            encode=self._claim_check(),
            attempts=self._attempts,
        )

    def _claim_check(self) -> ClaimCheck:
        return ClaimCheck(lambda: S3Claims(self._settings.claims_bucket))


def configured_dead_letters(settings: "ConsumerSettings", *, secret: Callable[[str], str] = read_secret) -> DeadLetters:
    """The dead-letter queue of a consumer, behind the bus that its settings name."""
    if settings.message_bus != RABBITMQ:
        return SqsDeadLetters(settings.dead_letter_queue_url)
    from llmo_messaging.rabbitmq_dead_letters import RabbitMqDeadLetters  # noqa: PLC0415 - as above

    return RabbitMqDeadLetters(secret(settings.rabbitmq_url_secret), exchange_of(settings.stage))


def exchange_of(stage: str) -> str:
    """A stage's topic exchange on RabbitMQ."""
    return f"llmo.{stage}"
