"""LangChain's OpenAI classes: they find the gateway by OPENAI_BASE_URL and OPENAI_API_KEY."""

import json
import os

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import NotFoundError

question = os.environ["QUESTION"]
chat = ChatOpenAI(model="gpt-4o-mini", max_retries=0)

plain = chat.invoke(question)
pieces = list(chat.stream(question, stream_usage=True))
answered = ChatOpenAI(model="gpt-4o-mini", max_retries=0, use_responses_api=True).invoke(question)
# Its own check of lengths would download a tokenizer.
embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False, max_retries=0)
vectors = embeddings.embed_documents([question])
try:
    unknown = str(ChatOpenAI(model="no-such-model", max_retries=0).invoke(question).content)
except NotFoundError as error:
    unknown = str(error.code)

print(
    json.dumps(
        {
            "plain": plain.content,
            "streamed": "".join(str(piece.content) for piece in pieces),
            "tokens": sum(piece.usage_metadata["total_tokens"] for piece in pieces if piece.usage_metadata),
            "answered": answered.text,
            "dimensions": len(vectors[0]),
            "unknown": unknown,
        }
    )
)
