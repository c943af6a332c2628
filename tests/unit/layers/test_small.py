"""Ids, clocks, errors, settings and secrets."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llmo_core import errors
from llmo_core.clock import SystemClock, rfc3339
from llmo_core.ids import new_id, new_id_text
from llmo_core.loop import event_loop, run
from llmo_core.model import Model, OpenModel
from llmo_core.secrets import SecretUnavailable, read_secret
from llmo_core.settings import DatabaseSettings
from tests.fakes.secrets_manager import FakeSecretsManager, running_secrets_manager


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSecretsManager]:
    with running_secrets_manager({"small/secret": "hush"}) as fake:
        for name, value in {
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ENDPOINT_URL": fake.url,
        }.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_ids_are_version_7_and_sort_by_the_time_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert {(one.version, one.variant) for one in ids} == {(7, RFC_4122)}
    assert len(new_id_text()) == 36


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(timezone(timedelta(hours=-5)))))  # noqa: DTZ001
def test_times_are_text_in_utc_with_microseconds(moment: datetime) -> None:
    text = rfc3339(moment)

    assert text.endswith("Z")
    assert len(text) == len("2026-01-31T12:00:00.000000Z")
    assert datetime.fromisoformat(text) == moment


def test_the_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_an_errors_code_is_its_name_and_its_detail_the_first_line_of_its_promise() -> None:
    class HTTPThingTaken(errors.Conflict):
        """Somebody has it.

        More for programmers.
        """

    assert HTTPThingTaken().code == "httpthing_taken"
    assert HTTPThingTaken().detail == "Somebody has it."
    assert str(HTTPThingTaken("Ada has it.")) == "Ada has it."


def test_everything_in_a_process_runs_on_one_loop() -> None:
    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert run(running()) is event_loop()
    assert run(running()) is event_loop()


def test_a_missing_variable_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "test")
    monkeypatch.delenv("DATABASE_HOST", raising=False)

    with pytest.raises(ValidationError, match="database_host"):
        DatabaseSettings.model_validate({})


@pytest.mark.usefixtures("secrets")
def test_connection_parameters_carry_the_secrets_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STAGE": "test",
        "DATABASE_HOST": "db.example",
        "DATABASE_NAME": "llmo",
        "DATABASE_USER": "llmo_auth",
        "DATABASE_PASSWORD_SECRET": "small/secret",
    }.items():
        monkeypatch.setenv(name, value)

    assert DatabaseSettings.model_validate({}).conninfo() == {
        "host": "db.example",
        "port": 5432,
        "dbname": "llmo",
        "user": "llmo_auth",
        "password": "hush",
        "sslmode": "require",
    }


def test_a_secret_is_fetched_once(secrets: FakeSecretsManager) -> None:
    first = read_secret("small/secret")
    secrets.secrets["small/secret"] = "changed"

    assert (first, read_secret("small/secret")) == ("hush", "hush")


@pytest.mark.usefixtures("secrets")
def test_a_secret_that_does_not_exist_is_named_in_the_error() -> None:
    with pytest.raises(SecretUnavailable, match="small/unknown"):
        read_secret("small/unknown")


class _Reset(Model):
    token: int


class _Heard(OpenModel):
    token: int


@pytest.mark.parametrize("value", [_Reset, _Heard])
def test_what_a_value_was_is_told_to_who_asks_and_is_in_no_log(value: type[_Reset | _Heard]) -> None:
    with pytest.raises(ValidationError) as refused:
        value.model_validate({"token": "hush"})
    assert "hush" not in str(refused.value)
    assert refused.value.errors()[0]["input"] == "hush"
