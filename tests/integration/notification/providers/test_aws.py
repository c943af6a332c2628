"""SES and SNS: what they are told beside the message."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from notification.delivery.ports import Failed, Refused
from notification.providers.ses import Ses
from notification.providers.sns import Sns
from tests.fakes.outgoing import mail, sms
from tests.integration.notification.providers.mailers import SENDER


class Client:
    """A client of AWS that notes what it is asked for, and fails as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self._error = error

    def publish(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        if self._error is not None:
            raise self._error
        return {"MessageId": "1"}

    def close(self) -> None:
        """Nothing is open."""

    send_email = publish


@pytest.mark.parametrize(("critical", "kind"), [(True, "Transactional"), (False, "Promotional")])
async def test_what_is_critical_has_priority_over_what_is_not(critical: bool, kind: str) -> None:  # noqa: FBT001 - a parameter of the test
    client = Client()
    sns = Sns(sender="LLMO", client=client)
    await sns.send([sms(critical=critical)])
    await sns.close()
    attributes = client.asked[0]["MessageAttributes"]
    assert attributes["AWS.SNS.SMS.SMSType"]["StringValue"] == kind
    assert attributes["AWS.SNS.SMS.SenderID"]["StringValue"] == "LLMO"


async def test_events_of_ses_say_whose_message_it_was() -> None:
    client, message = Client(), mail()
    ses = Ses(sender=SENDER, configuration_set="llmo", client=client)
    await ses.send([message])
    await ses.close()
    assert client.asked[0]["ConfigurationSetName"] == "llmo"
    tags = {tag["Name"]: tag["Value"] for tag in client.asked[0]["EmailTags"]}
    assert tags == {"message_id": str(message.message_id), "org_id": str(message.org_id), "category": "invoices"}


def refusal(code: str, status: int, message: str = "") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "SendEmail")


@pytest.mark.parametrize(
    ("error", "expected", "ours"),
    [
        (refusal("TooManyRequestsException", 400), Failed, False),
        (refusal("SendingPausedException", 400), Failed, True),
        (refusal("AccessDeniedException", 403), Failed, True),
        (refusal("ExpiredTokenException", 400), Failed, True),
        (refusal("MessageRejected", 400, "Email address is not verified."), Failed, True),
        (refusal("MessageRejected", 400, "Virus"), Refused, False),
        (refusal("BadRequestException", 400), Refused, False),
        (refusal("InternalFailure", 500), Failed, False),
        (NoCredentialsError(), Failed, True),
    ],
)
async def test_what_errors_mean(error: Exception, expected: type, ours: bool) -> None:  # noqa: FBT001 - likewise
    ses = Ses(sender=SENDER, client=Client(error))
    (outcome,) = await ses.send([mail()])
    await ses.close()
    assert type(outcome) is expected
    assert getattr(outcome, "ours", False) is ours
