"""What browsers and authenticators do with passkeys: WebAuthn level 2, by `webauthn` (py_webauthn).

It is imported at the first use: it takes a quarter of a second, and most requests have nothing to do with passkeys.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from auth.second_factors.models import PASSKEY_CHALLENGE_LIFE, Assertion, Attestation, NewKey, Passkey, Presented
from auth.sign_in.models import Credentials
from llmo_core.observability import logger

_NAME = "LLMOptimizer"
_TIMEOUT_MS = int(PASSKEY_CHALLENGE_LIFE.total_seconds() * 1000)
_LONGEST_ID = 1023  # WebAuthn, section 4, "credential id"


class WebAuthnCeremonies:
    """Makes options for browsers, and verifies what comes back. Users have to be verified by their authenticator.

    Args:
        public_url: Whose host is the relying party, and whose scheme, host and port are the only origin.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._rp_id = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def creation_options(self, challenge: str, person: Credentials, registered: Sequence[Passkey]) -> Mapping[str, Any]:
        """What `navigator.credentials.create` is to be told."""
        from webauthn import generate_registration_options  # noqa: PLC0415 - see above
        from webauthn.helpers import options_to_json_dict  # noqa: PLC0415 - see above
        from webauthn.helpers.structs import (  # noqa: PLC0415 - see above
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        return options_to_json_dict(
            generate_registration_options(
                rp_id=self._rp_id,
                rp_name=_NAME,
                user_id=person.user_id.bytes,
                user_name=person.email,
                challenge=_decoded(challenge),
                timeout=_TIMEOUT_MS,
                exclude_credentials=[PublicKeyCredentialDescriptor(id=known.credential_id) for known in registered],
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.PREFERRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
            )
        )

    def request_options(self, challenge: str) -> Mapping[str, Any]:
        """What `navigator.credentials.get` is to be told."""
        from webauthn import generate_authentication_options  # noqa: PLC0415 - see above
        from webauthn.helpers import options_to_json_dict  # noqa: PLC0415 - see above
        from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415 - see above

        return options_to_json_dict(
            generate_authentication_options(
                rp_id=self._rp_id,
                challenge=_decoded(challenge),
                timeout=_TIMEOUT_MS,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def presented(self, credential: Attestation | Assertion) -> Presented | None:
        """What a credential says of itself; None when it says nothing that could be read."""
        handle = credential.response.user_handle if isinstance(credential, Assertion) else None
        try:
            client_data = json.loads(_decoded(credential.response.client_data_json))
            return Presented(
                challenge=client_data["challenge"],
                credential_id=_decoded(credential.raw_id),
                user_handle=_decoded(handle) if handle is not None else None,
            )
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def created(self, attestation: Attestation, challenge: str) -> NewKey | None:
        """The key that was made for a challenge, by a user whom the authenticator verified; None for any other."""
        from webauthn import verify_registration_response  # noqa: PLC0415 - see above

        try:
            verified = verify_registration_response(
                credential=attestation.model_dump(mode="json", by_alias=True),
                expected_challenge=_decoded(challenge),
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _refusals() as error:
            logger().warning("passkey refused", extra={"reason": repr(error)})
            return None
        if not 0 < len(verified.credential_id) <= _LONGEST_ID:
            return None
        return NewKey(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
        )

    def signed(self, assertion: Assertion, challenge: str, public_key: bytes) -> int | None:
        """How often the authenticator has signed, once its signature of a challenge is verified; else None.

        Whether it should have signed more often by now is not looked at here: py_webauthn would compare the numbers
        before it verifies the signature, and anybody could have a passkey taken for a copied one.
        """
        from webauthn import verify_authentication_response  # noqa: PLC0415 - see above

        try:
            verified = verify_authentication_response(
                credential=assertion.model_dump(mode="json", by_alias=True, exclude_none=True),
                expected_challenge=_decoded(challenge),
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _refusals() as error:
            logger().warning("passkey refused", extra={"reason": repr(error)})
            return None
        return verified.new_sign_count


def _refusals() -> tuple[type[Exception], ...]:
    """What py_webauthn, and what it parses CBOR and keys with, raise at text that somebody made up."""
    from cbor2 import CBORError  # noqa: PLC0415 - see above
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - see above

    made_up = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
    return (WebAuthnException, CBORError, InvalidSignature, UnsupportedAlgorithm, *made_up)


def _decoded(text: str) -> bytes:
    """Bytes of base64url without padding. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
