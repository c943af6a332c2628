"""What errors of AWS's SDK mean for a message."""

from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from notification.delivery.ports import Failed, Refused
from notification.providers.answers import not_heard, not_reached, outcome_of, said_by

_THROTTLED: Final = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
        "SlowDown", "LimitExceededException", "KMSThrottling", "KMSThrottlingException",
    }
)  # fmt: skip
_OURS: Final = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSecurity", "OptInRequired",
        "SignatureDoesNotMatch", "UnrecognizedClientException", "AccountSuspendedException", "SendingPausedException",
        "MailFromDomainNotVerifiedException", "NotFoundException", "FilterPolicyLimitExceeded",
    }
)  # fmt: skip


def once(timeout_seconds: float) -> Config:
    """A client that tries once: whether it is tried again depends on whether it can have been done."""
    return Config(connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1})


def refused_by(error: ClientError) -> Refused | Failed:
    """What an answer that is an error means, by its code, and else by its status."""
    answer: dict[str, Any] = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    said = said_by(f"{code}: {answer.get('Error', {}).get('Message', '')}")
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code in _THROTTLED:
        return Failed(said)
    if code in _OURS:
        return Failed(said, ours=True)
    return outcome_of(status, said)


def broken_by(error: BotoCoreError) -> Failed:
    """Whether a call without an answer can have arrived."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Failed(said_by(str(error)), ours=True)
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | SSLError):
        return not_reached(error)
    return not_heard(error)
