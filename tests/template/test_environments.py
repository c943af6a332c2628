"""`samconfig.toml` and `make deploy`: what each environment hands to the template is something that it can run with."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.aws.template import Template, Tree
from local.deploy import CONFIG, deployment, environments, overrides, pairs, release
from local.transform.documents import ROOT, SAM_PYTHON

ENVIRONMENTS = ["dev", "staging", "prod"]
SETTINGS = tomllib.loads(CONFIG.read_text())
GIVEN = {
    "MailFrom": "ACME <no-reply@example.com>",
    "MessagePrices": '{"ses":"0.0001"}',
    "SubnetIds": "subnet-1,subnet-2",
}


def as_sam_reads(arguments: list[str]) -> dict[str, Any]:
    """The parameters and options of a `sam deploy`, which is not run."""
    script = Path(__file__).with_name("parse_deploy.py")
    command: list[str | Path] = [SAM_PYTHON, "-W", "ignore", script, *arguments[1:]]
    environment = {"SAM_CLI_TELEMETRY": "0", "HOME": str(ROOT / ".aws-sam")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - made here
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_there_are_three() -> None:
    assert environments() == ENVIRONMENTS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_a_stage_and_a_stack_of_its_own(environment: str) -> None:
    settings = SETTINGS[environment]["deploy"]["parameters"]
    assert overrides(environment)["Stage"] == environment
    assert (settings["stack_name"], settings["s3_prefix"]) == (f"llmo-{environment}", f"llmo-{environment}")
    assert settings["language_extensions"] is True  # observability.yaml has loops
    assert settings["confirm_changeset"] is (environment == "prod")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_what_the_template_takes(
    environment: str, template: Template, document: dict[str, Tree]
) -> None:
    assert overrides(environment).keys() <= template.parameters.keys()
    for name, value in overrides(environment).items():
        declared = document["Parameters"][name]
        assert value in [str(allowed) for allowed in declared.get("AllowedValues", [value])], name
        assert not declared.get("NoEcho"), f"{name} is a secret"
        if declared["Type"] == "Number":
            assert float(value) >= declared.get("MinValue", 0), name


def test_what_people_use_changes_little_by_little_behind_a_firewall() -> None:
    for environment in ("staging", "prod"):
        asked = overrides(environment)
        assert (asked["Deployment"].startswith("Canary"), asked["Firewall"]) == (True, "true"), environment
    rates = [int(overrides(environment)["RequestRate"]) for environment in ENVIRONMENTS]
    assert rates == sorted(rates)


def test_no_environment_contracts_unless_a_deployment_says_so() -> None:
    assert {overrides(environment)["Contracts"] for environment in ENVIRONMENTS} == {"false"}
    asked = as_sam_reads(deployment("prod", {"Contracts": "true"}, "r" * 16, unattended=True))
    assert asked["parameter_overrides"]["Contracts"] == "true"


def test_overrides_of_a_command_line_replace_those_of_the_file_which_is_why_both_are_handed_over() -> None:
    alone = as_sam_reads(["deploy", "--config-env", "prod", "--parameter-overrides", "Release=0123456789"])
    both = as_sam_reads(deployment("prod", GIVEN, "0123456789", unattended=True))

    assert alone["parameter_overrides"] == {"Release": "0123456789"}
    assert both["parameter_overrides"] == {**overrides("prod"), **GIVEN, "Release": "0123456789"}
    assert (both["stack_name"], both["confirm_changeset"]) == ("llmo-prod", False)


def test_people_are_asked_before_prod_changes() -> None:
    assert as_sam_reads(deployment("prod", {}, "0123456789", unattended=False))["confirm_changeset"] is True


def test_a_release_is_named_by_its_moment_and_commit_and_two_of_a_commit_differ(document: dict[str, Tree]) -> None:
    first, second = (release(at, "0a1b2c3d4e5f") for at in (1_800_000_000, 1_800_000_256))
    assert first == "6b49d2000a1b2c3d"
    assert first[:10] != second[:10]
    assert re.fullmatch(document["Parameters"]["Release"]["AllowedPattern"], first)


def test_a_parameter_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="Firewall is not NAME=VALUE"):
        pairs(["Firewall"])


def test_no_environment_verifies_a_database_against_a_ca_that_the_functions_lack(document: dict[str, Tree]) -> None:
    modes = {overrides(environment).get("DatabaseSslMode", "require") for environment in ENVIRONMENTS}
    assert modes == {"require"}
    assert not [mode for mode in document["Parameters"]["DatabaseSslMode"]["AllowedValues"] if "verify" in mode]
