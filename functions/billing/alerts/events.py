"""What alerts announce."""

from uuid import UUID

from pydantic import AwareDatetime

from billing.alerts.models import AlertKind
from billing.fields import Amount
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class AlertCrossed(Event, name="llmo.billing.alert.crossed"):
    """What an organization spends, uses or has left has come to a value that it wants to be told of.

    Values of money are minor units of `currency`, others units of `meter`. `percent` is of `limit`, where the threshold
    was given so; of a balance it is what is gone. The period is the one that was under way; a balance has none.
    """

    alert_id: UUID
    crossing_id: UUID
    name: str
    kind: AlertKind
    currency: Currency | None
    meter: str | None
    wallet_id: UUID | None
    limit: Amount | None
    percent: int | None
    threshold: Amount
    value: Amount
    period_start: AwareDatetime | None
    period_end: AwareDatetime | None
    crossed_at: AwareDatetime
