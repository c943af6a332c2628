"""Composition root, made once per process at the first request."""

from functools import cache

from authorizer.key_set import KeySet
from authorizer.repository import PostgresAdmission
from authorizer.service import Authenticator
from authorizer.settings import AuthorizerSettings
from llmo_auth.access_token import AccessTokens
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
    admission, clock, public_url = PostgresAdmission(_database()), SystemClock(), _settings().public_url
    return Authenticator(
        admission=admission,
        signing_keys=KeySet(published=admission.signing_keys, clock=clock),
        tokens=AccessTokens(issuer=public_url, audience=public_url),
        pepper=read_secret(_settings().api_key_pepper_secret).encode(),
        clock=clock,
    )


async def close() -> None:
    """Close every connection and forget the adapters; the next request makes new ones."""
    if _database.cache_info().currsize:
        await _database().close()
    for made in (_settings, _database, authenticator):
        made.cache_clear()
