"""The endpoints that the gateway has, by their paths."""

from collections.abc import Mapping
from typing import Final

from integration.gateway.call import Endpoint
from integration.gateway.endpoints.completions import ChatCompletions, Completions
from integration.gateway.endpoints.embeddings import Embeddings
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.images import ImageGenerations
from integration.gateway.endpoints.moderations import Moderations
from integration.gateway.endpoints.responses import Responses
from integration.gateway.endpoints.speech import Speech
from integration.gateway.endpoints.transcriptions import Transcriptions

_FORMS: Final[tuple[Form, ...]] = (
    ChatCompletions(),
    Completions(),
    Responses(),
    Embeddings(),
    Moderations(),
    ImageGenerations(),
    Speech(),
    Transcriptions(Endpoint.AUDIO_TRANSCRIPTIONS),
    Transcriptions(Endpoint.AUDIO_TRANSLATIONS),
)
ENDPOINTS: Final[Mapping[str, Form]] = {f"/v1{form.endpoint.path}": form for form in _FORMS}
