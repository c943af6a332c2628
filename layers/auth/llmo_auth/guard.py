"""How a route says who may call it: one declarative dependency.

```python
@router.get("/usage")
async def usage(principal: Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]) -> UsageOut: ...
```
"""

from fastapi import Request

from llmo_auth.principal import Permission, Principal


class Allowed:
    """Admits callers that hold a permission and gives their principal; others get 401 or 403."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Principal:
        """Give the caller's principal, or raise Unauthenticated or MissingPermission."""
        principal = await authenticated(request)
        principal.require(self.permission)
        return principal


async def authenticated(request: Request) -> Principal:
    """Any authenticated caller; raises Unauthenticated."""
    event = request.scope.get("aws.event") or {}
    return Principal.from_context(event.get("requestContext", {}).get("authorizer"))


async def public() -> None:
    """Declares that a route is meant for everybody."""
