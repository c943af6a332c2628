"""all-MiniLM-L6-v2 with numpy alone: six layers of BERT, mean pooling, unit length.

Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.load.semantic_cache.wordpiece import WordPiece

_LAYERS: Final = 6
_HEADS: Final = 12
_MOST_TOKENS: Final = 512
_EPSILON: Final = 1e-12


class MiniLm:
    """Embeds texts.

    Args:
        numpy: The package.
        folder: Where `model.safetensors` and `vocab.txt` are.
    """

    def __init__(self, numpy: Any, folder: Path) -> None:
        self._numpy = numpy
        self._tokenizer = WordPiece(folder / "vocab.txt")
        self._weights = _safetensors(numpy, folder / "model.safetensors")
        self._layers = [self._layer(f"encoder.layer.{number}") for number in range(_LAYERS)]

    def embed(self, texts: Sequence[str]) -> list[Any]:
        """A unit vector for each text."""
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> Any:
        weights = self._weights
        ids = self._tokenizer.encode(text, _MOST_TOKENS)
        states = weights["embeddings.word_embeddings.weight"][ids]
        states = states + weights["embeddings.position_embeddings.weight"][: len(ids)]
        states = states + weights["embeddings.token_type_embeddings.weight"][0]
        states = self._normalized(states, "embeddings.LayerNorm")
        for layer in self._layers:
            states = layer(states)
        mean = states.mean(axis=0)
        return mean / self._numpy.linalg.norm(mean)

    def _layer(self, name: str) -> Callable[[Any], Any]:
        numpy = self._numpy
        query, key, value = (self._dense(f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        joined = self._dense(f"{name}.attention.output.dense")
        wide = self._dense(f"{name}.intermediate.dense")
        narrow = self._dense(f"{name}.output.dense")

        def heads(states: Any) -> Any:
            return states.reshape(len(states), _HEADS, -1).transpose(1, 0, 2)

        def run(states: Any) -> Any:
            queries, keys, values = heads(query(states)), heads(key(states)), heads(value(states))
            scores = queries @ keys.transpose(0, 2, 1) / numpy.float32(queries.shape[-1] ** 0.5)
            scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
            attended = (scores / scores.sum(axis=-1, keepdims=True)) @ values
            attended = attended.transpose(1, 0, 2).reshape(len(states), -1)
            states = self._normalized(states + joined(attended), f"{name}.attention.output.LayerNorm")
            return self._normalized(states + narrow(_gelu(numpy, wide(states))), f"{name}.output.LayerNorm")

        return run

    def _dense(self, name: str) -> Callable[[Any], Any]:
        weight = self._numpy.ascontiguousarray(self._weights[f"{name}.weight"].T)
        bias = self._weights[f"{name}.bias"]
        return lambda states: states @ weight + bias

    def _normalized(self, states: Any, name: str) -> Any:
        centred = states - states.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        scaled = centred / self._numpy.sqrt(variance + self._numpy.float32(_EPSILON))
        return scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(numpy: Any, values: Any) -> Any:
    """With the error function of Abramowitz and Stegun, 7.1.26: its error is below 1.5e-7."""
    scaled = numpy.abs(values) / numpy.float32(2**0.5)
    t = 1 / (1 + numpy.float32(0.3275911) * scaled)
    terms = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
    polynomial = numpy.zeros_like(t)
    for term in terms:
        polynomial = (polynomial + numpy.float32(term)) * t
    error = numpy.sign(values) * (1 - polynomial * numpy.exp(-scaled * scaled))
    return values * (1 + error) / 2


def _safetensors(numpy: Any, path: Path) -> dict[str, Any]:
    """The arrays of a file; see https://github.com/huggingface/safetensors#format."""
    mapped = numpy.memmap(path, dtype=numpy.uint8, mode="r")
    start = 8 + int.from_bytes(bytes(mapped[:8]), "little")
    header = json.loads(bytes(mapped[8:start]))
    return {
        name: mapped[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        .view(numpy.float32)
        .reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }
