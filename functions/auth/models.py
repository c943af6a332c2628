"""What every area of the service speaks of."""

from llmo_core.errors import Forbidden, Invalid, NotFound
from llmo_core.model import Model


class Origin(Model):
    """Where a request came from, as API Gateway saw it."""

    ip: str | None = None
    user_agent: str | None = None


class NotInPerson(Forbidden):
    """Only a person makes credentials that outlive those that they are made with."""


class UnknownOrganization(NotFound):
    """There is no such organization."""


class UnknownProject(Invalid):
    """The organization has no project with this id."""
