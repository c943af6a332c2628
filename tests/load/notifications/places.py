"""Where it is measured: stores, stand-ins and workers of its own, on this machine alone."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from redis.asyncio import Redis

from llmo_core.ids import new_id
from llmo_data import redis as redis_client
from llmo_data.postgres import every
from local.process import ServerProcess, free_port
from notification.contacts.models import ADDRESS, Device
from notification.contacts.repository import PostgresDevices
from notification.kinds.models import Address, Audience, Channel, Priority
from notification.planning.models import KEPT, Notification, NotificationStatus, Waiting
from notification.planning.repository import PostgresNotifications
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres, administrator, migrated_database, postgres_server, redis_server
from tests.load.notifications.wired import HurriedClock, Nowhere, Wired, database_of, enough
from tests.load.notifications.workers import Told

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Stores, and the stand-ins of vendors."""

    postgres: Postgres
    redis_url: str
    redis: Redis
    vendor: str
    smtp_port: int
    folder: Path

    @property
    def sent(self) -> Path:
        """Where the stand-ins keep what was sent, a line each."""
        return self.folder / "sent.jsonl"

    def told(self, clock: HurriedClock, *, mail_server: str = "", vapid: str = "") -> Told:
        """What a worker is told."""
        return Told(
            conninfo=self.postgres.conninfo("llmo_notification"),
            redis_url=self.redis_url,
            vendor=self.vendor,
            mail_server=mail_server,
            vapid=vapid,
            began=clock.began,
            times=clock.times,
        )

    def wired(self, clock: HurriedClock) -> Wired:
        """All of it in this process."""
        return Wired(
            database_of(self.postgres.conninfo("llmo_notification")), self.redis, self.vendor, clock, Nowhere()
        )

    async def vendors(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask the stand-ins."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, f"{self.vendor}/_fake/{path}", json=body) as answer,
        ):
            found: Json = await answer.json()
            return found

    @asynccontextmanager
    async def worker(self, name: str, told: Told) -> AsyncIterator[asyncio.subprocess.Process]:
        """A worker that is ready; it is ended with its process, and no earlier unless somebody does."""
        program = [sys.executable, "-m", "tests.load.notifications.workers", name, told.model_dump_json()]
        process = await asyncio.create_subprocess_exec(*program)
        try:
            while await self.redis.blpop(["ready"], timeout=1) is None:
                if process.returncode is not None:
                    raise RuntimeError(f"the {name} ended")
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def organization(self, members: int = 0) -> UUID:
        """A new one, with so many members besides its owner, each under a name of their own."""
        async with administrator(self.postgres.admin) as admin:
            org = await MakeOrg(admin)()
            ids = [new_id() for _ in range(members)]
            users = [(each, f"{each.hex}@example.com", "none", f"Member {place}") for place, each in enumerate(ids)]
            async with admin.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO auth.users (id, email, password_hash, name) VALUES (%s, %s, %s, %s)", users
                )
                await cursor.executemany(
                    "INSERT INTO auth.memberships (org_id, user_id, role) VALUES (%s, %s, 'viewer')",
                    [(org.org_id, each) for each in ids],
                )
            await admin.execute("ANALYZE auth.users, auth.memberships")
        return org.org_id

    async def browsers(self, wired: Wired) -> None:
        """Have a browser of each member's subscribe at the stand-in, but of the organization's owner."""
        async with administrator(self.postgres.admin) as admin:
            found = await (await admin.execute("SELECT user_id FROM auth.memberships WHERE role = 'viewer'")).fetchall()
        devices = PostgresDevices(wired.database)
        for (user_id,) in found:
            address = ADDRESS.validate_python({"kind": "web_push", **await self.vendors("POST", "push/subscriptions")})
            made = Device(id=new_id(), user_id=user_id, name="Browser", address=address, created_at=wired.clock.now())
            await devices.put(made, most=1)


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A new one; nothing is left of it."""
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        admin = await opened.enter_async_context(postgres_server({}))
        postgres = await opened.enter_async_context(migrated_database(admin))
        redis_url = await opened.enter_async_context(redis_server())
        redis = redis_client.connect(redis_url)
        opened.push_async_callback(redis.aclose)
        port, smtp_port = free_port(), free_port()
        made = Place(postgres, redis_url, redis, f"http://127.0.0.1:{port}", smtp_port, folder)
        ports = ["--port", str(port), "--smtp-port", str(smtp_port), "--file", str(made.sent)]
        stand_ins = ServerProcess(
            "messages",
            [sys.executable, "-m", "local.vendors.messages", *ports],
            log=folder / "messages.log",
            pid_file=folder / "messages.pid",
        )
        await stand_ins.start(lambda: made.vendors("GET", "counts"))
        opened.push_async_callback(stand_ins.stop)
        yield made


async def ask(
    wired: Wired,
    org_id: UUID,
    *,
    addresses: Sequence[str] = (),
    roles: Sequence[str] = (),
    channels: Sequence[Channel] = (Channel.EMAIL,),
    priority: Priority = Priority.BULK,
    title: str = "Maintenance on Sunday",
) -> Notification:
    """Keep a notification that somebody asked for."""
    now = wired.clock.now()
    made = Notification(
        id=new_id(),
        org_id=org_id,
        kind="message",
        category="updates",
        priority=priority,
        channels=tuple(channels),
        audience=Audience(addresses=tuple(Address(email=each) for each in addresses), roles=tuple(roles)),
        variables={
            "title": title,
            "text": "The API is down from 2:00 to 2:15 UTC.\n\nNothing is lost.",
            "url": "/status",
        },
        dedupe_key=f"load:{new_id()}",
        status=NotificationStatus.PLANNING,
        send_at=now,
        created_at=now,
        expires_at=now + KEPT,
    )
    await PostgresNotifications(wired.database).add(made)
    return made


async def plan(wired: Wired, *waiting: Waiting) -> None:
    """Plan notifications to their end, however often they let others go first."""
    planning, left = wired.planning(), len(waiting)
    while left:
        left -= await planning.plan(waiting, enough)


async def statuses(wired: Wired, org_id: UUID) -> dict[str, int]:
    """How many of an organization's mails are how far; or of its push notifications."""
    statement = """
        SELECT status, count(*) AS messages FROM notification.messages WHERE channel = %(channel)s GROUP BY status
        """
    async with wired.database.transaction(org_id) as connection:
        rows = await every(connection, statement, channel=wired.channel)
    return {row["status"]: row["messages"] for row in rows}
