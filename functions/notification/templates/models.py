"""Templates of organizations, and what can be wrong with them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from llmo_core.errors import Conflict, Invalid, NotFound, Stale
from llmo_core.model import Model
from notification.contents import Content
from notification.kinds.models import Channel
from notification.templates.variables import Variable

MOST_TEMPLATES: Final = 500
MOST_VERSIONS: Final = 200

LAYOUT: Final = "layout"
"""What is no notification, but stands around all mails of an organization."""

TEST: Final = "template_test"
"""The kind of a test: its only variable, `content`, is what was rendered, and is sent as it is (`tested`)."""


class Flaw(NamedTuple):
    """Something wrong with a template: in which part, and in which line where that is known."""

    part: str
    line: int | None
    message: str


class Wording(Model):
    """What a template says.

    Attributes:
        parts: A text for each part that its channel has; see `parts.PARTS`.
        variables: Those of an organization's own kind; a kind of the platform has its own.
    """

    parts: Mapping[str, str]
    variables: tuple[Variable, ...] = ()


class Template(Model):
    """What an organization says instead of us, or besides: of one kind, on one channel, in one language.

    Attributes:
        kind: One of the platform's, `custom.<code>` for one of the organization's own, or `layout`.
        locale: BCP 47, such as `de` or `en-GB`.
        draft: What is being worked on; None when nothing is.
        published: The number of the version that is sent; None before there is one.
        newest: The number of the last version; 0 before there is one.
        revision: 1, and one more with each change.
    """

    id: UUID
    org_id: UUID
    kind: str
    channel: Channel
    locale: str
    description: str = ""
    draft: Wording | None = None
    published: int | None = None
    newest: int = 0
    revision: int = 1
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile

    def changed(self, at: datetime, **values: Any) -> Self:  # noqa: ANN401 - whatever the fields hold
        """The next revision, with these fields."""
        return self.model_copy(update={**values, "revision": self.revision + 1, "updated_at": at})


class Version(Model):
    """What a template said when it was published; it never changes."""

    id: UUID
    org_id: UUID
    template_id: UUID
    number: int
    wording: Wording
    note: str
    created_by: UUID
    created_at: datetime


class Published(Model):
    """What an organization sends."""

    template_id: UUID
    version: int
    kind: str
    locale: str
    wording: Wording


class RenderFacts(Model):
    """What is to be said to whom.

    Attributes:
        org_id: Whose templates count; None of what is about a person.
        locale: The recipient's, BCP 47.
        time_zone: The recipient's, by IANA's name.
        variables: The kind's.
        person: The recipient's name.
        organization: The organization's name.
        unsubscribe_url: Where the recipient ends such messages; None of critical ones.
        organization_locale: What the organization speaks, where the recipient's language is none of its templates'.
    """

    org_id: UUID | None
    kind: str
    channel: Channel
    locale: str = "en"
    time_zone: str = "UTC"
    variables: Mapping[str, Any] = {}
    person: str | None = None
    organization: str | None = None
    unsubscribe_url: str | None = None
    organization_locale: str = "en"


class Rendered(Model):
    """What is sent.

    Attributes:
        template_id: The organization's template that it was made of; None of those that are shipped.
        version: Its version.
        locale: Which language it is in.
        instead_of: Why an organization's own template, or its layout, was not used, although there is one.
    """

    content: Content
    template_id: UUID | None = None
    version: int | None = None
    locale: str
    instead_of: str | None = None


class UnknownTemplate(NotFound):
    """The organization has no template with this id."""


class UnknownVersion(NotFound):
    """The template has no such version."""


class ChangedMeanwhile(Stale):
    """The template has another revision by now: read it again, and decide anew."""


class TemplateExists(Conflict):
    """The organization has a template of this kind, channel and language already: change that one."""


class NothingToPublish(Conflict):
    """The template has no draft: write one before you publish it."""


class TooManyTemplates(Conflict):
    """The organization has as many templates as there may be."""

    def __init__(self) -> None:
        super().__init__(f"An organization has at most {MOST_TEMPLATES} templates: remove those that nothing uses.")


class TooManyVersions(Conflict):
    """The template has as many versions as there may be."""

    def __init__(self) -> None:
        super().__init__(f"A template has at most {MOST_VERSIONS} versions: remove it, and go on with a new one.")


class NotYours(Invalid):
    """What is about people's own accounts and their security is worded by the platform alone."""


class NoSuchKind(Invalid):
    """There is no such kind of notification; kinds of your own are called `custom.` and a name."""


class UnfittingWording(Invalid):
    """The kind or the channel has other parts, or its variables are given already."""


class NoOwnAddress(Conflict):
    """You have no confirmed address on this channel that a test could be sent to."""


class FlawedTemplate(Invalid):
    """The template cannot be used as it is."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = flaws
        self.extensions = {
            "errors": [
                {"pointer": f"/parts/{part}", "message": message} | ({"line": line} if line is not None else {})
                for part, line, message in flaws
            ]
        }
        super().__init__("; ".join(_in_words(flaw) for flaw in flaws))


class Unrenderable(FlawedTemplate):
    """A message cannot be said with these variables: a template lacks one, or can do nothing with it.

    Attributes:
        reason: Why, in words that name the variable.
    """

    def __init__(self, flaw: Flaw) -> None:
        super().__init__([flaw])
        self.reason = self.detail


class NoTemplate(Unrenderable):
    """The organization has published nothing of this kind for this channel."""


def _in_words(flaw: Flaw) -> str:
    where = f"`{flaw.part}`" + (f", line {flaw.line}" if flaw.line is not None else "")
    return f"{where}: {flaw.message}" if flaw.part else flaw.message
