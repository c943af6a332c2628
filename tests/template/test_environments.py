"""`samconfig.toml`: what each environment hands to the template is something that it can run with."""

import tomllib
from pathlib import Path

import pytest

from local.aws.template import Template, Tree

CONFIG = tomllib.loads((Path(__file__).parents[2] / "samconfig.toml").read_text())
ENVIRONMENTS = ["dev", "staging", "prod"]


def overrides(environment: str) -> dict[str, str]:
    """The parameters of an environment, by name."""
    pairs = CONFIG[environment]["deploy"]["parameters"]["parameter_overrides"].split()
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_a_stage_and_a_stack_of_its_own(environment: str) -> None:
    assert overrides(environment)["Stage"] == environment
    assert CONFIG[environment]["deploy"]["parameters"]["stack_name"] == f"llmo-{environment}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_what_the_template_takes(
    environment: str, template: Template, document: dict[str, Tree]
) -> None:
    assert overrides(environment).keys() <= template.parameters.keys()
    for name, value in overrides(environment).items():
        assert value in document["Parameters"][name].get("AllowedValues", [value]), name


def test_no_environment_verifies_a_database_against_a_ca_that_the_functions_lack(document: dict[str, Tree]) -> None:
    modes = {overrides(environment).get("DatabaseSslMode", "require") for environment in ENVIRONMENTS}
    assert modes == {"require"}
    assert not [mode for mode in document["Parameters"]["DatabaseSslMode"]["AllowedValues"] if "verify" in mode]
