"""What becomes of messages when their provider fails for 30 % of calls, and their sender is killed in the middle.

Each of a quarter as many members gets four notifications, by their name: each mail is a call of its own, and so is each
push notification to the one browser that each has. A push service has a notification replace the one with the same
Topic, and a mailbox knows a Message-ID again: what came twice is told apart by these as well. As soon as the
provider has half of them the sender is killed (SIGKILL), and another one started. The clock of all of them hurries, by
default thirty times: the dead sender's lease of five minutes ends after ten seconds, and waits are as much shorter.
"""

import asyncio
import base64
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from llmo_data.postgres import every
from notification.planning.models import Waiting
from tests.load.notifications.places import Place, ask, plan, statuses
from tests.load.notifications.sent import Mail, Sent
from tests.load.notifications.wired import SENDER, HurriedClock, Wired

_EACH: Final = 4
_FAILING: Final = 0.3
_LOOK_SECONDS: Final = 0.02
_LONGEST_SECONDS: Final = 1800
_IN_FLIGHT: Final = "SELECT id FROM notification.messages WHERE status = 'sending'"
_ATTEMPTS: Final = "SELECT outcome, count(*) AS attempts FROM notification.attempts GROUP BY outcome ORDER BY outcome"


class By(NamedTuple):
    """Who is asked to send, and how it says no."""

    name: str
    known_by: str
    fault: Mapping[str, object]


SENDGRID: Final = By("SendGrid", "Message-ID", {"path": "/v3/mail/send", "status": 503})
SMTP: Final = By("SMTP", "Message-ID", {"path": "/smtp", "status": 451})
WEB_PUSH: Final = By("Web Push", "Topic", {"path": "/push/.*", "status": 503})
_MOST_BROWSERS: Final = 1000  # of the stand-in


async def measure(place: Place, count: int, by: By, *, hurry: float) -> None:
    """Print what was delivered, lost, doubled, and came in the wrong order."""
    clock = HurriedClock(time.time(), hurry)
    count = min(count, _MOST_BROWSERS * _EACH) if by is WEB_PUSH else count
    mail_server = f"smtp://127.0.0.1:{place.smtp_port}?starttls=never" if by is SMTP else ""
    told = place.told(clock, mail_server=mail_server, vapid=_vapid_key() if by is WEB_PUSH else "")
    wired = replace(place.wired(clock), vapid=told.vapid)
    org_id = await place.organization(count // _EACH)
    if by is WEB_PUSH:
        await place.browsers(wired)
    for number in range(_EACH):
        notification = await ask(wired, org_id, roles=["viewer"], channels=[wired.channel], title=f"No. {number}")
        await plan(wired, Waiting(org_id, notification.id))
    planned = await statuses(wired, org_id)
    await place.vendors("POST", "faults", {**by.fault, "rate": _FAILING, "seed": 7})

    began, sent = time.perf_counter(), Sent(place.sent)
    mails: list[Mail] = []
    async with place.worker(SENDER, told) as first:
        while len(mails) < count // 2:
            await asyncio.sleep(_LOOK_SECONDS)
            mails += sent.new()
        first.kill()
        await first.wait()
        in_flight = await _in_flight(wired, org_id)
    async with place.worker(SENDER, told):
        while (await statuses(wired, org_id)).get("sent", 0) < count:
            await asyncio.sleep(_LOOK_SECONDS * 10)
            mails += sent.new()
            if time.perf_counter() - began > _LONGEST_SECONDS:
                break
    mails += sent.new()
    _show(by, sum(planned.values()), mails, in_flight, time.perf_counter() - began)
    async with wired.database.transaction(org_id) as connection:
        outcomes = {row["outcome"]: row["attempts"] for row in await every(connection, _ATTEMPTS)}
    print(f"{'':10}attempts by what came of them: {outcomes}", flush=True)
    await wired.database.close()


def _vapid_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32)).decode().rstrip("=")


def _show(by: By, planned: int, mails: Sequence[Mail], in_flight: set[UUID], seconds: float) -> None:
    times = Counter(mail.message_id for mail in mails)
    twice = {UUID(each) for each, delivered in times.items() if delivered > 1}
    headers = {(mail.to, mail.header) for mail in mails}
    wrong = _out_of_order(mails)
    print(
        f"{by.name:10}delivered {len(times):,} of {planned:,}, lost {planned - len(times):,}, "
        f"in the wrong order {wrong:,}; "
        f"duplicates {len(mails) - len(times):,}, of {len(in_flight):,} that the killed sender had; "
        f"by {by.known_by} {len(headers) - len(times):,}; {seconds:.0f} s",
        flush=True,
    )
    assert len(times) == planned
    assert twice <= in_flight
    assert len(headers) == len(times)
    assert not wrong


def _out_of_order(mails: Sequence[Mail]) -> int:
    """How many mails came after a later one to the same recipient."""
    of: defaultdict[str, list[str]] = defaultdict(list)
    for mail in mails:
        of[mail.to].append(mail.subject)
    return sum(later < earlier for subjects in of.values() for earlier, later in pairwise(subjects))


async def _in_flight(wired: Wired, org_id: UUID) -> set[UUID]:
    async with wired.database.transaction(org_id) as connection:
        return {row["id"] for row in await every(connection, _IN_FLIGHT)}
