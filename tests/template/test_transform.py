"""What `make scan` and `make template-diff` look at is what CloudFormation gets."""

from local.transform.comparing import compare
from local.transform.documents import ROOT, create_only, stack_documents


def test_every_template_is_there_without_loops() -> None:
    stacks = stack_documents(ROOT)
    assert stacks.keys() == {"template", *(path.stem for path in (ROOT / "infrastructure").glob("*.yaml"))}
    for name, resources in stacks.items():
        assert resources, name
        assert not [each for each in resources if each.startswith("Fn::")], name
    assert stacks["observability"]["TracingLogGroup"]["Properties"]["KmsKeyId"]


def test_a_queue_with_another_name_is_made_anew() -> None:
    resources = stack_documents(ROOT)["template"]
    queue = next(name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue")
    properties = {**resources[queue]["Properties"], "QueueName": "another"}
    renamed = {**resources, queue: {**resources[queue], "Properties": properties}}

    (change,) = compare(resources, renamed, create_only(["AWS::SQS::Queue", "Custom::Migration"]))

    assert (change.what, change.logical_id, change.properties) == ("!", queue, ("QueueName",))
