"""What is taken for a proof, and what is said of one that is not."""

from typing import Any

import pytest
from pydantic import ValidationError

from auth.second_factors.models import Assertion, Code, Password, RecoveryCode
from auth.second_factors.schemas import Reauthenticate, SecondFactor

PASSKEY: dict[str, Any] = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "clientExtensionResults": {"credProps": {"rk": True}},
    "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": None},
}


@pytest.mark.parametrize(
    ("given", "kind"),
    [({"code": " 123456 "}, Code), ({"recovery_code": "abcd-efgh"}, RecoveryCode), ({"passkey": PASSKEY}, Assertion)],
)
def test_one_proof_is_taken_for_what_it_is(given: dict[str, Any], kind: type) -> None:
    assert isinstance(SecondFactor.model_validate({"mfa_token": "x", **given}).proof, kind)
    assert isinstance(Reauthenticate.model_validate(given).proof, kind)


def test_a_password_is_a_proof_of_reauthentication_only() -> None:
    assert isinstance(Reauthenticate.model_validate({"password": "x"}).proof, Password)
    with pytest.raises(ValidationError):
        SecondFactor.model_validate({"mfa_token": "x", "password": "x"})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"code": None},
        {"code": "987654", "recovery_code": "secret-code"},
        {"code": "987654", "password": "secret-code"},
        {"code": "98765"},
        {"code": "9876543"},
        {"code": "٩٨٧٦٥٤"},
        {"code": 987654},
        {"recovery_code": "secret-code" * 20},
        {"passkey": PASSKEY | {"type": "secret-code"}},
        {"passkey": PASSKEY | {"rawId": "secret-code=="}},
        {"passkey": {**PASSKEY, "response": {"clientDataJSON": "secret-code"}}},
    ],
    ids=str,
)
def test_anything_but_one_proof_is_refused_without_repeating_it(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Reauthenticate.model_validate(given)
    assert "987654" not in str(refused.value)
    assert "secret-code" not in str(refused.value)
    assert "secret-code" not in str([error["msg"] for error in refused.value.errors()])


def test_proofs_are_not_in_what_is_logged_of_them() -> None:
    for given in ({"code": "987654"}, {"recovery_code": "987654"}, {"password": "987654"}):
        body = Reauthenticate.model_validate(given)
        assert "987654" not in repr(body) + repr(body.proof)
