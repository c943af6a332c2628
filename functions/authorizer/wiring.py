"""Composition root, made once per process at the first request."""

from functools import cache

from authorizer.repository import PostgresAdmissionKeys
from authorizer.service import Authenticator
from authorizer.settings import AuthorizerSettings
from llmo_core.clock import SystemClock
from llmo_core.secrets import read_secret
from llmo_data.postgres import Database


@cache
def _settings() -> AuthorizerSettings:
    return AuthorizerSettings.model_validate({})


@cache
def _database() -> Database:
    return Database(_settings().conninfo())


@cache
def authenticator() -> Authenticator:
    """Recognizes callers with the real database."""
    return Authenticator(
        keys=PostgresAdmissionKeys(_database()),
        pepper=read_secret(_settings().api_key_pepper_secret).encode(),
        clock=SystemClock(),
    )


async def close() -> None:
    """Close every connection and forget the adapters; the next request makes new ones."""
    if _database.cache_info().currsize:
        await _database().close()
    for made in (_settings, _database, authenticator):
        made.cache_clear()
