"""Organizations with their roles, members, invitations and projects over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth import wiring as shared
from auth.http import SignedIn
from auth.organizations import wiring
from auth.organizations.members import MemberService
from auth.organizations.projects import ProjectService
from auth.organizations.roles import RoleService
from auth.organizations.schemas import (
    ChangeMember,
    ChangeOrganization,
    ChangeRole,
    CreateOrganization,
    CreateProject,
    CreateRole,
    InvitationOut,
    InvitationsOut,
    Invite,
    Join,
    JoinedOrganizationOut,
    MemberOut,
    MembersOut,
    OrganizationOut,
    OrganizationsOut,
    ProjectOut,
    ProjectsOut,
    RoleOut,
    RolesOut,
)
from auth.organizations.service import OrganizationService
from llmo_auth.guard import AllowedIn, member
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/orgs", route_class=idempotent(shared.repeated_requests))
own = APIRouter(prefix="/api/v1/orgs", route_class=idempotent(shared.repeated_requests, personal=True))
joining = APIRouter(prefix="/api/v1/orgs")  # the caller is of another organization yet, and a token works once

type Members = Annotated[MemberService, Depends(wiring.member_service)]
type Projects = Annotated[ProjectService, Depends(wiring.project_service)]
type Organizations = Annotated[OrganizationService, Depends(wiring.organization_service)]
type Roles = Annotated[RoleService, Depends(wiring.role_service)]
type OrgWriter = Annotated[Principal, Depends(AllowedIn(Permission.ORG_WRITE))]
type RolesWriter = Annotated[Principal, Depends(AllowedIn(Permission.ROLES_WRITE))]
type AnyMember = Annotated[Principal, Depends(member)]
type MembersReader = Annotated[Principal, Depends(AllowedIn(Permission.MEMBERS_READ))]
type MembersWriter = Annotated[Principal, Depends(AllowedIn(Permission.MEMBERS_WRITE))]
type ProjectsReader = Annotated[Principal, Depends(AllowedIn(Permission.PROJECTS_READ))]
type ProjectsWriter = Annotated[Principal, Depends(AllowedIn(Permission.PROJECTS_WRITE))]

_FORBIDDEN = "The caller lacks the permission, or would give or take more than they may do themselves."
_NOT_FOUND = "The credentials are for another organization, or there is nothing with this id in it."
_ANY = refusals(status_403=_FORBIDDEN, status_404=_NOT_FOUND)


@own.get("", responses=refusals(status_403="An API key is no person."))
async def list_organizations(person: SignedIn, service: Members) -> OrganizationsOut:
    """List the organizations that the caller is in. A refresh with `org_id` gets tokens for another one."""
    return OrganizationsOut(data=[JoinedOrganizationOut.of(found) for found in await service.organizations(person)])


@own.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=refusals(status_403="An API key is no person."),
)
async def found_organization(body: CreateOrganization, person: SignedIn, service: Organizations) -> OrganizationOut:
    """Found an organization, and own it. A refresh with `org_id` gets tokens for it."""
    return OrganizationOut.of(await service.found(person, name=body.name))


@router.get("/{org_id}", responses=_ANY)
async def read_organization(principal: AnyMember, service: Organizations) -> OrganizationOut:
    """Show the organization."""
    return OrganizationOut.of(await service.look(principal))


@router.patch("/{org_id}", responses=_ANY)
async def change_organization(
    body: ChangeOrganization, principal: OrgWriter, service: Organizations
) -> OrganizationOut:
    """Change the organization's name or monthly budget. The gateway holds a new budget within five minutes."""
    budget = (body.monthly_budget_usd,) if "monthly_budget_usd" in body.model_fields_set else None
    return OrganizationOut.of(await service.change(principal, name=body.name, budget=budget))


@router.get("/{org_id}/roles", responses=_ANY)
async def list_roles(principal: MembersReader, service: Roles) -> RolesOut:
    """List the roles that a member can have."""
    return RolesOut(data=[*RoleOut.of_every(), *map(RoleOut.of, await service.all(principal))])


@router.post(
    "/{org_id}/roles",
    status_code=HTTPStatus.CREATED,
    responses=_ANY | refusals(status_409="There is a role of this name, or the request is under way."),
)
async def create_role(body: CreateRole, principal: RolesWriter, service: Roles) -> RoleOut:
    """Make a role of permissions, none of which the caller lacks."""
    made = await service.create(principal, name=body.name, description=body.description, permissions=body.permissions)
    return RoleOut.of(made)


@router.patch("/{org_id}/roles/{name}", responses=_ANY)
async def change_custom_role(name: str, body: ChangeRole, principal: RolesWriter, service: Roles) -> RoleOut:
    """Change what a role of the organization's own may do: less counts at once, more once tokens are refreshed."""
    changed = await service.change(principal, name, description=body.description, permissions=body.permissions)
    return RoleOut.of(changed)


@router.delete(
    "/{org_id}/roles/{name}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ANY | refusals(status_409="Members or invitations have this role."),
)
async def remove_role(name: str, principal: RolesWriter, service: Roles) -> Response:
    """Remove a role of the organization's own that nobody has."""
    await service.remove(principal, name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{org_id}/members", responses=_ANY)
async def list_members(principal: MembersReader, service: Members) -> MembersOut:
    """List who is in the organization."""
    return MembersOut(data=[MemberOut.of(found) for found in await service.members(principal)])


@joining.post(
    "/{org_id}/members",
    status_code=HTTPStatus.CREATED,
    responses=refusals(
        status_400="The token is unknown, expired, for another organization, or for another address.",
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
    body: ChangeMember,
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
