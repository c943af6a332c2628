"""The workload of the savings report: the calls of a morning, made from a seed, so that every run has the same.

Questions of a help desk, popular ones more often, in the words of different people; conversations that grow; documents
from which something is extracted, with a long instruction and untidy blanks; embeddings of passages, some of them
twice; and pages that ask for the same summary for everybody who opens them.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.load.semantic_cache.pairs import Kind, Pair, read

_SEED: Final = 20_261_126
_QUESTIONS, _CONVERSATIONS, _TURNS, _EXTRACTIONS, _EMBEDDINGS, _OPENINGS = 160, 10, 8, 60, 60, 40
_DOCUMENTS, _PASSAGES, _PAGES = 48, 40, 5
_WORDS: Final = (
    "invoice",
    "order",
    "customer",
    "delivery",
    "address",
    "contract",
    "account",
    "payment",
    "refund",
    "warehouse",
    "shipment",
    "service",
    "ticket",
    "agent",
    "answer",
    "product",
    "price",
    "discount",
    "quantity",
    "date",
    "reference",
    "region",
    "support",
    "return",
    "policy",
    "notice",
    "term",
    "amount",
    "balance",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: its kind, the path below `/v1`, and its body."""

    kind: str
    path: str
    body: Mapping[str, Any]


def workload() -> Sequence[Asked]:
    """Every call, in the order in which they are made."""
    chance = random.Random(_SEED)  # noqa: S311 - a workload, not a secret
    streams = [
        list(_questions(chance)),
        list(_conversations(chance)),
        list(_extractions(chance)),
        list(_embeddings(chance)),
        list(_openings(chance)),
    ]
    calls: list[Asked] = []
    while streams:  # what depends on each other keeps its order
        stream = chance.choices(streams, weights=[len(left) for left in streams])[0]
        calls.append(stream.pop(0))
        streams = [left for left in streams if left]
    return calls


def _questions(chance: random.Random) -> Iterator[Asked]:
    pairs: list[Pair] = list(read(Kind.PARAPHRASE))
    chance.shuffle(pairs)
    popularity = [1 / rank for rank in range(1, len(pairs) + 1)]
    for _ in range(_QUESTIONS):
        pair = chance.choices(pairs, weights=popularity)[0]
        yield _chat("question", "gpt-4o", [_says("user", chance.choice((pair.first, pair.second)))], temperature=0)


def _conversations(chance: random.Random) -> Iterator[Asked]:
    held: list[list[dict[str, str]]] = [
        [_says("system", "You help customers of a shop. Be brief.")] for _ in range(_CONVERSATIONS)
    ]
    for _ in range(_TURNS):
        for messages in held:
            messages.append(_says("user", _prose(chance, 60)))
            yield _chat("conversation", "gpt-4o", list(messages))
            messages.append(_says("assistant", _prose(chance, 200)))


def _extractions(chance: random.Random) -> Iterator[Asked]:
    instruction = "Extract the fields as JSON.\n\n\n\n" + "\n\n\n".join(f"{word}:   a text   " for word in _WORDS)
    documents = [_prose(chance, 400).replace(". ", ".   \n\n\n\n") for _ in range(_DOCUMENTS)]
    for _ in range(_EXTRACTIONS):
        messages = [_says("system", instruction), _says("user", chance.choice(documents))]
        yield _chat("extraction", "gpt-4o", messages, temperature=0)


def _embeddings(chance: random.Random) -> Iterator[Asked]:
    passages = [_prose(chance, 150) for _ in range(_PASSAGES)]
    for _ in range(_EMBEDDINGS):
        body = {"model": "text-embedding-3-small", "input": chance.choice(passages)}
        yield Asked("embedding", "embeddings", body)


def _openings(chance: random.Random) -> Iterator[Asked]:
    pages = [_prose(chance, 300) for _ in range(_PAGES)]
    for number in range(_OPENINGS):  # several people open a page at the same time
        text = f"Summarize: {pages[number * _PAGES // _OPENINGS]}"
        yield _chat("summary", "gpt-4o-mini", [_says("user", text)])


def _chat(kind: str, model: str, messages: list[dict[str, str]], **fields: Any) -> Asked:
    return Asked(kind, "chat/completions", {"model": model, "messages": messages, **fields})


def _says(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _prose(chance: random.Random, words: int) -> str:
    chosen = [chance.choice(_WORDS) for _ in range(words)]
    return " ".join(f"{word}." if number % 12 == 11 else word for number, word in enumerate(chosen))
