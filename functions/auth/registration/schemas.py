"""Bodies of registering, and of changing and resetting passwords."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.fields import Email, OpaqueToken
from auth.registration.models import NewAccount
from llmo_core.fields import Name
from llmo_core.model import Model

# What may be chosen is the policy's business; here is only what it is worth looking at.
type Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Secretive(Model):
    """A body whose errors do not repeat what was sent."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Register(Secretive):
    """Somebody who wants an account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "password": "correct horse battery staple",
                    "name": "Ada",
                    "organization": "Analytical Engines",
                }
            ]
        }
    )

    email: Email
    password: Password = Field(repr=False, description="8 to 128 characters, and none of the most common passwords.")
    name: Name | None = Field(None, description="What stands before the @ when left out.")
    organization: Name | None = Field(None, description="The organization's name; the person's own when left out.")


class VerifyEmail(Secretive):
    """The token of a mailed link."""

    token: OpaqueToken = Field(repr=False)


class AddressOnly(Model):
    """Whom to send a mail."""

    email: Email


class ResetPassword(Secretive):
    """The token of a mailed link, and the password to have from now on."""

    token: OpaqueToken = Field(repr=False)
    password: Password = Field(repr=False)


class ChangePassword(Secretive):
    """The password that one has, and the one to have from now on."""

    current_password: Password = Field(repr=False)
    new_password: Password = Field(repr=False)


class Accepted(Model):
    """The same for every address, whether it has an account or not."""

    detail: str = "If this makes sense for the address, a mail is on its way to it."


class NewAccountOut(Model):
    """A new account: the user, the organization that the user owns, and its first project."""

    user_id: UUID
    org_id: UUID
    project_id: UUID

    @classmethod
    def of(cls, account: NewAccount) -> Self:
        """Show a new account."""
        return cls(user_id=account.user_id, org_id=account.org_id, project_id=account.project_id)
