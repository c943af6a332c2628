"""What the gateway refuses, and why."""

from collections.abc import Mapping
from enum import StrEnum

from llmo_core import errors


class InvalidApiKey(errors.Unauthenticated):
    """Incorrect API key provided."""


class RevokedApiKey(InvalidApiKey):
    """This API key has been revoked."""


class ExpiredApiKey(InvalidApiKey):
    """This API key has expired."""


class AddressNotAllowed(errors.Forbidden):
    """This API key may not be used from your address."""


class InvalidCall(errors.Invalid):
    """The body is not a call that this endpoint understands. `param` names the field at fault."""

    def __init__(self, detail: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(detail)
        self.param = param
        self.reason = code


class ModelNotFound(errors.NotFound):
    """No such model, or no price is known for it: a call that cannot be metered is not made."""

    def __init__(self, model: str) -> None:
        super().__init__(f"The model `{model}` does not exist or you do not have access to it.")


class CacheMiss(errors.NotFound):
    """There is no stored answer to an equal call, and you asked for nothing else."""


class ModelRetired(errors.NotFound):
    """The organization has retired the model."""

    def __init__(self, model: str, *, replacement: str | None) -> None:
        instead = f" Use `{replacement}` instead." if replacement else ""
        super().__init__(f"The model `{model}` was retired by your organization.{instead}")


class NoTargetFits(errors.Invalid):
    """The route has no target that takes this call."""

    def __init__(self, route: str) -> None:
        super().__init__(
            f"No target of the route `{route}` takes this call: look at their conditions (size of the input, tools, "
            "images, streaming, region)."
        )


class ConfigurationChanged(errors.Unavailable):
    """The organization changed its configuration while the call was read; it is read again."""


class ModelNotAllowed(errors.Forbidden):
    """The API key is limited to other models."""

    def __init__(self, model: str) -> None:
        super().__init__(f"This API key is not allowed to use the model `{model}`.")


class IdempotencyKeyReused(errors.Invalid):
    """This Idempotency-Key was used for a different request."""


class RequestInProgress(errors.Conflict):
    """The first request with this Idempotency-Key is still under way; its answer can be had when it has ended."""


class LimitKind(StrEnum):
    """What a rate limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"


class RateLimited(errors.TooManyRequests):
    """The API key is over its requests or tokens per minute."""

    def __init__(self, kind: LimitKind, *, limit: int, retry_after_seconds: float, requested: int = 1) -> None:
        unit = "RPM" if kind is LimitKind.REQUESTS else "TPM"
        super().__init__(
            f"Rate limit reached on {kind} per min ({unit}): Limit {limit}, Requested {requested}. "
            f"Please try again in {retry_after_seconds:.3f}s.",
            retry_after_seconds=retry_after_seconds,
        )
        self.kind = kind
        self.limit = limit


class CallTooLarge(errors.TooManyRequests):
    """One call needs more tokens than the API key may use in a minute: only a smaller call or a larger limit helps.

    It carries `Retry-After` like every 429, so that clients back off as they do for the others.
    """

    def __init__(self, *, limit: int, requested: int) -> None:
        super().__init__(
            f"Request too large on tokens per min (TPM): Limit {limit}, Requested {requested}. "
            "The input or output tokens must be reduced in order to run successfully."
        )


class BudgetExceeded(errors.TooManyRequests):
    """The call could cost more than what is left of a budget."""

    def __init__(self, scope: str, *, retry_after_seconds: float) -> None:
        super().__init__(
            f"You exceeded the monthly budget of this {scope}, or the most this call could cost does. "
            "A lower max_completion_tokens lowers that; the budget starts anew next month.",
            retry_after_seconds=retry_after_seconds,
        )


class BudgetReserved(errors.TooManyRequests):
    """What is left of a budget is set aside for calls under way; it may be free again when they end."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"What is left of the monthly budget of this {scope} is set aside for calls under way. Please try again.",
            retry_after_seconds=1.0,
        )


class StoreUnavailable(errors.Unavailable):
    """The gateway cannot check limits and budgets right now, and makes no calls that it cannot meter."""


class UpstreamError(errors.Unavailable):
    """The model provider gave no usable answer."""


class UpstreamUnreachable(UpstreamError):
    """The model provider cannot be reached."""


class UpstreamTimeout(UpstreamError):
    """The model provider did not answer in time."""


class UpstreamBroken(UpstreamError):
    """The model provider broke off its answer or sent one that cannot be read."""


class AnswerBrokenOff(errors.Unavailable):
    """The answer ends here, in the middle; nothing but the end of the connection can tell the client."""


class UpstreamMisconfigured(UpstreamError):
    """The model provider does not accept the credentials that this gateway is configured with."""


class AddressNotCalled(UpstreamMisconfigured):
    """The address of the provider is none that this deployment calls for its customers."""


class CredentialsUnavailable(UpstreamError):
    """The credentials of the connection cannot be opened right now."""


class UpstreamRefused(UpstreamError):
    """The model provider refused the call; its own answer is passed on."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"The model provider answered {status}.")
        self.status = status
        self.body = body
        self.headers = headers
