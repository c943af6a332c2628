"""What the HTTP API of every service with a schema of its own is made of."""

from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.settings import ServiceSettings
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_core.settings import DatabaseSettings
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus


class ServiceComposition[S: ServiceSettings](Composition):
    """The parts of a process of a service.

    Args:
        schema: The service's own, with its outbox and its idempotency records.
        settings: What the API is told by its environment.
        database_settings: The same of functions that know their database and no more.
    """

    def __init__(
        self, schema: str, settings: type[S], *, database_settings: type[DatabaseSettings] | None = None
    ) -> None:
        super().__init__()
        self._schema = schema
        self._settings = settings
        self._database_settings = database_settings or settings
        self.settings = self.once(self._read_settings)
        self.database = self.once(self._connected)
        self.outbox = self.once(self._announcing)
        self._bus = self.once(self._publishing)
        self._repeated = self.once(self._repeating)

    def pepper(self) -> bytes:
        """The secret under which credentials are digested."""
        return read_secret(self.settings().api_key_pepper_secret).encode()

    async def repeated_requests(self) -> RepeatedRequests:
        """The use case of requests with an `Idempotency-Key`."""
        return self._repeated()

    def _read_settings(self) -> S:
        return self._settings.model_validate({})

    def _connected(self) -> Database:
        return self.closing(Database(self._database_settings.model_validate({}).conninfo()), Database.close)

    def _publishing(self) -> ConfiguredBus:
        return self.closing(ConfiguredBus(self.settings().bus()), ConfiguredBus.close)

    def _announcing(self) -> Outbox:
        return Outbox(database=self.database(), schema=self._schema, bus=self._bus, clock=SystemClock(), new_id=new_id)

    def _repeating(self) -> RepeatedRequests:
        records = IdempotencyRecords(self._schema)
        return RepeatedRequests(database=self.database(), records=records, secret=self.pepper(), clock=SystemClock())
