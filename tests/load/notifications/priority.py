"""How long something urgent takes to its provider while others wait: `waiting` for the sender, or `planned` meanwhile.

One sender and one planner, unless more are asked for, each a process of its own: nobody helps them, as more invocations
of the functions would.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

from llmo_core.ids import new_id
from llmo_data.postgres import every
from llmo_messaging.envelope import Envelope
from notification.planning.models import NotificationRequested, Waiting
from tests.load.notifications.places import Place, ask, plan, statuses
from tests.load.notifications.sent import Sent
from tests.load.notifications.wired import PLANNER, SENDER, HurriedClock, Wired

_URGENT: Final = 100
_BAR: Final = 2.0
_LOOK_SECONDS: Final = 0.2


async def measure(place: Place, count: int, *, every_seconds: float, planned: bool, planners: int) -> None:
    """Print it: the time from the event in the planner's queue to the provider's having the mail."""
    clock = HurriedClock(time.time())
    wired, told = place.wired(clock), place.told(clock)
    org_id = await place.organization(count)
    bulk = await ask(wired, org_id, roles=["viewer"])  # each by their name: no two of them go in one request
    if planned:
        await plan(wired, Waiting(org_id, bulk.id))
    async with AsyncExitStack() as working:
        for name in (*[PLANNER] * planners, SENDER):
            await working.enter_async_context(place.worker(name, told))
        requested = Envelope.of(
            NotificationRequested(notification_id=bulk.id), event_id=new_id(), org_id=org_id, time=clock.now()
        )
        if not planned:
            await place.redis.rpush(PLANNER, requested.to_json())
        asked = await _ask_urgently(place, wired, every_seconds)
        came = await _came(Sent(place.sent), asked)
        planned_at = await _planned_at(wired)
        waiting = count - (await statuses(wired, org_id)).get("sent", 0)
    to_plan = sorted(planned - at for planned, at in zip(planned_at, asked.values(), strict=True))
    took = sorted(came[address] - at for address, at in asked.items())
    assert len(took) == _URGENT
    p50, p95 = took[len(took) // 2], took[len(took) * 95 // 100]
    what = "wait for the sender" if planned else "are being planned"
    print(
        f"{count:,} {what}, {planners} planner(s): {_URGENT} urgent ones took p50 {p50:.2f} s, p95 {p95:.2f} s, "
        f"max {took[-1]:.2f} s, of which until planned p50 {to_plan[len(to_plan) // 2]:.2f} s, "
        f"p95 {to_plan[len(to_plan) * 95 // 100]:.2f} s; "
        f"{waiting:,} still waited then; p95 is {'within' if p95 <= _BAR else 'OVER'} {_BAR:g} s",
        flush=True,
    )
    await wired.database.close()


async def _ask_urgently(place: Place, wired: Wired, every_seconds: float) -> Mapping[str, float]:
    """Have people ask for new passwords, one after another; when each did."""
    asked = {}
    for number in range(_URGENT):
        await asyncio.sleep(every_seconds)
        email, now = f"urgent{number}.{new_id().hex}@example.com", wired.clock.now()
        data: dict[str, Any] = {"user_id": str(new_id()), "email": email, "token": new_id().hex}
        data["expires_at"] = (now + timedelta(hours=1)).isoformat()
        envelope = Envelope(
            id=new_id(), source="llmo.auth", type="llmo.auth.password.reset_requested", time=now, data=data
        )
        asked[email] = time.time()
        await place.redis.rpush(PLANNER, envelope.to_json())
    return asked


async def _planned_at(wired: Wired) -> Sequence[float]:
    """When the planner had made the urgent mails, in order: those of nobody's account are erased once they are sent."""
    statement = "SELECT created_at FROM notification.messages WHERE priority = 0 ORDER BY id"
    async with wired.database.transaction() as connection:
        return [row["created_at"].timestamp() for row in await every(connection, statement)]


async def _came(sent: Sent, asked: Mapping[str, float]) -> Mapping[str, float]:
    """When the provider had each mail, once it has all of them."""
    found: dict[str, float] = {}
    while len(found) < len(asked):
        await asyncio.sleep(_LOOK_SECONDS)
        found |= {mail.to: mail.at for mail in sent.new() if mail.to in asked}
    return found
