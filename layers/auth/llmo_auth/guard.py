"""How a route says who may call it: one declarative dependency.

```python
@router.get("/usage")
async def usage(principal: Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]) -> UsageOut: ...
```
"""

from typing import Any
from uuid import UUID

from fastapi import Request

from llmo_auth.principal import AppendsOnly, Permission, Person, Principal
from llmo_core.errors import NotFound
from llmo_core.http.documentation import Bearer


class OtherOrganization(NotFound):
    """These credentials are for another organization, or there is none with this id."""


class Allowed:
    """Admits callers that hold a permission and gives their principal; others get 401 or 403."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, _credentials: Bearer = None) -> Principal:
        """Give the caller's principal, or raise Unauthenticated or MissingPermission."""
        principal = await authenticated(request)
        principal.require(self.permission)
        return principal


class AllowedIn:
    """The same for routes below `/orgs/{org_id}`: they exist only for callers of that organization, else 404."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, org_id: UUID, _credentials: Bearer = None) -> Principal:
        """Give the caller's principal, or raise Unauthenticated, OtherOrganization or MissingPermission."""
        principal = await member(request, org_id)
        principal.require(self.permission)
        return principal


async def member(request: Request, org_id: UUID, _credentials: Bearer = None) -> Principal:
    """Any authenticated caller of the organization in the path.

    Raises Unauthenticated, OtherOrganization, or AppendsOnly for a key that anybody may have.
    """
    principal = _known(await authenticated(request))
    if org_id != principal.org_id:
        raise OtherOrganization
    return principal


async def authenticated(request: Request, _credentials: Bearer = None) -> Principal:
    """Any authenticated caller with an organization; raises Unauthenticated or NoOrganization."""
    return Principal.from_context(_context(request))


async def signed_in(request: Request, _credentials: Bearer = None) -> Person:
    """Anybody who has signed in and acts themselves, also in no organization.

    Raises Unauthenticated, NotSignedIn for an API key or a service account, ActsForSomebody for an application: what
    a person lets one do, never includes their own account.
    """
    return Person.from_context(_context(request)).themselves()


async def represented(request: Request, _credentials: Bearer = None) -> Person:
    """Anybody who has signed in, also through an application that acts for them.

    Raises Unauthenticated, or NotSignedIn.
    """
    return Person.from_context(_context(request))


async def identified(request: Request, _credentials: Bearer = None) -> Principal | Person:
    """Anybody with valid credentials: a principal, or a person in no organization.

    Raises Unauthenticated, or AppendsOnly for a key that anybody may have.
    """
    context = _context(request)
    if context and not context.get("org_id"):
        return Person.from_context(context)
    return _known(Principal.from_context(context))


async def public() -> None:
    """Declares that a route is meant for everybody."""


def _known(principal: Principal) -> Principal:
    if principal.appends_only:
        raise AppendsOnly
    return principal


def _context(request: Request) -> dict[str, Any] | None:
    event = request.scope.get("aws.event") or {}
    context: dict[str, Any] | None = event.get("requestContext", {}).get("authorizer")
    return context
