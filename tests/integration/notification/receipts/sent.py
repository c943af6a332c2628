"""Messages that receipts are about."""

from typing import Any
from uuid import UUID

from llmo_core.ids import new_id
from llmo_data.postgres import every
from tests.integration.notification.messages.post_office import PostOffice


async def message(office: PostOffice, org_id: UUID | None, *, sent: bool = True) -> dict[str, Any]:
    """A message to an address of its own."""
    notification = await office.ask(org_id, f"{new_id()}@example.com")
    await office.plan(notification)
    if sent:
        await office.send()
    (made,) = await office.messages(notification)
    return made


async def now(office: PostOffice, made: dict[str, Any]) -> dict[str, Any]:
    async with office.database.transaction(made["org_id"]) as connection:
        rows = await every(connection, "SELECT * FROM notification.messages WHERE id = %(id)s", id=made["id"])
    return rows[0]
