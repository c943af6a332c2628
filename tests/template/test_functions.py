"""Every function starts on Lambda: its code is there, with exactly the layers that it imports."""

import ast
import asyncio
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import pytest_asyncio

from local.aws.template import Template, read_template
from local.runtime.environment import lay_out_code, process_environment
from local.stack import FunctionSpec, StackSpec

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(read_template(ROOT / "template.yaml").of_type("AWS::Serverless::Function"))
LAYERS = {
    "llmo_core": "CoreLayer",
    "llmo_auth": "AuthLayer",
    "llmo_data": "DataLayer",
    "llmo_messaging": "MessagingLayer",
}
_IMPORT = """
import importlib, sys
module, _, name = sys.argv[1].rpartition(".")
target = getattr(importlib.import_module(module), name)
sys.exit(0 if callable(target) else f"{sys.argv[1]} is not callable")
"""


def _target(spec: FunctionSpec) -> str:
    """`module.name` of what answers: the handler, or the ASGI app that the start script names."""
    if not spec.web_adapter:
        return spec.handler
    script = (spec.code_uri.parent / spec.handler).read_text()
    found = re.search(r"uvicorn (\S+):(\w+)", script)
    assert found, f"{spec.handler} starts no ASGI app"
    return f"{found[1]}.{found[2]}"


@pytest_asyncio.fixture(scope="session")
async def imports(stack: StackSpec, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What went wrong when each function was imported as on Lambda; empty text when nothing did."""
    code = tmp_path_factory.mktemp("code")
    slots = asyncio.Semaphore(os.cpu_count() or 2)

    async def start(spec: FunctionSpec) -> str:
        task_root = lay_out_code(spec, code)
        async with slots:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _IMPORT, _target(spec)),
                cwd=task_root,
                env=process_environment(spec, stack, task_root),
                stderr=asyncio.subprocess.PIPE,
            )
            _, errors = await process.communicate()
        return errors.decode() if process.returncode else ""

    failures = await asyncio.gather(*(start(spec) for spec in stack.functions.values()))
    return dict(zip(stack.functions, failures, strict=True))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_with_its_own_layers_alone(imports: dict[str, str], function: str) -> None:
    assert imports[function] == ""


def test_a_start_script_can_be_executed(stack: StackSpec) -> None:
    web = [spec for spec in stack.functions.values() if spec.web_adapter]
    assert web
    for spec in web:
        assert os.access(spec.code_uri.parent / spec.handler, os.X_OK), spec.handler


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_layers_that_it_imports_and_no_more(
    stack: StackSpec, template: Template, function: str
) -> None:
    spec = stack.functions[function]
    entry = _target(spec).rpartition(".")[0]
    reached = {module.partition(".")[0] for module in _reached(entry)}
    attached = {
        layer["Ref"]
        for layer in template.of_type("AWS::Serverless::Function")[function]["Layers"]
        if layer.get("Ref") in LAYERS.values()
    }
    assert attached == _needed(reached, spec.code_uri)


def test_no_function_folder_is_named_like_a_dependency() -> None:
    """SAM would drop the dependency from the artefact."""
    pinned = {name.replace("-", "_") for name in _pinned(ROOT / "requirements" / "dev.txt")}
    assert not pinned & {path.name for path in (ROOT / "functions").iterdir()}


def _needed(packages: set[str], code: Path) -> set[str]:
    """The layers that hold our packages, or a library that nothing else brings."""
    layers = {package for package in LAYERS if package in packages}
    brought = _pinned(code / "requirements.txt").union(*(_pinned_in(package) for package in layers))
    distributions = packages_distributions()
    for library in packages & distributions.keys():
        names = {_normal(name) for name in distributions[library]}
        if not names & brought:
            layers |= {package for package in LAYERS if names & _pinned_in(package)}
    return {LAYERS[package] for package in layers}


def _pinned_in(package: str) -> set[str]:
    return _pinned(ROOT / "layers" / package.removeprefix("llmo_") / "requirements.txt")


def _pinned(requirements: Path) -> set[str]:
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)", requirements.read_text(), re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _reached(entry: str) -> set[str]:
    """Every module that a module imports, also later and inside functions; libraries are not looked into."""
    seen: set[str] = set()
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            path = _source(module)
            waiting.extend(_imports(path) if path else ())
    return seen


def _source(module: str) -> Path | None:
    layers = ROOT / "layers"
    for root in (ROOT / "functions", layers / "core", layers / "auth", layers / "data", layers / "messaging"):
        path = root.joinpath(*module.split("."))
        if path.with_suffix(".py").exists():
            return path.with_suffix(".py")
        if (path / "__init__.py").exists():
            return path / "__init__.py"
    return None


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
