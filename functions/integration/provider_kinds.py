"""The kinds of model providers: where each one's OpenAI-compatible API is, and how it is called.

The gateway imports it too: nothing of pydantic in here. The addresses are those of the providers' own documentation,
which `source` names; `prices` is the provider's id in the package genai-prices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What kind of provider it is."""

    OPENAI = "openai"
    AZURE_OPENAI = "azure_openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"
    GROQ = "groq"
    MISTRAL = "mistral"
    OPENROUTER = "openrouter"
    TOGETHER = "together"
    DEEPSEEK = "deepseek"
    XAI = "xai"
    OPENAI_COMPATIBLE = "openai_compatible"


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """How providers of one kind take batches, as OpenAI's `/files` and `/batches` do.

    Attributes:
        source: The page that says so.
        percent: What a call costs there, of its ordinary price.
        endpoints: Those that they take batches for.
    """

    source: str
    percent: int
    endpoints: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """How providers of one kind are called.

    Attributes:
        source: The page that says so.
        base_url: Where the API is unless somebody says otherwise; `{region}` stands for the provider's region. None:
            everybody's is somewhere else.
        prices: The provider's id in genai-prices; None where prices are whatever the operator says.
        header: Carries the credentials.
        scheme: Precedes them in the header.
        headers: Sent with every call besides.
        needs_credentials: False where calls without any may be fine.
        takes_api_version: Whether calls name a version of the API in their query.
        lists_models: False where `GET /models` is not there.
        batches: How they take batches; None where they do not, or not as OpenAI does. Azure's do, but only for
            deployments that answer no other calls; Mistral's, Together's and Anthropic's have another API.
    """

    source: str
    base_url: str | None
    prices: str | None
    header: str = "authorization"
    scheme: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    needs_credentials: bool = True
    takes_api_version: bool = False
    lists_models: bool = True
    batches: BatchTerms | None = None

    @property
    def needs_region(self) -> bool:
        """Whether the address is made with a region."""
        return self.base_url is not None and "{region}" in self.base_url

    def default_base_url(self, region: str | None) -> str | None:
        """The API's address in a region, without a trailing slash; None when it cannot be known."""
        if self.base_url is None or (self.needs_region and region is None):
            return None
        return self.base_url.replace("{region}", region or "")

    def request_headers(self, api_key: str | None, own: Mapping[str, str]) -> dict[str, str]:
        """The headers of a call: the kind's, those of one's own (names in lower case), and the credentials."""
        credentials = {self.header: f"{self.scheme}{api_key}"} if api_key is not None else {}
        return {**self.headers, **own, **credentials}

    def query(self, api_version: str | None) -> str:
        """What follows the path of a call: nothing, or `?` and the version of the API."""
        return f"?api-version={api_version}" if self.takes_api_version and api_version is not None else ""


KINDS: Mapping[Kind, ProviderKind] = MappingProxyType(
    {
        Kind.OPENAI: ProviderKind(
            source="https://platform.openai.com/docs/api-reference/models/list",
            base_url="https://api.openai.com/v1",
            prices="openai",
            batches=BatchTerms(
                source="https://help.openai.com/en/articles/9197833-batch-api-faq",
                percent=50,
                endpoints=frozenset(("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses")),
            ),
        ),
        Kind.AZURE_OPENAI: ProviderKind(
            source="https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle",
            base_url=None,
            prices="azure",
            header="api-key",
            scheme="",
            takes_api_version=True,
        ),
        Kind.ANTHROPIC: ProviderKind(
            source="https://platform.claude.com/docs/en/api/openai-sdk",
            base_url="https://api.anthropic.com/v1",
            prices="anthropic",
            header="x-api-key",
            scheme="",
            headers=MappingProxyType({"anthropic-version": "2023-06-01"}),
        ),
        Kind.GEMINI: ProviderKind(
            source="https://ai.google.dev/gemini-api/docs/openai",
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            prices="google",
        ),
        Kind.BEDROCK: ProviderKind(
            source="https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html",
            base_url="https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
            prices="aws",
            lists_models=False,  # https://docs.aws.amazon.com/bedrock/latest/userguide/models-get-info.html
        ),
        Kind.GROQ: ProviderKind(
            source="https://console.groq.com/docs/openai",
            base_url="https://api.groq.com/openai/v1",
            prices="groq",
            batches=BatchTerms(
                source="https://console.groq.com/docs/batch",
                percent=50,
                endpoints=frozenset(("/v1/chat/completions",)),
            ),
        ),
        Kind.MISTRAL: ProviderKind(
            source="https://docs.mistral.ai/api",
            base_url="https://api.mistral.ai/v1",
            prices="mistral",
        ),
        Kind.OPENROUTER: ProviderKind(
            source="https://openrouter.ai/docs/api-reference/overview",
            base_url="https://openrouter.ai/api/v1",
            prices="openrouter",
        ),
        Kind.TOGETHER: ProviderKind(
            source="https://docs.together.ai/docs/inference/openai-compatibility",
            base_url="https://api.together.ai/v1",
            prices="together",
        ),
        Kind.DEEPSEEK: ProviderKind(
            source="https://api-docs.deepseek.com/api/list-models",
            base_url="https://api.deepseek.com",
            prices="deepseek",
        ),
        Kind.XAI: ProviderKind(
            source="https://docs.x.ai/docs/api-reference",
            base_url="https://api.x.ai/v1",
            prices="x-ai",
        ),
        Kind.OPENAI_COMPATIBLE: ProviderKind(
            source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
            base_url=None,
            prices=None,
            needs_credentials=False,
        ),
    }
)
