"""Reminding of API keys that expire: a week before, and a day before."""

from collections import defaultdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from llmo_auth.principal import Permission
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Transaction
from notification.kinds.catalogue import kind_named
from notification.kinds.models import Audience
from notification.planning.models import KEPT, Notification, NotificationStatus
from notification.reminders.ports import ExpiringKey, ExpiringKeys, Reminders

NOTICES: Final = (timedelta(days=1), timedelta(days=7))
"""How long before; the later one first, so that who is reminded of tomorrow is not of next week as well."""
_AT_ONCE: Final = 500


class KeyReminders:
    """Has owners told of keys that expire soon, once for each notice."""

    def __init__(
        self, *, keys: ExpiringKeys, reminders: Reminders, transaction: Transaction, clock: Clock, new_id: NewId
    ) -> None:
        self._keys = keys
        self._reminders = reminders
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def remind(self) -> int:
        """Keep a notification of each; how many are new. The planner finds them. Safe to repeat."""
        told, done = 0, set[UUID]()
        for notice in NOTICES:
            after: UUID | None = None
            while keys := await self._keys.within(notice, now=self._clock.now(), after=after, limit=_AT_ONCE):
                of_org: defaultdict[UUID, list[ExpiringKey]] = defaultdict(list)
                for key in keys:
                    if key.key_id not in done:
                        of_org[key.org_id].append(key)
                        done.add(key.key_id)
                for org_id, some in of_org.items():
                    async with self._transaction(org_id):
                        told += sum([await self._reminders.add(self._reminder(key, notice)) for key in some])
                after = keys[-1].key_id
        return told

    def _reminder(self, key: ExpiringKey, notice: timedelta) -> Notification:
        kind, now = kind_named("api_key_expiring"), self._clock.now()
        variables = {
            "key_id": key.key_id,
            "key_name": key.name,
            "hint": key.hint,
            "expires_at": key.expires_at.isoformat(),
        }
        return Notification(
            id=self._new_id(),
            org_id=key.org_id,
            kind=kind.name,
            category=kind.category,
            priority=kind.priority,
            channels=kind.channels,
            audience=Audience(permission=Permission.ORG_WRITE),
            variables=variables,
            dedupe_key=f"{kind.name}:{key.key_id}:{key.expires_at.isoformat()}:{notice.days}",
            status=NotificationStatus.PLANNING,
            send_at=now,
            created_at=now,
            expires_at=now + KEPT,
        )
