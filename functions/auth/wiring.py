"""Composition root: real adapters behind the use cases, made once per process at the first request."""

from functools import cache

from redis.asyncio import Redis

from auth.admission import RedisAdmission
from auth.attempts import RedisAttempts
from auth.common_passwords import is_common
from auth.org_repository import PostgresMembers, PostgresProjects
from auth.passwords import Argon2Passwords
from auth.registration_repository import PostgresPasswordResets, PostgresRegistrations
from auth.repository import PostgresAccounts, PostgresKeys
from auth.service.accounts import AccountService
from auth.service.api_keys import ApiKeyService
from auth.service.members import MemberService
from auth.service.one_time_tokens import OneTimeTokens
from auth.service.password_changes import PasswordService
from auth.service.password_policy import PasswordPolicy
from auth.service.projects import ProjectService
from auth.service.registration import RegistrationService
from auth.service.sign_in import SignInService
from auth.service.signing_keys import SigningKeyService
from auth.settings import AuthSettings, RotationSettings
from auth.sign_in_repository import PostgresPeople, PostgresSessions, PostgresSigningKeys
from auth.signing import SecretKeys, Signer, new_key, publish
from llmo_auth.access_token import AccessTokens
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data import redis
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus


@cache
def _settings() -> AuthSettings:
    return AuthSettings.model_validate({})


@cache
def _rotation_settings() -> RotationSettings:
    return RotationSettings.model_validate({})


@cache
def _database() -> Database:
    return Database(_rotation_settings().conninfo())


@cache
def _bus() -> ConfiguredBus:
    return ConfiguredBus(_settings().bus())


@cache
def _outbox() -> Outbox:
    return Outbox(database=_database(), schema="auth", bus=_bus, clock=SystemClock(), new_id=new_id)


def _pepper() -> bytes:
    return read_secret(_settings().api_key_pepper_secret).encode()


@cache
def _redis() -> Redis:
    return redis.connect(read_secret(_settings().redis_url_secret))


@cache
def _api_key_service() -> ApiKeyService:
    return ApiKeyService(
        keys=PostgresKeys(_database()),
        events=_outbox(),
        transaction=_database().transaction,
        admission=RedisAdmission(_redis()),
        pepper=_pepper(),
        clock=SystemClock(),
        new_id=new_id,
    )


async def api_key_service() -> ApiKeyService:
    """The use cases of API keys."""
    return _api_key_service()


@cache
def _repeated_requests() -> RepeatedRequests:
    records = IdempotencyRecords("auth")
    return RepeatedRequests(database=_database(), records=records, secret=_pepper(), clock=SystemClock())


async def repeated_requests() -> RepeatedRequests:
    """The use case of requests with an `Idempotency-Key`."""
    return _repeated_requests()


@cache
def account_service() -> AccountService:
    """The use cases of accounts."""
    return AccountService(
        accounts=PostgresAccounts(_database()),
        events=_outbox(),
        transaction=_database().transaction,
        hash_password=Argon2Passwords().hash,
        pepper=_pepper(),
        clock=SystemClock(),
        new_id=new_id,
    )


@cache
def _attempts() -> RedisAttempts:
    return RedisAttempts(_redis(), secret=_pepper(), per_ip=_settings().sign_ins_per_minute)


@cache
def _registration_service() -> RegistrationService:
    return RegistrationService(
        registrations=PostgresRegistrations(_database()),
        people=PostgresPeople(_database()),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=_attempts(),
        tokens=OneTimeTokens(_pepper()),
        events=_outbox(),
        transaction=_database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def registration_service() -> RegistrationService:
    """The use cases of registering."""
    return _registration_service()


@cache
def _password_service() -> PasswordService:
    return PasswordService(
        resets=PostgresPasswordResets(_database()),
        people=PostgresPeople(_database()),
        sessions=PostgresSessions(_database()),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=_attempts(),
        tokens=OneTimeTokens(_pepper()),
        events=_outbox(),
        transaction=_database().transaction,
        clock=SystemClock(),
    )


async def password_service() -> PasswordService:
    """The use cases of changing and resetting passwords."""
    return _password_service()


async def member_service() -> MemberService:
    """The use cases of members and invitations."""
    return MemberService(
        members=PostgresMembers(_database()),
        people=PostgresPeople(_database()),
        tokens=OneTimeTokens(_pepper()),
        events=_outbox(),
        transaction=_database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def project_service() -> ProjectService:
    """The use cases of projects."""
    return ProjectService(
        projects=PostgresProjects(_database()),
        events=_outbox(),
        transaction=_database().transaction,
        new_id=new_id,
    )


@cache
def _sign_in_service() -> SignInService:
    settings, secret, clock = _settings(), _pepper(), SystemClock()
    tokens = AccessTokens(issuer=settings.public_url, audience=settings.public_url)
    return SignInService(
        people=PostgresPeople(_database()),
        sessions=PostgresSessions(_database()),
        passwords=Argon2Passwords(),
        attempts=_attempts(),
        signs=Signer(keys=SecretKeys(settings.signing_keys_secret), tokens=tokens, clock=clock),
        secret=secret,
        clock=clock,
        new_id=new_id,
    )


async def sign_in_service() -> SignInService:
    """The use cases of signing in and out."""
    return _sign_in_service()


async def signing_key_service() -> SigningKeyService:
    """The use cases of signing keys."""
    return rotation_service()


@cache
def rotation_service() -> SigningKeyService:
    """The same; the function that rotates them has a smaller environment than the API."""
    settings = _rotation_settings()
    return SigningKeyService(
        private=SecretKeys(settings.signing_keys_secret),
        published=PostgresSigningKeys(_database()),
        new_key=new_key,
        publish=publish,
        clock=SystemClock(),
        new_id=new_id,
    )


async def close() -> None:
    """Close every connection and forget the adapters; the next request makes new ones."""
    if _database.cache_info().currsize:
        await _database().close()
    if _redis.cache_info().currsize:
        await _redis().aclose()
    if _bus.cache_info().currsize:
        await _bus().close()
    for made in (_settings, _rotation_settings, _database, _redis, _bus, _outbox, _attempts):
        made.cache_clear()
    for service in (_api_key_service, _repeated_requests, account_service, _sign_in_service, rotation_service):
        service.cache_clear()
    for accounts in (_registration_service, _password_service):
        accounts.cache_clear()
