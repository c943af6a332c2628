"""Withdrawing invitations together with what allowed their maker to make them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from auth.organizations.models import InvitationWithdrawn
from llmo_data.ports import Events


class Invitations(Protocol):
    """What members asked others to become."""

    async def withdraw_all(self, org_id: UUID, user_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Forget the invitations that these members made, themselves or with keys of their own; gives their ids."""
        ...


async def withdraw_all(invitations: Invitations, events: Events, org_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Withdraw what these members may have asked beyond what they may now, in the transaction under way."""
    for invitation_id in await invitations.withdraw_all(org_id, user_ids):
        withdrawn = InvitationWithdrawn(invitation_id=invitation_id)
        await events.announce(withdrawn, org_id=org_id, aggregate_id=org_id)
