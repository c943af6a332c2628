"""Second factors through the front door: an authenticator app (pyotp), and a passkey in software."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pyotp
import pytest_asyncio

from tests.e2e.platform import Json, Platform
from tests.e2e.test_registration import PASSWORD, Mailbox, post, registered
from tests.fakes.authenticator import Authenticator


@pytest_asyncio.fixture(scope="module")
async def mailbox(platform: Platform) -> AsyncIterator[Mailbox]:
    box = Mailbox(platform)
    await asyncio.to_thread(box.open)
    yield box
    await asyncio.to_thread(box.close)


@pytest_asyncio.fixture
async def email(platform: Platform, mailbox: Mailbox) -> str:
    """The address of somebody who has an account."""
    address = f"{uuid4().hex}@example.com"
    await registered(platform, mailbox, address)
    return address


async def login(platform: Platform, email: str) -> Json:
    return (await post(platform, "login", {"email": email, "password": PASSWORD})).json()


async def test_an_authenticator_app_is_added_asked_for_and_removed(
    platform: Platform, mailbox: Mailbox, email: str
) -> None:
    token = (await login(platform, email))["access_token"]
    enrolment = (await post(platform, "totp", {}, token)).json()
    app = pyotp.parse_uri(enrolment["otpauth_uri"])
    assert isinstance(app, pyotp.TOTP)
    now = datetime.now(UTC)
    confirmed = await post(platform, "totp/confirm", {"code": app.at(now)}, token)
    assert (confirmed.status, confirmed.headers["cache-control"]) == (200, "no-store")
    codes = confirmed.json()["recovery_codes"]
    assert len(codes) == 10
    assert (await mailbox.mail(email, "second_factor.added"))["kind"] == "totp"

    asked = await post(platform, "login", {"email": email, "password": PASSWORD})
    problem = asked.problem()
    assert (asked.status, problem["type"]) == (401, "urn:llmo:problem:second_factor_required")
    assert (problem["methods"], asked.headers["cache-control"]) == (["totp", "recovery_code"], "no-store")
    again = {"mfa_token": problem["mfa_token"], "code": app.at(now)}
    assert (await post(platform, "login/second-factor", again)).problem()["type"].endswith(":invalid_second_factor")
    answer = await post(platform, "login/second-factor", again | {"code": app.at(now, counter_offset=1)})
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert (await post(platform, "login/second-factor", again)).problem()["type"].endswith(":invalid_mfa_token")

    token = answer.json()["access_token"]
    listed = (await platform.call("GET", "/api/v1/auth/second-factors", api_key=token)).json()
    assert (listed["totp_since"] is not None, listed["passkeys"], listed["recovery_codes"]) == (True, [], 10)
    assert (await post(platform, "reauthenticate", {"password": PASSWORD}, token)).status == 401
    assert (await post(platform, "reauthenticate", {"recovery_code": codes[0]}, token)).status == 204
    assert (await mailbox.mail(email, "recovery_code.used"))["left"] == 9
    assert (await platform.call("DELETE", "/api/v1/auth/totp", api_key=token)).status == 204
    assert "access_token" in await login(platform, email)


async def test_a_passkey_signs_in_alone(platform: Platform, email: str) -> None:
    token = (await login(platform, email))["access_token"]
    authenticator = Authenticator(origin=platform.base_url)
    options = (await post(platform, "passkeys/options", {}, token)).json()["options"]
    body = {"name": "laptop", "credential": authenticator.create(options)}
    made = await post(platform, "passkeys", body, token)
    assert made.status == 201, made
    assert len(made.json()["recovery_codes"]) == 10

    options = (await post(platform, "passkeys/login/options", {})).json()["options"]
    credential = authenticator.get(options)
    signed_in = await post(platform, "passkeys/login", {"credential": credential})
    assert signed_in.status == 200, signed_in
    assert (await post(platform, "passkeys/login", {"credential": credential})).status == 401
    token = signed_in.json()["access_token"]
    passkey = f"/api/v1/auth/passkeys/{made.json()['passkey']['id']}"
    assert (await platform.call("DELETE", passkey, api_key=token)).status == 204


async def test_an_api_key_is_no_person_with_second_factors(platform: Platform) -> None:
    for path in ("totp", "totp/confirm", "recovery-codes", "passkeys/options", "reauthenticate"):
        refused = await post(platform, path, {"code": "123456"}, platform.api_key)
        assert refused.problem()["type"] == "urn:llmo:problem:not_signed_in", path
