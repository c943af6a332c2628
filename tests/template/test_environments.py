"""`samconfig.toml`: what each environment hands to the template is something that it can run with."""

import tomllib
from pathlib import Path

import pytest
import yaml

from local.aws.template import Template, TemplateLoader, Tree

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
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


def test_no_environment_verifies_a_database_whose_authority_is_not_said(document: dict[str, Tree]) -> None:
    """What verifies is the outputs of the stores' stack: RDS Proxy's certificate is of a public authority."""
    assert {overrides(environment).get("DatabaseSslMode", "require") for environment in ENVIRONMENTS} == {"require"}
    assert "verify-ca" not in document["Parameters"]["DatabaseSslMode"]["AllowedValues"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_stores_of_its_own_that_take_what_they_are_told(environment: str) -> None:
    deploys = CONFIG[f"{environment}-stores"]["deploy"]["parameters"]
    assert (deploys["template_file"], deploys["stack_name"]) == (
        "infrastructure/stores.yaml",
        f"llmo-{environment}-stores",
    )
    stores = yaml.load((ROOT / deploys["template_file"]).read_text(), TemplateLoader)  # noqa: S506 - it is safe
    told = overrides(f"{environment}-stores")
    assert told["Stage"] == environment
    for name, value in told.items():
        assert value in stores["Parameters"][name].get("AllowedValues", [value]), name


def test_prod_outlives_a_zone() -> None:
    told = overrides("prod-stores")
    assert (told["NatGateways"], told["DocumentInstances"], told.get("DatabaseReader", "true")) == ("3", "3", "true")
