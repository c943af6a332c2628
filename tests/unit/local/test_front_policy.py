import pytest

from local.front.policy import InvalidPolicy, allows

METHOD = "arn:aws:execute-api:eu-west-1:123456789012:local/dev/GET/api/v1/me"


def policy(*statements: tuple[str, object]) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource} for effect, resource in statements
        ],
    }


@pytest.mark.parametrize(
    "resource",
    [
        METHOD,
        "*",
        "arn:aws:execute-api:*:*:local/dev/*",
        "arn:aws:execute-api:eu-west-1:123456789012:local/dev/GET/api/v?/me",
        ["arn:aws:execute-api:::other", METHOD],
    ],
)
def test_a_matching_allow_lets_through(resource: object) -> None:
    assert allows(policy(("Allow", resource)), METHOD)


@pytest.mark.parametrize(
    "resource", ["arn:aws:execute-api:eu-west-1:123456789012:local/dev/POST/*", METHOD + "/more", "", METHOD[:-1]]
)
def test_what_no_statement_allows_is_refused(resource: str) -> None:
    assert not allows(policy(("Allow", resource)), METHOD)


def test_brackets_are_no_wildcards() -> None:
    assert not allows(policy(("Allow", "arn:aws:execute-api:[a-z]*")), METHOD)


def test_a_deny_wins_wherever_it_stands() -> None:
    assert not allows(policy(("Allow", "*"), ("Deny", METHOD)), METHOD)
    assert not allows(policy(("Deny", METHOD), ("Allow", "*")), METHOD)


def test_an_action_of_another_service_allows_nothing() -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}

    assert not allows({"Statement": statement}, METHOD)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"Statement": ["Allow"]},
        {"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}},
    ],
)
def test_a_policy_that_cannot_be_evaluated_is_an_error(document: object) -> None:
    with pytest.raises(InvalidPolicy):
        allows(document, METHOD)
