"""The kinds of fields that bodies of every area share."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from integration.budget_windows import Scope
from llmo_core.model import Model

# What callers send as `model`, and what stands before the first slash of `provider/model`.
type ModelName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")
]
type ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
type UpstreamModel = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
type Region = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
type Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
type Count = Annotated[int, Field(gt=0, le=2_147_483_647)]
# The gateway cuts an end user's name after 256 characters; PostgreSQL's text holds no NUL.
type Subject = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]


class ForSubjects(Model):
    """Whom a limit or a budget is for."""

    scope: Scope
    subject: Subject | None = Field(
        None,
        description=(
            "Which one: the id of a project or a key, or the name that calls give an end user in `user`. "
            "Null counts each one by itself, and is the only value for an organization."
        ),
    )

    @field_validator("subject")
    @classmethod
    def _of_the_scope(cls, subject: str | None, info: ValidationInfo) -> str | None:
        scope = info.data.get("scope")
        if subject is None or scope is Scope.END_USER:
            return subject
        if scope is Scope.ORGANIZATION:
            raise ValueError("there is one organization, which needs no subject")
        return str(UUID(subject))
