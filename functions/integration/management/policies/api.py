"""Policies over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management.policies import wiring
from integration.management.policies.models import DEFAULT, Policy, Whose
from integration.management.policies.schemas import PolicyOut, PolicyPage, PutPolicy
from integration.management.policies.service import PolicyService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/policies")

type Policies = Annotated[PolicyService, Depends(wiring.policy_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has set no policy here.")
_FOUND: dict[int | str, dict[str, Any]] = {HTTPStatus.OK: {**TAGGED}} | _UNKNOWN
_PUT: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {**TAGGED},
    HTTPStatus.CREATED: {**TAGGED, "model": PolicyOut, "description": "There was no policy before."},
} | refusals(
    status_409="The organization has as many policies as there may be.",
    status_412="The policy has another version than `If-Match` says, or there is none.",
)


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_policies(principal: Reader, service: Policies, wanted: Wanted) -> PolicyPage:
    """List the organization's policies: the default one, and then those of projects and keys."""
    return PolicyPage.of(await service.page(principal, after=entry_before(wanted.cursor), limit=wanted.limit))


@router.get("/default", responses=_FOUND)
async def read_default_policy(principal: Reader, service: Policies, response: Response) -> PolicyOut:
    """Show the policy of all projects that have none of their own."""
    return _shown(await service.find(principal, DEFAULT), response)


@router.put("/default", responses=_PUT)
async def put_default_policy(
    body: PutPolicy, principal: Writer, service: Policies, response: Response, expected: Expected
) -> PolicyOut:
    """Set the policy of all projects that have none of their own. The gateway goes by it from the next call on."""
    policy, new = await service.put(principal, DEFAULT, body.wanted(), expected=expected)
    return _shown(policy, response, new=new)


@router.delete("/default", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_default_policy(principal: Writer, service: Policies) -> Response:
    """Remove the policy of all projects that have none of their own."""
    await service.remove(principal, DEFAULT)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{project_id}", responses=_FOUND)
async def read_policy(project_id: UUID, principal: Reader, service: Policies, response: Response) -> PolicyOut:
    """Show a project's policy; 404 when the default one holds for it."""
    return _shown(await service.find(principal, Whose(project_id=project_id)), response)


@router.put("/{project_id}", responses=_PUT)
async def put_policy(
    project_id: UUID, body: PutPolicy, principal: Writer, service: Policies, response: Response, expected: Expected
) -> PolicyOut:
    """Set a project's policy, in place of the default one. The gateway goes by it from the next call on."""
    policy, new = await service.put(principal, Whose(project_id=project_id), body.wanted(), expected=expected)
    return _shown(policy, response, new=new)


@router.delete("/{project_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_policy(project_id: UUID, principal: Writer, service: Policies) -> Response:
    """Remove a project's policy: the default one holds for it from the next call on."""
    await service.remove(principal, Whose(project_id=project_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/keys/{key_id}", responses=_FOUND)
async def read_key_policy(key_id: UUID, principal: Reader, service: Policies, response: Response) -> PolicyOut:
    """Show an API key's policy; 404 when its project's or the default one holds for it."""
    return _shown(await service.find(principal, Whose(key_id=key_id)), response)


@router.put("/keys/{key_id}", responses=_PUT)
async def put_key_policy(
    key_id: UUID, body: PutPolicy, principal: Writer, service: Policies, response: Response, expected: Expected
) -> PolicyOut:
    """Set an API key's policy, in place of its project's. The gateway goes by it from the next call on."""
    policy, new = await service.put(principal, Whose(key_id=key_id), body.wanted(), expected=expected)
    return _shown(policy, response, new=new)


@router.delete("/keys/{key_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_key_policy(key_id: UUID, principal: Writer, service: Policies) -> Response:
    """Remove an API key's policy: its project's or the default one holds for it from the next call on."""
    await service.remove(principal, Whose(key_id=key_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _shown(policy: Policy, response: Response, *, new: bool = False) -> PolicyOut:
    tag(response, policy.version)
    if new:
        response.status_code = HTTPStatus.CREATED
    return PolicyOut.of(policy)
