"""Findings are explained one by one, and explanations go when they are needed no longer."""

from local.scan import Explanation, Finding, explanations, unexplained

LOGS = Finding("CKV_AWS_18", "AWS::S3::Bucket.FilesBucket", "has access logs")
CACHE = Finding("CKV_AWS_120", "AWS::ApiGateway::Stage.ApiStage", "has a cache")
OF_BUCKETS = Explanation("CKV_AWS_18", ("AWS::S3::Bucket.*",), "because")


def test_what_is_explained_is_in_order() -> None:
    assert list(unexplained([LOGS], [OF_BUCKETS])) == []


def test_a_finding_of_another_check_or_resource_is_not_explained() -> None:
    elsewhere = Finding("CKV_AWS_18", "AWS::S3::AccessPoint.Files", "has access logs")
    assert list(unexplained([LOGS, CACHE, elsewhere], [OF_BUCKETS])) == [
        "CKV_AWS_120 AWS::ApiGateway::Stage.ApiStage: has a cache",
        "CKV_AWS_18 AWS::S3::AccessPoint.Files: has access logs",
    ]


def test_an_explanation_of_nothing_is_told() -> None:
    twice = Explanation("CKV_AWS_18", ("AWS::S3::Bucket.*", "AWS::S3::Bucket.Gone"), "because")
    assert list(unexplained([LOGS], [twice])) == [
        "CKV_AWS_18 AWS::S3::Bucket.Gone: explained, and not found (any longer)"
    ]


def test_every_explanation_of_the_file_has_a_reason() -> None:
    assert all(len(each.reason) > 40 for each in explanations())
