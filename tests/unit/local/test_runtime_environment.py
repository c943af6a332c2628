from pathlib import Path

from local.runtime.environment import function_arn, lay_out_code, process_environment
from local.stack import FunctionSpec, StackSpec

STACK = StackSpec(
    stage="dev",
    region="eu-west-1",
    account_id="123456789012",
    aws_endpoint_url="http://127.0.0.1:1",
    functions={},
    routes=(),
)


def function(tmp_path: Path, package: str = "billing") -> FunctionSpec:
    code = tmp_path / "functions" / package
    code.mkdir(parents=True, exist_ok=True)
    return FunctionSpec(
        logical_id="BillingFunction",
        name="BillingFunction",
        code_uri=code,
        handler=f"{package}.api.handler",
        layer_paths=(tmp_path / "layers" / "core", tmp_path / "layers" / "data"),
        environment={"STAGE": "dev", "AWS_ENDPOINT_URL": "http://127.0.0.1:5000"},
        timeout_seconds=30,
        memory_mb=512,
    )


def test_the_task_root_holds_the_functions_package_and_nothing_else(tmp_path: Path) -> None:
    spec = function(tmp_path)
    (spec.code_uri / "api.py").touch()

    root = lay_out_code(spec, tmp_path / "code")

    assert [entry.name for entry in root.iterdir()] == ["billing"]
    assert (root / "billing" / "api.py").exists()
    assert lay_out_code(spec, tmp_path / "code") == root


def test_a_package_that_moved_is_linked_anew(tmp_path: Path) -> None:
    lay_out_code(function(tmp_path, "old"), tmp_path / "code")

    root = lay_out_code(function(tmp_path, "billing"), tmp_path / "code")

    assert [entry.name for entry in root.iterdir()] == ["billing"]


def test_a_process_inherits_path_home_language_and_temporary_folder_only(tmp_path: Path) -> None:
    host = {
        "PATH": "/usr/bin",
        "HOME": "/home/me",
        "LANG": "C.UTF-8",
        "TMPDIR": "/var/scratch",
        "SECRET": "x",
        "AWS_PROFILE": "me",
    }

    environment = process_environment(function(tmp_path), STACK, tmp_path / "task", host)

    assert environment["PATH"].endswith(":/usr/bin")
    assert (environment["HOME"], environment["LANG"], environment["TMPDIR"]) == ("/home/me", "C.UTF-8", host["TMPDIR"])
    assert not environment.keys() & {"SECRET", "AWS_PROFILE"}


def test_the_python_path_is_the_task_root_and_then_the_layers_in_order(tmp_path: Path) -> None:
    environment = process_environment(function(tmp_path), STACK, tmp_path / "task", {})

    assert environment["PYTHONPATH"].split(":") == [
        str(tmp_path / "task"),
        str(tmp_path / "layers" / "core"),
        str(tmp_path / "layers" / "data"),
    ]


def test_lambdas_own_variables_are_set(tmp_path: Path) -> None:
    environment = process_environment(function(tmp_path), STACK, tmp_path / "task", {})

    assert environment["_HANDLER"] == "billing.api.handler"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "BillingFunction"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path / "task")
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"


def test_an_arn_names_region_account_and_function() -> None:
    assert function_arn(STACK, "BillingFunction") == "arn:aws:lambda:eu-west-1:123456789012:function:BillingFunction"
