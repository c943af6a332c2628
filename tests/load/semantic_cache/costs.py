"""What a model costs: size on disk, time to load, memory, CPU per text. Each is measured in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil

from integration.gateway.canonical import canonical
from integration.gateway.facts import facts
from tests.load.semantic_cache.embedders import MODELS, Model

_SHORT: Final = "How can I change the email address of my account?"
# 500 tokens for WordPiece, a few more or less for the others.
_LONG: Final = "The parcel was sent on Monday and has not come yet, so the customer asks where it is now. " * 24
_ROUNDS: Final = 20
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def measure(model: Model) -> dict[str, Any]:
    """What a model costs, from a fresh process with one thread."""
    command = [sys.executable, "-m", "tests.load.semantic_cache", "--cost-of", model.name]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, **_ONE_THREAD})
    return {"model": model.name, "unzipped_mib": _size(model), **json.loads(ran.stdout)}


def cost_of(name: str) -> dict[str, Any]:
    """What a model costs in this process; it must not have been loaded yet."""
    model = next(model for model in MODELS if model.name == name)
    memory, began = _memory(), time.process_time()
    embedder = model.load()
    embedder.embed([_SHORT])
    loaded = time.process_time() - began
    return {
        "dimensions": model.dimensions,
        "load_cpu_ms": round(loaded * 1000),
        "short_cpu_ms": round(_cpu_ms(embedder.embed, [_SHORT]), 3),
        "long_cpu_ms": round(_cpu_ms(embedder.embed, [_LONG]), 3),
        "memory_mib": round(_memory() - memory),
    }


def spelling() -> dict[str, float]:
    """Microseconds of CPU to read a short message: its canonical form, and its facts."""
    return {
        "canonical_us": round(_cpu_ms(canonical, _SHORT, 2_000) * 1000, 1),
        "facts_us": round(_cpu_ms(facts, _SHORT, 2_000) * 1000, 1),
    }


def _cpu_ms(work: Callable[[Any], object], asked: object, rounds: int = _ROUNDS) -> float:
    began = time.process_time()
    for _ in range(rounds):
        work(asked)
    return (time.process_time() - began) / rounds * 1000


def _memory() -> float:
    return psutil.Process().memory_info().rss / 2**20


def _size(model: Model) -> float:
    folders = [Path(str(spec.origin)).parent for package in model.packages if (spec := find_spec(package))]
    beside = [folder.parent / library for folder in folders for library in model.libraries]
    files = {file for folder in [*folders, *beside] for file in folder.rglob("*") if file.is_file()}
    return round(sum(file.stat().st_size for file in files if file.suffix != ".pyc") / 2**20, 1)
