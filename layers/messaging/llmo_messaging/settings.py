"""What functions are told of the event bus. The gateway reads the same variables without pydantic-settings."""

from typing import Literal

from llmo_core.aws import JsonService
from llmo_core.settings import Settings
from llmo_messaging.configured import BusSettings


class MessagingSettings(Settings):
    """Which bus it is, and where RabbitMQ is: empty where EventBridge is the bus."""

    message_bus: Literal["eventbridge", "rabbitmq"] = "eventbridge"
    rabbitmq_url_secret: str = ""


class PublisherSettings(MessagingSettings):
    """Where to publish, and where to keep the data of large events."""

    event_bus_name: str
    claims_bucket: str

    def bus(self) -> BusSettings:
        """The bus to publish on."""
        return BusSettings(
            kind=self.message_bus,
            stage=self.stage,
            event_bus_name=self.event_bus_name,
            events=JsonService.from_environment("events", "AWSEvents"),
            rabbitmq_url_secret=self.rabbitmq_url_secret,
            claims_bucket=self.claims_bucket,
        )


class ConsumerSettings(MessagingSettings):
    """Where messages go that cannot be read, and where the data of large events is."""

    dead_letter_queue_url: str
    claims_bucket: str
