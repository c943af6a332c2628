"""Writes or checks everything that is generated: `python -m local.generate [--check]`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from local.generate import openapi, prices, requirements

_ROOT = Path(__file__).resolve().parents[2]


def main(*, check: bool) -> int:
    """Write what differs; with `check` only name it and answer 1 when there is any."""
    stale = [(path, text) for path, text in _files() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(_ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        print("run `make generate` and commit the result")
    return 1 if check and stale else 0


def _files() -> Iterator[tuple[Path, str]]:
    for name, text in prices.files():
        yield _ROOT / "functions" / "integration" / "gateway" / "prices" / name, text
    yield from requirements.files(_ROOT)
    yield from openapi.files(_ROOT)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
