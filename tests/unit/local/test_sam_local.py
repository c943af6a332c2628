"""What `make sam-local` decides without any container."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from local.aws.template import read_template
from local.sam_local.samples import Sample, difference, samples
from local.sam_local.template import write_local_template
from local.stack import StackSpec

ROOT = Path(__file__).resolve().parents[3]
KEY = "llmo_0DemoOrg01_0123456789ABCDEFGHIJabcdefghij39lrAC"


def test_every_function_has_a_sample_and_every_sample_says_what_is_expected() -> None:
    found = list(samples(ROOT / "events"))
    assert {sample.function for sample in found} == read_template(ROOT / "template.yaml").of_type(
        "AWS::Serverless::Function"
    ).keys()
    assert [sample.name for sample in found if sample.expected is None] == []
    expected = json.loads((ROOT / "events" / "expected.json").read_text())
    assert expected.keys() == {sample.name for sample in found}


def test_a_sample_is_sent_as_the_account_that_runs_it() -> None:
    sample = Sample("F/x.json", f'{{"key": "{KEY}"}}', None)
    account = {"api_key": "mine", "org_id": "o", "project_id": "p", "key_id": "k"}
    assert sample.of(account) == '{"key": "mine"}'


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ({"statusCode": 200}, {"statusCode": 200, "body": "x"}, True),
        ({"statusCode": 200}, {"statusCode": 404}, False),
        ({"statusCode": 200}, {}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ({}, {"errorMessage": "m", "errorType": "T"}, False),
        ({"errorMessage": "m"}, {"errorMessage": "m", "errorType": "T"}, True),
        ({"errorMessage": "m"}, {"statusCode": 200}, False),
    ],
)
def test_an_answer_is_right_when_it_says_what_is_expected_and_no_error(
    expected: dict[str, object], answer: dict[str, object], right: object
) -> None:
    assert (difference(expected, answer) is None) is right


def test_a_function_error_is_wrong_unless_it_is_expected() -> None:
    failure = {"errorMessage": "no", "errorType": "Broken"}
    assert Sample("F/x.json", "{}", None).verdict(failure) == "Broken: no"
    assert Sample("F/x.json", "{}", None).verdict({"fine": True}) is None


def test_sam_is_asked_to_look_for_what_it_finds_in_a_request(tmp_path: Path) -> None:
    """It looks up `identity.sourceIp` as one name, finds none, and answers 401 before it asks the authorizer."""
    shutil.copy(ROOT / "template.yaml", tmp_path)
    nothing = StackSpec("local", "eu-west-1", "123456789012", "http://127.0.0.1:1", functions={}, routes=())
    written = yaml.safe_load(write_local_template(tmp_path, nothing, {}).read_text())
    (authorizer,) = written["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"].values()
    assert authorizer["Identity"].keys() == {"Headers", "ReauthorizeEvery"}
