"""Reading and choosing for how long events are kept."""

from uuid import UUID

from analytics.data_retention.applying import Applying
from analytics.data_retention.models import LongerThanThePlan, Retention
from analytics.data_retention.ports import Retentions


class RetentionService:
    """An organization's choice, within its plan."""

    def __init__(self, *, retentions: Retentions, applying: Applying) -> None:
        self._retentions = retentions
        self._applying = applying

    async def show(self, org_id: UUID) -> Retention:
        """For how long events are kept. Raises StoreUnavailable."""
        return await self._retentions.of(org_id)

    async def choose(self, org_id: UUID, days: int | None) -> Retention:
        """Keep events for so many days, also those that are kept already; None for as long as the plan has it.

        For those it may take some turns, where there are very many. Safe to repeat, and to be repeated when it fails.
        Raises LongerThanThePlan, StoreUnavailable.
        """
        most = (await self._retentions.of(org_id)).most_days
        if days is not None and days > most:
            raise LongerThanThePlan(f"The plan keeps events for {most} days.")
        chosen = await self._retentions.choose(org_id, days)
        await self._applying.begin(chosen)
        return chosen
