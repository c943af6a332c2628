"""What every area of billing speaks of."""

import hashlib
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.errors import Forbidden, Stale
from llmo_core.model import Model


class NotTheOperator(Forbidden):
    """Meters and plans are made by the organization that operates this deployment (`OPERATOR_ORG_ID`)."""


class ChangedMeanwhile(Stale):
    """It has another revision by now: read it again, and decide anew."""


class Viewer(Model):
    """Whose eyes the catalogue is seen with.

    Attributes:
        org_id: The organization that looks.
        operator_id: The one whose catalogue it is; None where there is none.
    """

    org_id: UUID
    operator_id: UUID | None

    @property
    def is_operator(self) -> bool:
        """Whether it is the operator who looks."""
        return self.org_id == self.operator_id


class Operator:
    """The organization that operates the deployment, and makes the catalogue.

    Args:
        org_id: None where nobody does.
    """

    def __init__(self, org_id: UUID | None) -> None:
        self._org_id = org_id

    def viewer(self, principal: Principal) -> Viewer:
        """The caller as somebody who looks at the catalogue."""
        return Viewer(org_id=principal.org_id, operator_id=self._org_id)

    def require(self, principal: Principal) -> Viewer:
        """The caller as the operator. Raises NotTheOperator."""
        viewer = self.viewer(principal)
        if not viewer.is_operator:
            raise NotTheOperator
        return viewer


def request_digest(actor_id: UUID | None, request_key: str) -> str:
    """What is kept of an `Idempotency-Key`, or of an id that tells requests apart: other callers' are other ones."""
    return hashlib.sha256(f"{actor_id} {request_key}".encode()).hexdigest()
