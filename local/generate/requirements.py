"""Puts the pinned requirements beside the code that SAM packages with them."""

from collections.abc import Iterator
from pathlib import Path

_LAYERS = ("core", "auth", "data", "documents", "messaging")
_HEADER = "# Generated from requirements/ by `make generate`.\n"


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Every layer's and function's requirements.txt, with its text; a function without its own needs is empty."""
    for layer in _LAYERS:
        yield root / "layers" / layer / "requirements.txt", _pinned(root / "requirements" / f"{layer}.txt")
    for function in sorted(path for path in (root / "functions").iterdir() if (path / "__init__.py").exists()):
        source = root / "requirements" / f"function-{function.name}.txt"
        yield function / "requirements.txt", _pinned(source) if source.exists() else _HEADER


def _pinned(source: Path) -> str:
    lines = source.read_text().splitlines(keepends=True)
    return _HEADER + "".join(line for line in lines if not line.startswith("#"))
