"""What a worker process is told on its command line."""

from typing import Literal

from llmo_core.model import Model


class EventBridgeTransport(Model):
    """A bus at an endpoint, and one queue that a rule fills."""

    kind: Literal["eventbridge"] = "eventbridge"
    put_events_url: str
    sqs_url: str
    bus_name: str
    queue_url: str
    queue_arn: str
    visibility_seconds: int


class RabbitMqTransport(Model):
    """An exchange on a broker, and one queue."""

    kind: Literal["rabbitmq"] = "rabbitmq"
    url: str
    exchange: str
    queue: str


class WorkerSettings(Model):
    """What to be, and where everything is; with a seed the bus on RabbitMQ is unreliable."""

    role: Literal["consumer", "relay"]
    conninfo: dict[str, str | int]
    database_schema: str
    transport: EventBridgeTransport | RabbitMqTransport
    seed: int | None = None
