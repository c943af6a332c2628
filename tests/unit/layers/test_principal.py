from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_auth.principal import (
    PERMISSIONS_OF,
    ActorType,
    ActsForSomebody,
    MissingPermission,
    Permission,
    Person,
    Principal,
    Role,
)
from llmo_core.errors import Unauthenticated

principals = st.builds(
    Principal,
    org_id=st.uuids(),
    project_id=st.none() | st.uuids(),
    actor_type=st.sampled_from(ActorType),
    actor_id=st.uuids(),
    permissions=st.frozensets(st.sampled_from([permission.value for permission in Permission])),
    client_id=st.none() | st.uuids(),
    service=st.none() | st.sampled_from(["analytics", "orgs"]),
)


@given(principals)
def test_a_principal_survives_the_authorizers_context(principal: Principal) -> None:
    context = principal.to_context()

    assert all(type(value) is str or isinstance(value, ActorType) for value in context.values())
    assert Principal.from_context(dict(context)) == principal


@pytest.mark.parametrize("context", [None, {}, {"principalId": "x"}])
def test_without_a_context_there_is_no_principal(context: dict[str, str] | None) -> None:
    with pytest.raises(Unauthenticated):
        Principal.from_context(context)


@given(principals, st.sampled_from(Permission))
def test_a_permission_is_required_by_name(principal: Principal, permission: Permission) -> None:
    if permission in principal.permissions:
        principal.require(permission)
    else:
        with pytest.raises(MissingPermission, match=permission):
            principal.require(permission)


def test_principals_of_one_actor_are_equal() -> None:
    context = {
        "org_id": str(UUID(int=1)),
        "project_id": "",
        "actor_type": "user",
        "actor_id": str(UUID(int=2)),
        "permissions": "usage:read  llm:call",
    }

    assert Principal.from_context(context).permissions == {"usage:read", "llm:call"}


@given(st.uuids(), st.uuids(), st.none() | st.uuids())
def test_an_application_is_not_the_person_that_it_acts_for(user: UUID, session: UUID, client: UUID | None) -> None:
    person = Person.from_context(dict(Person(user_id=user, session_id=session, client_id=client).to_context()))

    assert (person.user_id, person.session_id, person.client_id) == (user, session, client)
    if client is None:
        assert person.themselves() == person
    else:
        with pytest.raises(ActsForSomebody):
            person.themselves()


@pytest.mark.parametrize(
    ("role", "may_change"),
    [(Role.OWNER, True), (Role.ADMIN, True), (Role.BILLING, True), (Role.DEVELOPER, False), (Role.VIEWER, False)],
)
def test_everybody_sees_budgets_and_bills_and_those_change_them_who_answer_for_money(
    role: Role, *, may_change: bool
) -> None:
    for read, write in (
        (Permission.BUDGETS_READ, Permission.BUDGETS_WRITE),
        (Permission.BILLING_READ, Permission.BILLING_WRITE),
    ):
        assert read in PERMISSIONS_OF[role]
        assert (write in PERMISSIONS_OF[role]) == may_change


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.OWNER, True), (Role.ADMIN, True), (Role.BILLING, True), (Role.DEVELOPER, True), (Role.VIEWER, False)],
)
def test_whoever_builds_what_is_billed_may_report_it(role: Role, *, may: bool) -> None:
    assert (Permission.BILLING_REPORT in PERMISSIONS_OF[role]) == may


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, {"webhooks:read", "webhooks:write"}),
        (Role.ADMIN, {"webhooks:read", "webhooks:write"}),
        (Role.DEVELOPER, {"webhooks:read"}),
        (Role.BILLING, set()),
        (Role.VIEWER, set()),
    ],
)
def test_webhooks_are_administrators_business_and_developers_see_them(role: Role, may: set[str]) -> None:
    assert {str(each) for each in PERMISSIONS_OF[role] if each.startswith("webhooks:")} == may
