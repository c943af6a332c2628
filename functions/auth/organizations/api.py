"""An organization's members, invitations and projects over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth import wiring as shared
from auth.http import SignedIn, refusals
from auth.organizations import wiring
from auth.organizations.members import MemberService
from auth.organizations.projects import ProjectService
from auth.organizations.schemas import (
    ChangeRole,
    CreateProject,
    InvitationOut,
    InvitationsOut,
    Invite,
    Join,
    MemberOut,
    MembersOut,
    OrganizationOut,
    OrganizationsOut,
    ProjectOut,
    ProjectsOut,
)
from llmo_auth.guard import AllowedIn, member
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal

router = APIRouter(prefix="/api/v1/orgs", route_class=idempotent(shared.repeated_requests))
joining = APIRouter(prefix="/api/v1/orgs")  # the caller is of another organization yet, and a token works once

type Members = Annotated[MemberService, Depends(wiring.member_service)]
type Projects = Annotated[ProjectService, Depends(wiring.project_service)]
type AnyMember = Annotated[Principal, Depends(member)]
type MembersReader = Annotated[Principal, Depends(AllowedIn(Permission.MEMBERS_READ))]
type MembersWriter = Annotated[Principal, Depends(AllowedIn(Permission.MEMBERS_WRITE))]
type ProjectsReader = Annotated[Principal, Depends(AllowedIn(Permission.PROJECTS_READ))]
type ProjectsWriter = Annotated[Principal, Depends(AllowedIn(Permission.PROJECTS_WRITE))]

_UNAUTHENTICATED = "No valid credentials came with the request."
_FORBIDDEN = "The caller lacks the permission, or would give or take more than they may do themselves."
_NOT_FOUND = "The credentials are for another organization, or there is nothing with this id in it."
_ANY = refusals(status_401=_UNAUTHENTICATED, status_403=_FORBIDDEN, status_404=_NOT_FOUND)


@joining.get("", responses=refusals(status_401=_UNAUTHENTICATED, status_403="An API key is no person."))
async def list_organizations(person: SignedIn, service: Members) -> OrganizationsOut:
    """List the organizations that the caller is in. A refresh with `org_id` gets tokens for another one."""
    return OrganizationsOut(data=[OrganizationOut.of(found) for found in await service.organizations(person)])


@router.get("/{org_id}/members", responses=_ANY)
async def list_members(principal: MembersReader, service: Members) -> MembersOut:
    """List who is in the organization."""
    return MembersOut(data=[MemberOut.of(found) for found in await service.members(principal)])


@joining.post(
    "/{org_id}/members",
    status_code=HTTPStatus.CREATED,
    responses=refusals(
        status_400="The token is unknown, expired, for another organization, or for another address.",
        status_401=_UNAUTHENTICATED,
        status_403="An API key cannot join.",
        status_409="The caller is a member already.",
    ),
)
async def join(org_id: UUID, body: Join, person: SignedIn, service: Members) -> MemberOut:
    """Join an organization with the token of a mailed invitation, signed in with the address that it was mailed to."""
    return MemberOut.of(await service.accept(person, org_id, body.invitation_token))


@router.patch("/{org_id}/members/{user_id}", responses=_ANY | refusals(status_409="The last owner stays one."))
async def change_role(
    user_id: UUID,
    body: ChangeRole,
    principal: MembersWriter,
    service: Members,
) -> MemberOut:
    """Make a member something else. Less counts from their next request on, more once their token is refreshed."""
    return MemberOut.of(await service.set_role(principal, user_id, body.role))


@router.delete(
    "/{org_id}/members/{user_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ANY | refusals(status_409="The last owner stays."),
)
async def remove_member(user_id: UUID, principal: AnyMember, service: Members) -> Response:
    """Remove a member, or leave: everybody may leave but the last owner."""
    await service.remove(principal, user_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{org_id}/invitations", responses=_ANY)
async def list_invitations(principal: MembersReader, service: Members) -> InvitationsOut:
    """List who was asked to join and has not yet."""
    return InvitationsOut(data=[InvitationOut.of(found) for found in await service.invitations(principal)])


@router.post(
    "/{org_id}/invitations",
    status_code=HTTPStatus.CREATED,
    responses=_ANY | refusals(status_409="The address's owner is a member already, or the request is under way."),
)
async def invite(body: Invite, principal: MembersWriter, service: Members) -> InvitationOut:
    """Ask somebody to join, by mail. The link works for seven days; a second invitation replaces the first."""
    return InvitationOut.of(await service.invite(principal, email=body.email, role=body.role))


@router.delete("/{org_id}/invitations/{invitation_id}", status_code=HTTPStatus.NO_CONTENT, responses=_ANY)
async def withdraw_invitation(
    invitation_id: UUID,
    principal: MembersWriter,
    service: Members,
) -> Response:
    """Make an invitation's link worthless."""
    await service.withdraw(principal, invitation_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{org_id}/projects", responses=_ANY)
async def list_projects(principal: ProjectsReader, service: Projects) -> ProjectsOut:
    """List the organization's projects."""
    return ProjectsOut(data=[ProjectOut.of(found) for found in await service.all(principal)])


@router.post(
    "/{org_id}/projects",
    status_code=HTTPStatus.CREATED,
    responses=_ANY | refusals(status_409="There is a project of this name, or the request is under way."),
)
async def create_project(body: CreateProject, principal: ProjectsWriter, service: Projects) -> ProjectOut:
    """Create a project."""
    made = await service.create(principal, name=body.name, monthly_budget_usd=body.monthly_budget_usd)
    return ProjectOut.of(made)
