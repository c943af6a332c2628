"""What the platform has sent, as `/_local/outbox.json` shows it."""

from collections.abc import Sequence

from tests.e2e.platform import Json, Platform
from tests.e2e.waiting import eventually


async def mails(platform: Platform, address: str) -> Sequence[Json]:
    """Mails to an address, the oldest first."""
    answer = await platform.call("GET", f"/_local/outbox.json?to={address}", api_key=None)
    assert answer.status == 200, answer
    found: list[Json] = answer.json()["data"]
    return [each for each in reversed(found) if each["channel"] == "email" and each["to"] == address]


async def mail(platform: Platform, address: str, subject: str) -> Json:
    """The first mail to an address whose subject contains this, once it is there."""

    async def found() -> Json | None:
        return next((each for each in await mails(platform, address) if subject in each["subject"]), None)

    return await eventually(found)


def link(mail: Json, path: str) -> str:
    """The mail's link to a page."""
    [found] = {each for each in mail["links"] if path in each}
    return str(found)
