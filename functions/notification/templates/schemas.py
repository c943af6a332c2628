"""Bodies about templates."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.kinds.models import Channel
from notification.templates.models import Template, Version, Wording
from notification.templates.service import NewTemplate, Sought
from notification.templates.variables import MOST_VARIABLES, Variable

MOST_BYTES: Final = 1_048_576
_MOST_PARTS: Final = 10
_MOST_EXAMPLE_BYTES: Final = 32_768
_KIND: Final = r"^([a-z][a-z0-9_]{0,62}|custom\.[a-z0-9][a-z0-9_-]{0,55})$"
_LOCALE: Final = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"


def _known_locale(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise ValueError("nobody speaks this language: write it as BCP 47 has it, such as `de` or `en-GB`") from error
    return tag


def storable(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """What PostgreSQL's jsonb holds, and not too much of it. Raises ValueError."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # halves of surrogate pairs are a ValueError
    if len(text) > _MOST_EXAMPLE_BYTES:
        raise ValueError(f"more than {_MOST_EXAMPLE_BYTES:,} bytes as JSON")
    if b"\\u0000" in text:
        raise ValueError("a NUL character is no text")
    return value


def _storable_examples(variables: list[Variable]) -> list[Variable]:
    storable([variable.example for variable in variables])
    return variables


type KindName = Annotated[
    str,
    StringConstraints(pattern=_KIND, max_length=63),
    Field(description="One of the platform's, `custom.` and a name of your own, or `layout`, around all mails."),
]
type LocaleTag = Annotated[str, StringConstraints(pattern=_LOCALE), AfterValidator(_known_locale)]
type Source = Annotated[str, StringConstraints(max_length=262_144, pattern=r"^[^\x00]*$")]
type Note = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
type Parts = Annotated[
    dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,20}$")], Source],
    Field(
        max_length=_MOST_PARTS,
        description="Of mails `subject`, `body` (HTML) and, if they are wanted, `heading`, `action` and `url`; of text "
        "messages `text` and `url`; of push and the inbox `title`, `body` and `url`; of a layout `html`.",
    ),
]
type Declared = Annotated[
    list[Variable],
    Field(max_length=MOST_VARIABLES, description="The variables of a kind of your own; others have theirs."),
    AfterValidator(_storable_examples),
]
type Number = Annotated[int, Field(ge=1, le=2_147_483_647)]

WORDING: Final[dict[str, Any]] = {
    "parts": {
        "subject": "{{ percent }}% of {{ subject }} is spent",
        "body": '<p>{{ spent_usd|amount("USD") }} of {{ limit_usd|amount("USD") }} is spent.</p>',
        "action": "Show budgets",
        "url": "/budgets",
    }
}


class DraftIn(Model):
    """What a template is to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [WORDING]})

    parts: Parts
    variables: Declared = Field(default_factory=list)

    def wording(self) -> Wording:
        """What is asked for."""
        return Wording(parts=self.parts, variables=tuple(self.variables))


class CreateTemplate(DraftIn):
    """A template, whose parts are its first draft."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "budget_threshold", "channel": "email", "locale": "en", **WORDING}]}
    )

    kind: KindName
    channel: Channel
    locale: LocaleTag
    description: Note = ""

    def new(self) -> NewTemplate:
        """What is asked for."""
        return NewTemplate(
            kind=self.kind,
            channel=self.channel,
            locale=self.locale,
            description=self.description,
            wording=self.wording(),
        )


class Publish(Model):
    """What is to be remembered of a version."""

    note: Note = ""


class RollBack(Model):
    """Which version is to be sent again."""

    version: Number


class TemplateQuery(Model):
    """Which templates."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")
    kind: KindName | None = None
    channel: Channel | None = None
    locale: LocaleTag | None = None

    def sought(self) -> Sought:
        """What is asked for."""
        return Sought(kind=self.kind, channel=self.channel, locale=self.locale)


class WordingOut(Model):
    """What a template says; `variables` are those that a kind of your own declares."""

    parts: Mapping[str, str]
    variables: tuple[Variable, ...]

    @classmethod
    def of(cls, wording: Wording) -> Self:
        """Show a wording."""
        return cls(**dict(wording))


class TemplateOut(Model):
    """A template. `published` is the number of the version that is sent, `newest` that of the last one."""

    id: UUID
    kind: str
    channel: Channel
    locale: str
    description: str
    draft: WordingOut | None
    published: int | None
    newest: int
    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, template: Template) -> Self:
        """Show a template."""
        return cls(**template.model_dump(exclude={"org_id"}))


class TemplatePage(Model):
    """Some templates, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[TemplateOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Template]) -> Self:
        """Show a page."""
        return cls(data=[TemplateOut.of(template) for template in page.data], next_cursor=cursor_after(page.last))


class VersionOut(WordingOut):
    """A version of a template, which never changes."""

    template_id: UUID
    number: int
    note: str
    created_by: UUID
    created_at: datetime

    @classmethod
    def of_version(cls, version: Version) -> Self:
        """Show a version."""
        return cls(**version.model_dump(exclude={"id", "org_id", "wording"}), **dict(version.wording))


class VersionPage(Model):
    """Some versions, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[VersionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Version]) -> Self:
        """Show a page."""
        return cls(data=[VersionOut.of_version(version) for version in page.data], next_cursor=cursor_after(page.last))
