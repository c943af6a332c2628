"""What a topic is, and what can go wrong with one."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from llmo_core.errors import Conflict, NotFound
from llmo_core.fields import Moment, Name
from llmo_core.model import Model

MOST_TOPICS: Final = 200
CODE: Final = r"^[a-z0-9][a-z0-9_.-]{0,62}$"

type Code = Annotated[str, StringConstraints(pattern=CODE)]
type Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=1000, pattern=r"^[^\x00]*$"),
    Field(description="What subscribers are told of."),
]


class UnknownTopic(NotFound):
    """The organization has no such topic."""


class UnknownMember(NotFound):
    """Nobody with this id is a member of the organization."""


class TopicExists(Conflict):
    """The organization has a topic with this code."""


class TooManyTopics(Conflict):
    """The organization has as many topics as it may have."""


class NewTopic(Model):
    """What a topic is made of.

    Attributes:
        code: As notifications name it.
    """

    code: Code
    name: Name
    description: Description = ""


class Topic(NewTopic):
    """Something that members of an organization can ask to be told of."""

    id: UUID
    org_id: UUID
    created_by: UUID
    created_at: Moment


class OfferedTopic(Topic):
    """A topic as a member sees it."""

    subscribed: bool


class Subscriber(Model):
    """A member who is told of a topic; `id` is the user's."""

    id: UUID
    created_at: Moment
