"""What messages say: the same to all whom a notification tells the same, and everybody's own address to unsubscribe."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from llmo_core.ids import new_id
from notification.contents import Content, EmailContent
from notification.delivery.contents import KEPT_FOR, RenderedContents
from notification.delivery.models import Leased
from notification.kinds.models import Category, Channel, Priority
from notification.templates.models import Rendered, RenderFacts
from tests.clocks import NOON, MovableClock


@dataclass
class Template:
    """A template that a test changes; it remembers for whom it was rendered."""

    text: str = "{person}: unsubscribe at {url}"
    rendered: list[RenderFacts] = field(default_factory=list)

    async def render(self, facts: RenderFacts) -> Rendered:
        self.rendered.append(facts)
        url = facts.unsubscribe_url or ""
        said = self.text.format(person=facts.person, url=url, ending=url[-1:])
        return Rendered(content=EmailContent(subject="News", html=f"<p>{said}</p>", text=said), locale="en")


def message() -> Leased:
    """A message that is sent."""
    return Leased(
        id=new_id(),
        org_id=new_id(),
        notification_id=new_id(),
        kind="message",
        category=Category.UPDATES,
        priority=Priority.BULK,
        channel=Channel.EMAIL,
        recipient="ada@example.com",
        user_id=None,
        address="ada@example.com",
        name=None,
        locale="en",
        time_zone="UTC",
        attempts=0,
        give_up_at=NOON,
        variables={},
        organization=None,
        interrupted=False,
        unless_read=False,
    )


def urls(count: int) -> list[str]:
    """Everybody's own address."""
    return [f"https://llmo.example/unsubscribe/{number}" for number in range(count)]


async def said(contents: RenderedContents, told: Leased, url: str | None) -> str:
    """The text that somebody gets."""
    content: Content = await contents.content(told, unsubscribe_url=url)
    assert isinstance(content, EmailContent)
    assert content.html == f"<p>{content.text}</p>"
    return content.text


async def test_thousands_get_the_same_with_their_own_address_and_it_is_rendered_twice() -> None:
    template = Template()
    contents = RenderedContents(template.render, organization_locale="en", clock=MovableClock())
    told = message()

    got = [await said(contents, told, url) for url in urls(1000)]

    assert got == [f"None: unsubscribe at {url}" for url in urls(1000)]
    assert len(template.rendered) == 2


async def test_who_is_told_something_else_gets_that() -> None:
    template = Template()
    contents = RenderedContents(template.render, organization_locale="en", clock=MovableClock())
    told = message()
    others = [
        replace(told, name="Ada"),
        replace(told, locale="de"),
        replace(told, time_zone="Europe/Berlin"),
        replace(told, organization="Acme"),
        message(),
    ]
    for url in urls(3):
        await said(contents, told, url)
    before = len(template.rendered)

    for other in others:
        await said(contents, other, urls(1)[0])

    facts = template.rendered[before:]
    assert [(each.person, each.locale, each.time_zone, each.organization) for each in facts] == [
        (other.name, other.locale, other.time_zone, other.organization) for other in others
    ]


async def test_a_template_that_makes_something_else_of_the_address_is_rendered_for_everybody() -> None:
    template = Template(text="You are in group {ending}.")
    contents = RenderedContents(template.render, organization_locale="en", clock=MovableClock())
    told = message()

    assert [await said(contents, told, url) for url in urls(10)] == [f"You are in group {n}." for n in range(10)]


async def test_a_new_version_of_a_template_is_sent_soon() -> None:
    template, clock = Template(), MovableClock()
    contents = RenderedContents(template.render, organization_locale="en", clock=clock)
    told = message()
    for url in urls(3):
        await said(contents, told, url)

    template.text = "Something else. {url}"
    clock.advance(seconds=KEPT_FOR / timedelta(seconds=1))

    assert await said(contents, told, "https://x.example/1") == "Something else. https://x.example/1"
    assert await said(contents, told, "https://x.example/2") == "Something else. https://x.example/2"


async def test_nothing_is_kept_of_what_is_critical() -> None:
    template = Template()
    contents = RenderedContents(template.render, organization_locale="en", clock=MovableClock())
    told = replace(message(), priority=Priority.CRITICAL)

    for _ in range(3):
        await said(contents, told, None)

    assert len(template.rendered) == 3
