"""An API key of a provider is nowhere but in the ciphertext of its row, which opens for this provider alone."""

import json
from typing import LiteralString

import pytest
from psycopg import errors

from integration.aws_calls import AwsCalls
from integration.management.providers.models import StoredCredentials
from integration.management.providers.repository import PostgresProviders
from llmo_core.aws import Credentials, JsonService
from llmo_core.envelope_encryption import Unopenable
from llmo_core.errors import Unavailable
from llmo_core.kms import KeyServiceUnavailable, Kms
from llmo_data.postgres import Database, every
from tests.integration.management.calling import Caller, Management
from tests.integration.statements import run

SECRET = "sk-this-must-be-seen-nowhere-0123456789"
NO_KEY = "arn:aws:kms:eu-west-1:123456789012:key/none"
TABLES: list[LiteralString] = ["providers", "models", "routes", "outbox", "idempotency_keys"]


async def test_no_answer_log_event_or_row_has_the_key(
    caller: Caller, management: Management, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    body = {"name": "openai", "kind": "openai", "api_key": SECRET}
    made = await caller("POST", "providers", json=body, headers={"Idempotency-Key": SECRET[:20]})
    path = f"providers/{made.json()['id']}"
    answers = [
        made,
        await caller("POST", "providers", json=body, headers={"Idempotency-Key": SECRET[:20]}),
        await caller("POST", "providers", json=body),
        await caller("POST", "providers", json={**body, "api_key": SECRET + " "}),
        await caller("POST", "providers", json={**body, "kind": SECRET[:0] + "nothing"}),
        await caller("POST", "providers", content=json.dumps(body)[:-1]),
        await caller("PATCH", path, json={"api_key": SECRET, "base_url": "http://127.0.0.1:9/v1"}),
        await caller("POST", f"{path}/test"),
        await caller("GET", path),
        await caller("GET", "providers"),
        await caller("DELETE", path),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 201, 409, 422, 422, 422, 200, 200, 200, 200, 204]
    seen = "".join(f"{answer.headers}{answer.text}" for answer in answers) + caplog.text + "".join(capfd.readouterr())
    async with management.database.transaction(caller.org.org_id) as connection:
        for table in TABLES:
            seen += str(await run(connection, "SELECT * FROM integration.{}", table))
    assert SECRET[:-4] not in seen
    assert SECRET.encode().hex() not in seen


async def test_a_removed_provider_keeps_no_credentials(caller: Caller, management: Management) -> None:
    made = await caller.provider()
    await caller("DELETE", f"providers/{made['id']}")
    async with management.database.transaction(caller.org.org_id) as connection:
        [row] = await every(connection, "SELECT data_key, credentials, credentials_hint FROM integration.providers")
    assert set(row.values()) == {None}


async def test_credentials_of_another_row_open_nothing(
    caller: Caller, stranger: Caller, management: Management
) -> None:
    first, second = await caller.provider("first"), await caller.provider("second")
    other = await stranger.provider("other")
    providers = PostgresProviders(management.database)
    found = [await providers.find(caller.org.org_id, made["id"]) for made in (first, second)]
    found.append(await providers.find(stranger.org.org_id, other["id"]))
    victim = found[0]
    assert victim is not None
    assert await management.safe.opened(victim) is not None
    for thief in found[1:]:
        assert thief is not None
        with pytest.raises(Unopenable):
            await management.safe.opened(thief.model_copy(update={"credentials": victim.credentials}))
    assert victim.credentials is not None
    ciphertext = victim.credentials.ciphertext
    changed = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
    forged = StoredCredentials(data_key=victim.credentials.data_key, ciphertext=changed, hint="XXXX")
    with pytest.raises(Unopenable):
        await management.safe.opened(victim.model_copy(update={"credentials": forged}))


async def test_two_seals_of_one_key_have_nothing_in_common(caller: Caller, management: Management) -> None:
    for name in ("first", "second"):
        await caller.provider(name)
    async with management.database.transaction(caller.org.org_id) as connection:
        first, second = await every(connection, "SELECT data_key, credentials FROM integration.providers")
    assert first["data_key"] != second["data_key"]
    assert first["credentials"] != second["credentials"]


async def test_a_key_service_that_fails_is_told_from_a_forgery(kms: Kms, moto_url: str) -> None:
    context = {"org_id": "a", "provider_id": "b"}
    made = await kms.generate_data_key(context)
    assert await kms.decrypt(made.encrypted, context) == made.plaintext
    with pytest.raises(Unopenable):
        await kms.decrypt(made.encrypted, {"org_id": "a", "provider_id": "c"})
    with pytest.raises(Unopenable):
        await kms.decrypt(b"nonsense", context)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    for endpoint in (moto_url, "http://127.0.0.1:9"):
        calls, service = AwsCalls(), JsonService("kms", "TrentService", "eu-west-1", endpoint)
        other = Kms(
            service=service, key_arn=NO_KEY, post=calls.post, credentials=lambda: Credentials.from_environment(keys)
        )
        with pytest.raises(KeyServiceUnavailable):
            await other.generate_data_key(context)
        await calls.close()


async def test_without_the_key_service_nothing_is_set_up(
    caller: Caller, management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(management.safe, "sealed", down)
    answer = await caller("POST", "providers", json={"name": "openai", "kind": "openai", "api_key": SECRET})
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert (await caller("GET", "providers")).json()["data"] == []


async def test_the_services_role_can_rewrite_no_providers_kind_or_owner(
    caller: Caller, integration_database: Database
) -> None:
    await caller.provider()
    for column in ("kind", "org_id", "created_by"):
        with pytest.raises(errors.InsufficientPrivilege):
            async with integration_database.transaction(caller.org.org_id) as connection:
                await run(connection, "UPDATE integration.providers SET {0} = {0}", column)
