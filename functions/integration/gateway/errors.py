"""What the gateway refuses, and why."""

from collections.abc import Mapping, Sequence

from integration.guarding.rules import Rule, Triggered
from llmo_core import errors


class InvalidApiKey(errors.Unauthenticated):
    """Incorrect API key provided."""


class RevokedApiKey(InvalidApiKey):
    """This API key has been revoked."""


class ExpiredApiKey(InvalidApiKey):
    """This API key has expired."""


class AddressNotAllowed(errors.Forbidden):
    """This API key may not be used from your address."""


class BillingNotActive(errors.Forbidden):
    """The service of the organization is suspended: it may make no calls, and gets no stored answers."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            detail
            or "The service of your organization is suspended because an invoice is overdue. Pay it (see "
            "GET /api/v1/billing/invoices), and calls are answered again."
        )


class NoCallsForLater(BillingNotActive):
    """The service of the organization is restricted: it may make calls, but none for later."""

    def __init__(self) -> None:
        super().__init__(
            "The service of your organization is restricted because an invoice is overdue: no batches and deferred "
            "calls are taken. Pay it (see GET /api/v1/billing/invoices), and they are taken again."
        )


class InvalidCall(errors.Invalid):
    """The body is not a call that this endpoint understands. `param` names the field at fault."""

    def __init__(self, detail: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(detail)
        self.param = param
        self.reason = code


class ContentBlocked(errors.Invalid):
    """A guardrail of the organization does not let the call, or its answer, pass. It tells nothing of what it found."""

    def __init__(self, rule: Rule, *, what: str, triggered: Sequence[Triggered]) -> None:
        super().__init__(
            " ".join((f"The guardrail `{rule.name}` of your organization blocked {what}.", rule.message)).strip()
        )
        self.triggered = triggered


class ModelNotFound(errors.NotFound):
    """No such model, or none that can be called here."""

    def __init__(self, model: str, detail: str = "") -> None:
        super().__init__(detail or f"The model `{model}` does not exist or you do not have access to it.")


class ModelUnpriced(ModelNotFound):
    """No price is known for a model of the organization's provider: a call that cannot be metered is not made."""

    def __init__(self, model: str) -> None:
        super().__init__(
            model,
            f"No price is known for the model `{model}`, and a call that cannot be metered is not made. Register it "
            "(POST /api/v1/models), and say what it costs (PUT /api/v1/models/{id}/prices).",
        )


class RouteLeadsNowhere(ModelNotFound):
    """The models of all of a route's targets are gone, retired, without a price, or for other endpoints."""

    def __init__(self, route: str) -> None:
        super().__init__(
            route,
            f"No target of the route `{route}` can be called here: their models do not exist, are retired, have no "
            "price or are for other endpoints.",
        )


class PromptNotFound(errors.NotFound):
    """The organization has no such prompt."""

    def __init__(self, prompt: str) -> None:
        super().__init__(f"The prompt `{prompt}` does not exist.")


class EntryNotFound(errors.NotFound):
    """The cache has no such entry in your project."""


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
