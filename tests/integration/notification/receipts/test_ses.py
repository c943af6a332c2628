"""What SES tells, through the Lambda handler, with everything as it is wired, over a real database."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_data.postgres import Database, every
from notification.address_hashes import address_hash
from notification.receipts import wiring
from notification.ses_receipts import handler
from tests.integration import lambda_calls
from tests.integration.notification.messages.post_office import PostOffice
from tests.integration.notification.receipts.sent import message, now
from tests.integration.organizations import PEPPER, Org
from tests.integration.stores import PASSWORD, Postgres


@pytest.fixture(autouse=True)
def wired(postgres: Postgres, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    secrets = {"DATABASE_PASSWORD_SECRET": PASSWORD, "API_KEY_PEPPER_SECRET": PEPPER}
    environment = {**postgres.environment("llmo_notification"), **lambda_calls.environment(moto_url, secrets)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(wiring.close())


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((lambda_calls.EVENTS / "SesReceiptsFunction" / f"{name}.json").read_text())
    return event


def record(name: str, made: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A message of the queue's: the sample, about a message of ours."""
    (each,) = sample(name)["Records"]
    body = json.loads(each["body"])
    body["detail"]["mail"]["tags"]["message_id"] = [str(made["id"])]
    body["detail"]["mail"]["destination"] = [made["address"]]
    for part in ("bounce", "complaint"):
        if part in body["detail"]:
            body["detail"][part] |= {"feedbackId": str(new_id())} | told
    return {**each, "messageId": str(new_id()), "body": json.dumps(body)}


async def failures(*records: dict[str, Any]) -> list[str]:
    """Which of these the function wants again."""
    answer = await asyncio.to_thread(handler, {"Records": [*records]}, None)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


async def suppressed(database: Database, address: str) -> str | None:
    statement = "SELECT reason FROM notification.suppressions WHERE address_hash = %(hashed)s"
    async with database.transaction() as connection:
        rows = await every(connection, statement, hashed=address_hash(address, PEPPER.encode()))
    return rows[0]["reason"] if rows else None


async def test_what_bounces_for_good_suppresses_its_address(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    bounced = record("email-bounced", made)
    assert await failures(bounced, bounced) == []
    kept = await now(office, made)
    assert (kept["status"], kept["reason"]) == ("bounced", "smtp; 550 5.1.1 user unknown")
    assert await suppressed(office.database, made["address"]) == "bounced"
    async with office.database.transaction(org.org_id) as connection:
        told = await every(connection, "SELECT * FROM notification.receipts WHERE message_id = %(id)s", id=made["id"])
    assert [each["provider"] for each in told] == ["ses"]


async def test_what_bounces_for_now_does_not(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    assert await failures(record("email-bounced", made, bounceType="Transient", bounceSubType="MailboxFull")) == []
    assert (await now(office, made))["status"] == "failed"
    assert await suppressed(office.database, made["address"]) is None


async def test_who_complains_gets_only_what_is_critical(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    assert await failures(record("email-complaint-received", made)) == []
    assert (await now(office, made))["status"] == "complained"
    assert await suppressed(office.database, made["address"]) == "complained"


async def test_a_bounce_of_a_message_that_was_erased_suppresses_the_address_that_ses_names(
    office: PostOffice, org: Org
) -> None:
    made = await message(office, org.org_id)
    erase = "UPDATE notification.messages SET address = NULL, erased = true, departing = true WHERE id = %(id)s"
    async with office.database.transaction(org.org_id) as connection:
        await connection.execute(erase, {"id": made["id"]})
    assert await failures(record("email-bounced", made)) == []
    assert await suppressed(office.database, made["address"]) == "bounced"
    kept = await now(office, made)
    assert (kept["address"], kept["reason"]) == (None, None)


async def test_what_cannot_be_read_is_wanted_again_and_keeps_no_other(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    broken = {**record("email-bounced", made), "body": "{"}
    assert await failures(broken, record("email-complaint-received", made)) == [broken["messageId"]]
    assert (await now(office, made))["status"] == "complained"


async def test_mails_of_others_are_left_alone(office: PostOffice) -> None:
    assert office.database is not None
    assert await failures(*sample("email-bounced")["Records"]) == []


async def test_while_the_database_is_away_everything_is_wanted_again(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await message(office, org.org_id)
    monkeypatch.setenv("DATABASE_PORT", "1")
    told = [record("email-bounced", made), record("email-complaint-received", made)]
    assert await failures(*told) == [each["messageId"] for each in told]
