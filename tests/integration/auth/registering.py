"""An address at which somebody registers and forgets passwords, with the use cases of both on the real stores."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from auth.models import Origin
from auth.one_time_tokens import OneTimeTokens
from auth.registration.common_passwords import is_common
from auth.registration.password_changes import PasswordService
from auth.registration.password_policy import PasswordPolicy
from auth.registration.repository import PostgresPasswordResets, PostgresRegistrations
from auth.registration.service import RegistrationService
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.ports import Attempts
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.auth.announcements import outbox
from tests.integration.auth.house import PASSWORD, House, attempts, house

ORIGIN = Origin(ip="203.0.113.10")
OTHER_PASSWORD = "incorrect horse battery staple"


@dataclass
class Desk:
    """Where an address registers; `mails` are the events that the notification service would mail."""

    email: str
    registrations: RegistrationService
    passwords: PasswordService
    database: Database
    home: House

    async def register(self, password: str = PASSWORD, **details: str) -> None:
        """Ask for an account."""
        given: dict[str, Any] = {"name": None, "organization": None} | details
        await self.registrations.register(email=self.email, password=password, origin=ORIGIN, **given)

    async def mails(self) -> list[Envelope]:
        """Those of this address, in order; events of no organization are visible to no organization."""
        async with self.database.transaction() as connection:
            rows = await (await connection.execute("SELECT envelope FROM auth.outbox ORDER BY position")).fetchall()
        every = [Envelope.model_validate_json(row["envelope"]) for row in rows]
        return [mail for mail in every if str(mail.data.get("email", "")).lower() == self.email.lower()]

    async def token(self) -> str:
        """The token of the last mail."""
        return str((await self.mails())[-1].data["token"])


def desk(database: Database, authorizer_database: Database, redis: Redis) -> Desk:
    """Wire it, for an address that nobody registered yet."""
    email = f"{new_id()}@example.com"
    home = house(database, authorizer_database, redis, email=email, user_id=new_id(), org_id=new_id())
    registrations = RegistrationService(
        registrations=PostgresRegistrations(database), new_id=new_id, **_shared(database, home, attempts(redis))
    )
    return Desk(email, registrations, password_service(database, home, attempts(redis)), database, home)


def password_service(database: Database, home: House, counted: Attempts) -> PasswordService:
    """The use cases of passwords."""
    return PasswordService(
        resets=PostgresPasswordResets(database),
        sessions=PostgresSessions(database),
        **_shared(database, home, counted),
    )


def _shared(database: Database, home: House, counted: Attempts) -> dict[str, Any]:
    return {
        "people": PostgresPeople(database),
        "passwords": Argon2Passwords(),
        "policy": PasswordPolicy(is_common),
        "attempts": counted,
        "tokens": OneTimeTokens(b"secret"),
        "events": outbox(database),
        "transaction": database.transaction,
        "clock": home.clock,
    }
