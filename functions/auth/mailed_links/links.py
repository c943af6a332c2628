"""What the links of mails bring with them.

A token that is shown on a page has to look like one of ours first: somebody could be sent here with another text, to
copy it from a page that they trust.
"""

import re
from uuid import UUID

from llmo_core.errors import Invalid
from llmo_core.model import Model

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,150}")  # ours are base64url


class IncompleteLink(Invalid):
    """The link does not hold what we put into it."""


class InvitationLink(Model):
    """The organization that an invitation's token begins with, and all of the token."""

    org_id: UUID
    token: str


def token_in(text: str) -> str:
    """A token as we mail it; whether it is worth something the use case finds out. Raises IncompleteLink."""
    if _TOKEN.fullmatch(text) is None:
        raise IncompleteLink
    return text


def invitation_in(text: str) -> InvitationLink:
    """The same for an invitation's token, which names its organization. Raises IncompleteLink."""
    organization, _, token = text.partition(".")
    try:
        org_id = UUID(organization)
    except ValueError as error:
        raise IncompleteLink from error
    return InvitationLink(org_id=org_id, token=f"{org_id}.{token_in(token)}")
