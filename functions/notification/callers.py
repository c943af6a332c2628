"""Who may call the routes of notification, and what those refuse that several have in common."""

from typing import Annotated

from fastapi import Depends

from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

type Reader = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_WRITE))]

CURSOR = refusals(status_400="The cursor is not one of this API's.")
