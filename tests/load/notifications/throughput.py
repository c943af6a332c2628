"""How many notifications are planned, and how many mails sent, in a second by one process."""

import contextlib
import cProfile
import pstats
import time
from collections.abc import Awaitable, Callable
from typing import Final

import psutil

from notification.kinds.models import Channel, Priority
from notification.planning.models import Waiting
from tests.load.notifications.places import Place, ask, plan, statuses
from tests.load.notifications.wired import HurriedClock, Wired, enough

_A_FIFTH: Final = 5


async def measure(place: Place, count: int, *, profile: bool) -> None:
    """Print it: one to many addresses, and a fifth as many to members by mail and inbox, and to one address each."""
    few = count // _A_FIFTH
    print(f"{'':40}{'messages':>9}{'per s':>9}{'ms CPU each':>14}{'of PostgreSQL':>14}")
    wired = place.wired(HurriedClock(time.time()))
    await _warm_up(place, wired)
    org_id = await place.organization()
    addresses = [f"reader{number}@example.com" for number in range(count)]
    many = await ask(wired, org_id, addresses=addresses)
    await _shown(
        "plan: one to many addresses", count, lambda: _planned(wired, [Waiting(org_id, many.id)]), profile=profile
    )
    await _shown("send: one to many addresses", count, lambda: _sent(wired, count), profile=profile)
    assert await statuses(wired, org_id) == {"sent": count}

    org_id = await place.organization(few)
    told = await ask(wired, org_id, roles=["viewer"], channels=(Channel.EMAIL, Channel.IN_APP))
    waiting = [Waiting(org_id, told.id)]
    await _shown("plan: one to members, mail and inbox", 2 * few, lambda: _planned(wired, waiting), profile=profile)
    await _shown("send: one to members, by their names", few, lambda: _sent(wired, few), profile=profile)
    assert await statuses(wired, org_id) == {"sent": few}

    org_id = await place.organization()
    singles = [
        await ask(
            wired, org_id, addresses=[f"one{number}@example.com"], priority=Priority.NORMAL, title=f"No. {number}"
        )
        for number in range(few)
    ]
    waiting = [Waiting(org_id, each.id) for each in singles]
    await _shown("plan: many to one each", few, lambda: _planned(wired, waiting), profile=profile)
    await _shown("send: many to one each", few, lambda: _sent(wired, few), profile=profile)
    assert await statuses(wired, org_id) == {"sent": few}
    counts = await place.vendors("GET", "counts")
    assert not counts["duplicates"]
    await wired.database.close()


async def _warm_up(place: Place, wired: Wired) -> None:
    org_id = await place.organization()
    told = await ask(wired, org_id, addresses=["warm@example.com"])
    await _planned(wired, [Waiting(org_id, told.id)])
    await _sent(wired, 1)


async def _planned(wired: Wired, waiting: list[Waiting]) -> None:
    await plan(wired, *waiting)


async def _sent(wired: Wired, count: int) -> None:
    assert await wired.sending().send_due(enough) == count


async def _shown(what: str, count: int, work: Callable[[], Awaitable[None]], *, profile: bool) -> None:
    profiler = cProfile.Profile()
    before, cpu_before, database_before = time.perf_counter(), time.process_time(), _database_cpu()
    if profile:
        profiler.enable()
    await work()
    profiler.disable()
    elapsed, cpu = time.perf_counter() - before, time.process_time() - cpu_before
    spent = cpu / count * 1e3, (_database_cpu() - database_before) / count * 1e3
    print(f"{what:40}{count:9,}{count / elapsed:9,.0f}{spent[0]:14.2f}{spent[1]:14.2f}", flush=True)
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def _database_cpu() -> float:
    """Seconds of CPU of the PostgreSQL server's processes."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name().startswith("postgres"):
                times = process.cpu_times()
                spent += times.user + times.system
    return spent
