"""Who may call the routes of usage."""

from typing import Annotated

from fastapi import Depends

from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal

type Reader = Annotated[Principal, Depends(Allowed(Permission.BILLING_READ))]
type Reporter = Annotated[Principal, Depends(Allowed(Permission.BILLING_REPORT))]
