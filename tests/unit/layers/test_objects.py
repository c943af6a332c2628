"""Links to objects, as S3 takes them of buckets that a key of KMS encrypts."""

from urllib.parse import parse_qs, urlsplit

import pytest

from llmo_data import objects
from llmo_data.objects import Objects


async def test_a_link_is_signed_by_version_4_for_so_long_and_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = objects._s3.__wrapped__()

    link = await Objects("documents", "application/pdf", client=lambda: client).link(
        "invoices/1.pdf", seconds=300, filename="INV-1.pdf"
    )

    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert asked["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert asked["X-Amz-Expires"] == "300"
    assert asked["response-content-disposition"] == 'attachment; filename="INV-1.pdf"'
