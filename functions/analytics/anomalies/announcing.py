"""What others are told of anomalies, on the bus."""

from analytics.anomalies.models import Anomaly, AnomalyDetected
from llmo_core.trace import current_traceparent
from llmo_messaging.bus import EventBus
from llmo_messaging.envelope import Envelope


class BusAnnouncements:
    """Tells others; every repetition is the same event."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    async def detected(self, anomaly: Anomaly) -> None:
        """Tell others of an anomaly. Raises PublishFailed."""
        value_text, expected_text = anomaly.texts
        event = AnomalyDetected(
            anomaly_id=anomaly.id,
            value_text=value_text,
            expected_text=expected_text,
            **anomaly.model_dump(exclude={"detected_at"}),
        )
        envelope = Envelope.of(
            event,
            event_id=anomaly.id,
            org_id=anomaly.org_id,
            time=anomaly.detected_at,
            traceparent=current_traceparent(),
        )
        await self._bus.publish([envelope])
