"""What people are told: the mail that confirms an address, budgets, quiet hours, unsubscribing and the inbox."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.e2e.outbox import link, mail, mails
from tests.e2e.platform import Json, Platform, Reply, ask, unique
from tests.e2e.waiting import eventually

PASSWORD = "correct horse battery staple"
MAY = ["llm:call", "budgets:read", "budgets:write", "notifications:read", "notifications:write"]
HELLO = {"title": "Hello", "text": "There."}


class Member:
    """Somebody who has registered, and owns an organization.

    Attributes:
        api_key: A key of the organization's, which may do everything.
    """

    def __init__(self, platform: Platform, email: str) -> None:
        self.platform = platform
        self.email = email
        self.token = ""
        self.api_key = ""

    async def call(self, method: str, path: str, json: object = None, **headers: str) -> Reply:
        """Call the API as themselves."""
        return await self.platform.call(method, f"/api/v1/{path}", api_key=self.token, json=json, **headers)

    async def program(self, method: str, path: str, json: object = None) -> Json:
        """Call it with the organization's key."""
        answer = await self.platform.call(method, f"/api/v1/{path}", api_key=self.api_key, json=json)
        assert answer.status in {200, 201, 202}, answer
        return answer.json()

    async def inbox(self, kind: str) -> Sequence[Json]:
        """What of a kind is in their inbox."""
        answer = await self.call("GET", "inbox?limit=100")
        assert answer.status == 200, answer
        return [item for item in answer.json()["data"] if item["kind"] == kind]

    async def told(self, **body: object) -> Json:
        """Send them a notification; its message by mail, once it is planned."""
        whole = {"to": {"roles": ["owner"]}, "variables": HELLO, **body}
        notification = await self.program("POST", "notifications", whole)
        return await self.message(notification["id"])

    async def message(self, notification_id: str) -> Json:
        """A notification's mail."""

        async def planned() -> Json | None:
            path = f"notifications/messages?channel=email&notification_id={notification_id}"
            found: list[Json] = (await self.program("GET", path))["data"]
            return found[0] if found else None

        return await eventually(planned)


@pytest_asyncio.fixture(scope="module")
async def member(platform: Platform) -> Member:
    """Somebody who registered, and followed the link of the mail."""
    who = Member(platform, f"{uuid4().hex}@example.org")
    body = {"email": who.email, "password": PASSWORD, "name": "Ada", "organization": "Engines"}
    registered = await platform.call("POST", "/api/v1/auth/register", api_key=None, json=body)
    assert registered.status == 202, registered
    confirming = await mail(platform, who.email, "Confirm your e-mail address")
    token = parse_qs(urlsplit(link(confirming, "/verify-email")).query)["token"]
    verified = await platform.call("POST", "/api/v1/auth/verify-email", api_key=None, json={"token": token[0]})
    assert verified.status in {200, 201}, verified
    signed_in = await platform.call(
        "POST", "/api/v1/auth/login", api_key=None, json={"email": who.email, "password": PASSWORD}
    )
    who.token = signed_in.json()["access_token"]
    [organization] = (await who.call("GET", "orgs")).json()["data"]
    [project] = (await who.call("GET", f"orgs/{organization['id']}/projects")).json()["data"]
    made = await who.call("POST", "api-keys", {"name": "e2e", "project_id": project["id"], "permissions": MAY})
    assert made.status == 201, made
    who.api_key = made.json()["api_key"]
    return who


async def test_a_sign_in_is_told_of_by_mail_and_in_the_inbox(platform: Platform, member: Member) -> None:
    assert (await mail(platform, member.email, "New sign-in"))["categories"] == ["security"]
    [item] = await member.inbox("new_sign_in")
    before = (await member.call("GET", "inbox/count")).json()["unread"]

    read = await member.call("POST", f"inbox/{item['id']}/read")

    assert (read.status, read.json()["read_at"] is not None) == (200, True)
    assert (await member.call("GET", "inbox/count")).json()["unread"] == before - 1


async def test_a_budget_that_is_spent_is_told_once_for_each_step(platform: Platform, member: Member) -> None:
    user = f"user {uuid4().hex}"
    budget = {"name": "A day", "scope": "end_user", "subject": user, "window": "day", "hard": False}
    await member.program("POST", "budgets", {**budget, "limit_usd": "0.000001"})

    async def told() -> set[str] | None:
        found = [item["title"] for item in await member.inbox("budget_threshold")]
        assert len({*found}) == len(found)
        return {*found} if "100% of a budget is spent" in found else None

    client = platform.client(member.api_key)
    for _ in range(2):
        await client.chat.completions.create(model="gpt-4o-mini", messages=ask(unique()), user=user)
        titles = await eventually(told)

    async def mailed() -> bool | None:
        subjects = [each["subject"] for each in await mails(platform, member.email) if "budget" in each["subject"]]
        assert len({*subjects}) == len(subjects)
        return True if {*subjects} == titles else None

    assert await eventually(mailed)


async def test_quiet_hours_hold_a_notification_until_they_end(platform: Platform, member: Member) -> None:
    now = datetime.now(UTC)
    end = (now + timedelta(seconds=65)).replace(second=0, microsecond=0)
    quiet = {"start": f"{now - timedelta(minutes=5):%H:%M}", "end": f"{end:%H:%M}"}
    chosen = await member.call("PUT", "preferences", {"time_zone": "UTC", "quiet_hours": quiet})
    assert chosen.status == 200, chosen

    held = await member.told(variables={"title": "Quiet, please", "text": "Later."})
    urgent = await platform.call("POST", "/api/v1/auth/forgot-password", api_key=None, json={"email": member.email})

    assert (held["status"], held["planned_for"][:16]) == ("queued", f"{end:%Y-%m-%dT%H:%M}")
    assert urgent.status == 202
    await mail(platform, member.email, "password")
    assert not [each for each in await mails(platform, member.email) if each["subject"] == "Quiet, please"]

    async def released() -> Json | None:
        await platform.call("POST", "/_local/schedules/llmo-local-email-sender/fire", api_key=None)
        found = [each for each in await mails(platform, member.email) if each["subject"] == "Quiet, please"]
        return found[0] if found else None

    await eventually(released, within=100)
    assert datetime.now(UTC) >= end
    assert (await member.call("PUT", "preferences", {})).status == 200


async def test_one_click_in_the_header_ends_mails_of_a_category_and_nothing_else(
    platform: Platform, member: Member
) -> None:
    await member.told(variables={"title": "First", "text": "Of many."})
    sent = await mail(platform, member.email, "First")
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    url = headers["list-unsubscribe"].strip("<>")
    assert url.startswith(f"{platform.base_url}/unsubscribe/")

    async with platform.http.get(url) as page:
        assert page.status == 200
    assert (await member.told(variables={"title": "Second", "text": "A look changes nothing."}))["status"] != "skipped"
    async with platform.http.post(url, data={"List-Unsubscribe": "One-Click"}) as answer:
        assert answer.status == 200
    after = await member.told(variables={"title": "Third", "text": "Not by mail."})

    assert (after["status"], after["reason"]) == ("skipped", "muted")
    assert [item["title"] for item in await member.inbox("message")][:1] == ["Third"]


@pytest.mark.parametrize("path", ["notifications", "notifications/messages", "templates", "topics"])
async def test_what_an_organization_sends_is_nobody_elses_business(
    platform: Platform, member: Member, path: str
) -> None:
    mine = await member.program("GET", path)
    others = (await platform.call("GET", f"/api/v1/{path}")).json()["data"]
    assert not {each.get("id") for each in mine["data"]} & {each.get("id") for each in others if each.get("id")}


async def test_a_receipt_moves_a_message_on(member: Member) -> None:
    sent = await member.told(category="reports")

    async def delivered() -> Json | None:
        now = await member.message(sent["notification_id"])
        return now if now["status"] == "delivered" else None

    assert (await eventually(delivered))["provider"] == "sendgrid"
