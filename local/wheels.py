"""Gets ready what `sam build` cannot fetch: `python -m local.wheels PYTHON FOLDER` (PYTHON: one with pip).

`sam build` asks pip for what the requirements of a function name, first for this machine, then for the architecture
that is built for. It fails on two kinds of packages, whose wheels are put into FOLDER for pip to find there:

- OVERLOOKED: wheels for glibc 2.24, which run on Lambda. SAM asks for those for 2.17, 2.28 and 2.34 by name only.
- FROM_SOURCE: packages without wheels. SAM makes these from an archive whose hash it does not hand on.

FOLDER/constraints.txt has the hashes of all packages: SAM asks for wheels without them.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

OVERLOOKED: Final = ("arro3-core", "arro3-io", "css-inline")
FROM_SOURCE: Final = ("http-ece",)

_ROOT = Path(__file__).parents[1]
_EXTRAS = re.compile(r"^([A-Za-z0-9._-]+)\[[^]]*\]", re.MULTILINE)


def prepare(python: Path, folder: Path) -> None:
    """Fill the folder. Raises subprocess.CalledProcessError where pip fails, or a hash is another one."""
    requirements = (_ROOT / "requirements" / "dev.txt").read_text()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    pip = [str(python), "-m", "pip", "--quiet"]
    platform = ["--only-binary=:all:", "--python-version", "3.13", "--platform", "manylinux_2_24_aarch64"]
    _pip([*pip, "download", *platform], requirements, OVERLOOKED, folder)
    for wheel in folder.glob("*_2_24_aarch64.whl"):
        wheel.rename(wheel.with_name(wheel.name.replace("_2_24_", "_2_28_")))
    before = set(folder.glob("*.whl"))
    _pip([*pip, "wheel"], requirements, FROM_SOURCE, folder)
    made = {_package(wheel): wheel for wheel in set(folder.glob("*.whl")) - before}
    hashes = {package: hashlib.sha256(made[package].read_bytes()).hexdigest() for package in FROM_SOURCE}
    (folder / "constraints.txt").write_text(constraints(requirements, hashes))


def constraints(requirements: str, hashes: dict[str, str]) -> str:
    """Hashed requirements as constraints, which take no extras, with these packages' wheels beside their archives."""
    text = _EXTRAS.sub(r"\1", requirements)
    for package, digest in hashes.items():
        text = re.sub(
            rf"^({re.escape(package)}==\S+ \\\n)", rf"\g<1>    --hash=sha256:{digest} \\\n", text, flags=re.MULTILINE
        )
    return text


def pinned(requirements: str, package: str) -> str:
    """The lines of one package, with its hashes. Raises LookupError."""
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", requirements, re.MULTILINE)
    if found is None:
        raise LookupError(f"{package} is not among the requirements")
    return found[0]


def _pip(command: list[str], requirements: str, packages: tuple[str, ...], folder: Path) -> None:
    lines = folder / "requirements.txt"
    lines.write_text("".join(pinned(requirements, package) for package in packages))
    into = ["--wheel-dir" if "wheel" in command else "--dest", str(folder)]
    subprocess.run([*command, "--no-deps", "--require-hashes", *into, "-r", str(lines)], check=True)
    lines.unlink()


def _package(wheel: Path) -> str:
    return wheel.name.partition("-")[0].replace("_", "-")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
