"""From an address to a signed-in user and back to a forgotten password, through the front door.

What would be mailed is read from a queue of this test's own on the platform's bus.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.e2e.platform import Json, Platform, Reply

PASSWORD = "correct horse battery staple"


class Mailbox:
    """The auth service's events, from a queue that a rule on the bus fills."""

    def __init__(self, platform: Platform) -> None:
        self._sqs, self._events = platform.aws("sqs"), platform.aws("events")
        self._name = f"e2e-mails-{uuid4().hex[:8]}"
        self._url = ""
        self._seen: list[Json] = []

    def open(self) -> None:
        self._url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["llmo.auth"]}
        self._events.put_rule(Name=self._name, EventBusName="llmo-local", EventPattern=json.dumps(pattern))
        self._events.put_targets(Rule=self._name, EventBusName="llmo-local", Targets=[{"Id": "mails", "Arn": arn}])

    def close(self) -> None:
        self._events.remove_targets(Rule=self._name, EventBusName="llmo-local", Ids=["mails"])
        self._events.delete_rule(Name=self._name, EventBusName="llmo-local")
        self._sqs.delete_queue(QueueUrl=self._url)

    async def mail(self, email: str, kind: str) -> Json:
        """The data of the first event of a kind about an address; it is there within five seconds."""
        async with asyncio.timeout(5):
            while True:
                for event in self._seen:
                    if event["type"] == f"llmo.auth.{kind}" and event["data"].get("email") == email:
                        data: Json = event["data"]
                        return data
                received: Any = await asyncio.to_thread(
                    self._sqs.receive_message, QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
                )
                for message in received.get("Messages", []):
                    self._seen.append(json.loads(message["Body"])["detail"])
                    self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


@pytest_asyncio.fixture(scope="module")
async def mailbox(platform: Platform) -> AsyncIterator[Mailbox]:
    box = Mailbox(platform)
    await asyncio.to_thread(box.open)
    yield box
    await asyncio.to_thread(box.close)


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.com"


async def post(platform: Platform, path: str, body: Json, token: str | None = None) -> Reply:
    return await platform.call("POST", f"/api/v1/auth/{path}", api_key=token, json=body)


async def registered(platform: Platform, mailbox: Mailbox, email: str) -> Json:
    asked = await post(platform, "register", {"email": email, "password": PASSWORD, "organization": "Engines"})
    assert asked.status == 202, asked
    token = (await mailbox.mail(email, "email.verification_requested"))["token"]
    made = await post(platform, "verify-email", {"token": token})
    assert made.status == 201, made
    return made.json()


async def test_an_address_becomes_a_user_who_signs_in_and_owns_an_organization(
    platform: Platform, mailbox: Mailbox, email: str
) -> None:
    account = await registered(platform, mailbox, email)

    tokens = (await post(platform, "login", {"email": email, "password": PASSWORD})).json()
    me = (await platform.call("GET", "/api/v1/me", api_key=tokens["access_token"])).json()
    assert me["organization"] == {"id": account["org_id"], "name": "Engines"}
    key = await platform.call(
        "POST",
        "/api/v1/api-keys",
        api_key=tokens["access_token"],
        json={"name": "first", "project_id": account["project_id"]},
    )
    assert key.status == 201, key
    models = await platform.call("GET", "/v1/models", api_key=key.json()["api_key"])
    assert models.status == 200
    others = await platform.call("GET", "/api/v1/api-keys", api_key=tokens["access_token"])
    assert [found["name"] for found in others.json()["data"]] == ["first"]


async def test_an_account_is_opened_on_the_page_that_its_mail_links_to(
    platform: Platform, mailbox: Mailbox, email: str
) -> None:
    await post(platform, "register", {"email": email, "password": PASSWORD})
    token = (await mailbox.mail(email, "email.verification_requested"))["token"]
    url = f"{platform.base_url}/verify-email"

    async with platform.http.get(url, params={"token": token}) as page:
        assert (page.status, page.content_type) == (200, "text/html")
        assert email in await page.text()
    assert (await post(platform, "login", {"email": email, "password": PASSWORD})).status == 401
    async with platform.http.post(url, data={"token": token}) as page:
        assert (page.status, page.content_type) == (200, "text/html")
    assert (await post(platform, "login", {"email": email, "password": PASSWORD})).status == 200


async def test_a_forgotten_password_is_reset_by_mail(platform: Platform, mailbox: Mailbox, email: str) -> None:
    await registered(platform, mailbox, email)
    tokens = (await post(platform, "login", {"email": email, "password": PASSWORD})).json()

    assert (await post(platform, "forgot-password", {"email": email})).status == 202
    mail = await mailbox.mail(email, "password.reset_requested")
    reset = await post(platform, "reset-password", {"token": mail["token"], "password": "another one entirely"})

    assert reset.status == 204, reset
    assert (await post(platform, "refresh", {"refresh_token": tokens["refresh_token"]})).status == 401
    assert (await post(platform, "login", {"email": email, "password": PASSWORD})).status == 401
    assert (await post(platform, "login", {"email": email, "password": "another one entirely"})).status == 200


async def test_an_invited_person_joins_and_gets_tokens_for_either_organization(
    platform: Platform, mailbox: Mailbox, email: str
) -> None:
    owners = f"{uuid4().hex}@example.com"
    theirs, own = await registered(platform, mailbox, owners), await registered(platform, mailbox, email)
    owner = (await post(platform, "login", {"email": owners, "password": PASSWORD})).json()
    guest = (await post(platform, "login", {"email": email, "password": PASSWORD})).json()
    members = f"/api/v1/orgs/{theirs['org_id']}/members"

    asked = await platform.call(
        "POST",
        f"/api/v1/orgs/{theirs['org_id']}/invitations",
        api_key=owner["access_token"],
        json={"email": email, "role": "viewer"},
    )
    assert asked.status == 201, asked
    token = (await mailbox.mail(email, "member.invited"))["token"]
    assert (await platform.call("GET", members, api_key=guest["access_token"])).status == 404
    joined = await platform.call("POST", members, api_key=guest["access_token"], json={"invitation_token": token})
    assert joined.status == 201, joined

    body = {"refresh_token": guest["refresh_token"], "org_id": theirs["org_id"]}
    switched = (await post(platform, "refresh", body)).json()
    seen = await platform.call("GET", members, api_key=switched["access_token"])
    assert {member["email"] for member in seen.json()["data"]} == {owners, email}
    organizations = await platform.call("GET", "/api/v1/orgs", api_key=switched["access_token"])
    assert {found["id"] for found in organizations.json()["data"]} == {theirs["org_id"], own["org_id"]}
    projects = f"/api/v1/orgs/{theirs['org_id']}/projects"
    refused = await platform.call("POST", projects, api_key=switched["access_token"], json={"name": "x"})
    assert refused.status == 403, refused


async def test_answers_do_not_tell_who_has_an_account(platform: Platform, email: str) -> None:
    demo = platform.stack.demo["email"]
    for path, extra in (
        ("register", {"password": PASSWORD}),
        ("forgot-password", {}),
        ("resend-verification", {}),
    ):
        known = await post(platform, path, {"email": demo, **extra})
        unknown = await post(platform, path, {"email": email, **extra})
        assert (known.status, known.body) == (unknown.status, unknown.body) == (202, unknown.body), path


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b'{"email": "a@example.com", "password": "' + b"x" * 5000 + b'"}', 422),
        (b'{"email": "a@example.com", "password": "correct horse battery", "role": "owner"}', 422),
        (b'{"email": "a@example.com\\r\\nBcc: b@example.com", "password": "correct horse battery"}', 422),
        (b'{"email": "a@example.com", "password": "\xff\xfe"}', 400),
        (b"x" * 7_000_000, 413),
    ],
    ids=["empty", "broken", "no object", "long password", "role", "second header", "no UTF-8", "seven megabytes"],
)
async def test_a_body_that_makes_no_sense_is_refused_as_a_problem(platform: Platform, body: bytes, status: int) -> None:
    url = f"{platform.base_url}/api/v1/auth/register"
    async with platform.http.post(url, data=BytesIO(body), headers={"content-type": "application/json"}) as answer:
        content = await answer.read()
    assert answer.status == status, content
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert b"correct horse" not in content
