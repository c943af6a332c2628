"""What `make build` does to the artefacts that SAM made."""

import marshal
from pathlib import Path

import pytest

from local.artefacts import LIMIT_BYTES, compile_folder, finish, report

_HEADER_BYTES = 16
_UNCHECKED_HASH = 0b01

TEMPLATE = """
Resources:
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: Shared}}
  Small:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: Small, Layers: [!Ref Shared, "arn:aws:lambda:eu-west-1:1:layer:theirs:1"]}
"""


def compiled(folder: Path, module: str) -> bytes:
    (path,) = (folder / "__pycache__").glob(f"{module}.*.pyc")
    return path.read_bytes()


def test_byte_code_is_never_checked_against_times_and_names_files_as_deployed(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def answer(): return 42\n")
    compile_folder(tmp_path, "/var/task")
    content = compiled(tmp_path, "module")
    assert int.from_bytes(content[4:8], "little") == _UNCHECKED_HASH
    assert marshal.loads(content[_HEADER_BYTES:]).co_filename == "/var/task/module.py"  # noqa: S302 - just compiled


def test_tests_that_a_dependency_ships_are_not_compiled(tmp_path: Path) -> None:
    (tmp_path / "library" / "tests").mkdir(parents=True)
    (tmp_path / "library" / "tests" / "test_it.py").touch()
    compile_folder(tmp_path, "/opt")
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_module_that_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(RuntimeError, match="does not compile"):
        compile_folder(tmp_path, "/opt")


def test_a_function_counts_with_its_layers_and_lambdas_limit_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for folder in ("Shared", "Small"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data").write_bytes(bytes(1024 * 1024))
    assert finish(tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["Small", "1.0", "1.0", "2.0"]
    with (tmp_path / "Small" / "data").open("r+b") as large:
        large.truncate(LIMIT_BYTES)
    assert finish(tmp_path) == 1
    assert "over" in list(report([("Small", LIMIT_BYTES, 1)]))[1]


def test_an_artefact_that_lacks_what_it_requires_stops_the_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for folder in ("Shared", "Small/service", "Small/Some_Package-1.0.dist-info"):
        (tmp_path / folder).mkdir(parents=True)
    requirements = tmp_path / "Small" / "service" / "requirements.txt"
    requirements.write_text(
        "some-package[extra]==1.0 \\\n    --hash=sha256:aa\nof-windows==2.0 ; sys_platform == 'win32'\n"
    )
    assert finish(tmp_path) == 0
    requirements.write_text(f"{requirements.read_text()}http-ece==1.2.1 \\\n    --hash=sha256:bb\n")
    capsys.readouterr()
    assert finish(tmp_path) == 1
    assert capsys.readouterr().out == "Small lacks http-ece, which its requirements name\n"
