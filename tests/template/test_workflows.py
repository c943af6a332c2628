"""The pipeline: who it trusts, what it may do, and in which order."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.transform.documents import ROOT, read_document

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yaml"))
TRUSTS = {  # by environment: nobody but this repository's jobs, in this environment
    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
    "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Stage}"},
}


def loaded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / name).read_text())
    return content


def pipeline() -> dict[str, Any]:
    resources: dict[str, Any] = read_document(ROOT / "infrastructure" / "pipeline.yaml")["Resources"]
    return resources


def statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    properties = resource["Properties"]
    documents = [each["PolicyDocument"] for each in properties.get("Policies", [])]
    for document in [*documents, *([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])]:
        yield from document["Statement"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *GITHUB.glob("actions/*/action.yaml")], ids=lambda path: path.stem)
def test_what_others_made_is_pinned_by_commit_with_its_version_beside_it(path: Any) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line and "uses: $/" not in line:
            assert re.fullmatch(r" *(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_only_jobs_that_deploy_may_ask_for_tokens_and_nothing_may_write() -> None:
    asking = set()
    for path in WORKFLOWS:
        workflow = loaded(path.name)
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for name, job in workflow["jobs"].items():
            permissions = job.get("permissions", {})
            assert {of for of, right in permissions.items() if right == "write"} <= {"id-token"}, name
            asking |= {name} if "id-token" in permissions else set()
    assert asking == {"staging", "prod"}


def test_prod_comes_after_staging_and_staging_after_all_tests() -> None:
    jobs = loaded("deploy.yaml")["jobs"]
    assert (jobs["prod"]["needs"], jobs["staging"]["needs"]) == ("staging", "test")
    assert jobs["test"]["uses"] == "$/.github/workflows/ci.yaml"
    for environment in ("staging", "prod"):
        job = jobs[environment]
        assert job["environment"] == environment
        assert job["concurrency"] == {"group": f"deploy-{environment}", "cancel-in-progress": False}
        assert job["steps"][-1]["with"]["environment"] == environment


def test_what_is_deployed_is_looked_at_from_outside() -> None:
    action = yaml.safe_load((GITHUB / "actions" / "deploy" / "action.yaml").read_text())
    runs = [step["run"].split()[:2] for step in action["runs"]["steps"] if "run" in step]
    assert runs[-2:] == [["make", "deploy"], ["make", "smoke"]]


def test_github_is_trusted_for_one_repository_and_environment() -> None:
    (trust,) = pipeline()["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {"StringEquals": TRUSTS}


def test_both_roles_are_bounded_and_cannot_change_themselves() -> None:
    resources = pipeline()
    for role in ("DeployRole", "ExecutionRole"):
        assert resources[role]["Properties"]["PermissionsBoundary"] == {"Ref": "Boundary"}
        assert "iam:*" not in str(list(statements(resources[role])))
    denied = {each["Sid"]: each for each in statements(resources["Boundary"]) if each["Effect"] == "Deny"}
    assert "iam:PutRolePermissionsBoundary" in denied["BoundariesStay"]["Action"]
    assert {"iam:Put*", "iam:Attach*", "iam:Update*"} <= set(denied["NothingOfItself"]["Action"])
    assert "iam:Pass" not in str(denied)  # CloudFormation is handed its role


def test_any_resource_is_named_only_where_there_is_none() -> None:
    anywhere = {
        each["Sid"]
        for role in ("DeployRole", "ExecutionRole")
        for each in statements(pipeline()[role])
        if each["Resource"] == "*" and "Condition" not in each
    }
    assert anywhere == {"WhatHasNoResources"}
