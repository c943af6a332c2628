"""The reader of template.yaml and its intrinsic functions."""

from pathlib import Path

import pytest

from local.aws.intrinsics import Resolver, TemplateError
from local.aws.template import Tree, read_template

SAMPLE = """
Parameters:
  Stage: {Type: String}
  Size: {Type: Number, Default: 3}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsSmall: !Not [!Equals [!Ref Size, 9]]
  Both: !And [!Condition IsProd, !Condition IsSmall]
  Either: !Or [!Condition IsProd, !Condition IsSmall]
Mappings:
  Colours: {dev: {name: blue}, prod: {name: green}}
Globals:
  Function: {Timeout: 7}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "q-${Stage}"}
  Other:
    Type: AWS::SNS::Topic
"""


@pytest.fixture
def resolver(tmp_path: Path) -> Resolver:
    (tmp_path / "template.yaml").write_text(SAMPLE)
    template = read_template(tmp_path / "template.yaml")
    return Resolver(template, {"Stage": "dev"}, lambda logical_id, name: f"{logical_id}:{name}")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Size"}, 3),
        ({"Ref": "Queue"}, "Queue:Ref"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue:Arn"),
        ({"Fn::Sub": "${Stage}-${Queue.Arn}-${Queue}-${!Stage}"}, "dev-Queue:Arn-Queue:Ref-${Stage}"),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Size"}}]}, "3-dev"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Stage"}]]}, "a/dev"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::FindInMap": ["Colours", {"Ref": "Stage"}, "name"]}, "blue"),
        ({"Fn::If": ["IsProd", 1, 2]}, 2),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"kept": {"a": [1, {"Ref": "Stage"}]}}, {"kept": {"a": [1, "dev"]}}),
        ({"gone": {"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, "stays": 1}, {"stays": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
    ],
)
def test_an_intrinsic_function_resolves_as_cloudformation_does(resolver: Resolver, value: Tree, resolved: Tree) -> None:
    assert resolver.resolve(value) == resolved


@pytest.mark.parametrize(
    "value",
    [{"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, {"Fn::If": ["Missing", 1, 2]}, {"Fn::FindInMap": ["Colours", "dev", "no"]}],
)
def test_what_cannot_be_resolved_is_an_error_and_never_passed_on(resolver: Resolver, value: Tree) -> None:
    with pytest.raises(TemplateError):
        resolver.resolve(value)


def test_a_parameter_without_a_value_is_named(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(SAMPLE)
    with pytest.raises(TemplateError, match="Stage"):
        Resolver(read_template(tmp_path / "template.yaml"), {}, lambda _, name: name)


def test_short_and_long_forms_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {A: {Type: T, Properties: {x: !GetAtt B.Arn, y: !Sub '${C}', z: !Ref D}}}")
    short = read_template(path).of_type("T")["A"]
    long = {"x": {"Fn::GetAtt": ["B", "Arn"]}, "y": {"Fn::Sub": "${C}"}, "z": {"Ref": "D"}}
    assert short == long
