"""Finishes what `sam build` made: `python -m local.artefacts .aws-sam/build` compiles it and tells its sizes."""

import compileall
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from local.aws.template import Template, Tree, read_template

LIMIT_BYTES = 250 * 1024 * 1024
"""Of a function and its layers, unzipped: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_MEBIBYTE = 1024 * 1024
_REQUIRED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==[^ ;]+ *(;?)", re.MULTILINE)
_NEVER_IMPORTED = re.compile(r"/(tests?|testing)/")


def finish(build: Path) -> int:
    """Compile every artefact and print each function's size; 1 when one is larger than Lambda takes."""
    template = read_template(build / "template.yaml")
    for folder, package in lacking(template):
        print(f"{folder} lacks {package}, which its requirements name")
        return 1
    functions = template.of_type("AWS::Serverless::Function")
    layers = template.of_type("AWS::Serverless::LayerVersion")
    for path in {_folder(template, properties, "CodeUri") for properties in functions.values()}:
        compile_folder(path, "/var/task")
    for properties in layers.values():
        compile_folder(_folder(template, properties, "ContentUri"), "/opt")
    sizes = {name: folder_bytes(_folder(template, properties, "ContentUri")) for name, properties in layers.items()}
    rows = [
        (name, folder_bytes(_folder(template, properties, "CodeUri")), sum(sizes[layer] for layer in _own(properties)))
        for name, properties in functions.items()
    ]
    print("\n".join(report(rows)))
    return 1 if any(own + shared > LIMIT_BYTES for _, own, shared in rows) else 0


def lacking(template: Template) -> Iterator[tuple[str, str]]:
    """Artefacts without a package that their requirements name: a build that went on after one that failed has such."""
    for properties in template.of_type("AWS::Serverless::Function").values():
        folder = _folder(template, properties, "CodeUri")
        for requirements in folder.glob("*/requirements.txt"):
            for name, marker in _REQUIRED.findall(requirements.read_text()):
                found = folder.glob(f"{re.sub('[-_.]+', '?', name)}-*.dist-info", case_sensitive=False)
                if not marker and not any(found):
                    yield folder.name, name


def compile_folder(folder: Path, deployed: str) -> None:
    """Compile every module of a folder that Lambda unpacks at `deployed`, where tracebacks then say it is.

    Lambda cannot write byte-code, and a zip does not keep the times by which Python judges it: it is marked as never to
    be checked. Raises RuntimeError when a module does not compile.
    """
    compiled = compileall.compile_dir(
        folder,
        maxlevels=20,
        force=True,
        quiet=1,
        rx=_NEVER_IMPORTED,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        stripdir=str(folder),
        prependdir=deployed,
    )
    if not compiled:
        raise RuntimeError(f"{folder} holds a module that does not compile")


def folder_bytes(folder: Path) -> int:
    """What the files of a folder weigh together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def report(rows: list[tuple[str, int, int]]) -> Iterator[str]:
    """Lines for (function, bytes of its own, bytes of its layers)."""
    yield f"{'unzipped MiB':<28}{'own':>8}{'layers':>8}{'total':>8}"
    for name, own, shared in rows:
        verdict = "  over Lambda's 250 MiB" if own + shared > LIMIT_BYTES else ""
        figures = "".join(f"{size / _MEBIBYTE:>8.1f}" for size in (own, shared, own + shared))
        yield f"{name:<28}{figures}{verdict}"


def _folder(template: Template, properties: Tree, key: str) -> Path:
    folder: Path = template.folder / properties[key]
    return folder.resolve()


def _own(properties: Tree) -> list[str]:
    """The layers that are built here; one that is named by its ARN is a few megabytes of somebody else's."""
    return [layer["Ref"] for layer in properties.get("Layers", []) if isinstance(layer, dict) and "Ref" in layer]


if __name__ == "__main__":
    sys.exit(finish(Path(sys.argv[1])))
