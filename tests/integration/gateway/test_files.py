"""Files, with OpenAI's own client: what is uploaded is there, for its own project alone."""

from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import openai
import pytest

from integration.gateway.deferral.objects import S3Contents
from integration.gateway.deferral_errors import FilesUnavailable, NoSuchFile
from llmo_core.ids import new_id
from llmo_data.postgres import DatabaseUnavailable
from tests.integration.gateway.deferring import jsonl, line, upload
from tests.integration.gateway.platform import Platform
from tests.integration.messaging.backbones import aws_client
from tests.integration.organizations import MakeOrg, Org

pytestmark = pytest.mark.usefixtures("files_bucket")
CONTENT = jsonl(line("a"))
MIB: Final = 1024 * 1024


async def test_a_file_is_uploaded_read_listed_and_deleted(platform: Platform, org: Org) -> None:
    client = platform.client(org)

    made = await client.files.create(file=("calls.jsonl", CONTENT), purpose="batch")
    found = await client.files.retrieve(made.id)
    content = await client.files.content(made.id)
    listed = await client.files.list()
    deleted = await client.files.delete(made.id)

    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(CONTENT), "calls.jsonl", "batch")
    assert found == made
    assert content.content == CONTENT
    assert [file.id for file in listed.data] == [made.id]
    assert (deleted.id, deleted.deleted) == (made.id, True)
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        await client.files.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        await client.files.delete(made.id)


async def test_files_are_listed_in_pages_the_newest_first(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    made = [await upload(client, CONTENT, f"{number}.jsonl") for number in range(3)]

    first = await client.files.list(limit=2)
    everything = [file.id async for file in client.files.list(limit=1)]
    forwards = await client.files.list(order="asc", purpose="batch")

    assert ([file.id for file in first.data], first.has_more) == ([made[2], made[1]], True)
    assert everything == made[::-1]
    assert [file.id for file in forwards.data] == made


async def test_files_of_another_organization_are_not_there(platform: Platform, org: Org, make_org: MakeOrg) -> None:
    theirs = await upload(platform.client(await make_org()), CONTENT)
    mine = platform.client(org)

    for ask in (mine.files.retrieve, mine.files.content, mine.files.delete):
        with pytest.raises(openai.NotFoundError):
            await ask(theirs)
    assert (await mine.files.list()).data == []


async def test_files_and_batches_of_another_project_are_not_there(
    platform: Platform, org: Org, make_org: MakeOrg
) -> None:
    mine = platform.client(org)
    file = await upload(mine, CONTENT)
    batch = await mine.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h")
    theirs = platform.client_with((await make_org.another_project(org)).api_key)

    for ask in (theirs.files.retrieve, theirs.files.content, theirs.files.delete):
        with pytest.raises(openai.NotFoundError):
            await ask(file)
    for look in (theirs.batches.retrieve, theirs.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            await look(batch.id)
    with pytest.raises(openai.NotFoundError):
        await theirs.batches.create(input_file_id=file, endpoint="/v1/embeddings", completion_window="24h")
    assert (await theirs.files.list()).data == []
    assert (await theirs.batches.list()).data == []


async def test_a_file_without_its_content_in_the_store_is_not_there(
    platform: Platform, org: Org, files_bucket: Any
) -> None:
    client = platform.client(org)
    made = await upload(client, CONTENT)
    for found in files_bucket.list_objects_v2(Bucket="llmo-test-files", Prefix=f"files/{org.org_id}/")["Contents"]:
        files_bucket.delete_object(Bucket="llmo-test-files", Key=found["Key"])

    with pytest.raises(openai.NotFoundError):
        await client.files.content(made)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"file": CONTENT}, "purpose"),
        ({"file": CONTENT, "purpose": "assistants"}, "purpose"),
        ({"purpose": "batch"}, "file"),
        ({"file": b"", "purpose": "batch"}, "file"),
        ({"file": CONTENT, "purpose": "batch", "expires_after[seconds]": "3600"}, "expires_after"),
    ],
)
async def test_an_upload_that_makes_no_sense_is_refused(
    platform: Platform, org: Org, fields: dict[str, Any], param: str
) -> None:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value, filename="x.jsonl" if name == "file" else None)
    form.add_field("other", "x", filename="o")
    headers = {"authorization": f"Bearer {org.api_key}"}

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{platform.url}/v1/files", data=form, headers=headers) as response,
    ):
        assert (response.status, (await response.json())["error"]["param"]) == (400, param)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=10001", "order=up", "purpose=vision", "limit=²"])
async def test_a_list_that_makes_no_sense_is_refused(platform: Platform, org: Org, query: str) -> None:
    headers = {"authorization": f"Bearer {org.api_key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{platform.url}/v1/files?{query}", headers=headers) as response,
    ):
        assert response.status == 400


@pytest.mark.parametrize("name", ["file-", "file-x", "batch_1", "file-" + "z" * 32, "file-" + "0" * 32, "%00"])
async def test_what_is_no_file_is_not_there(platform: Platform, org: Org, name: str) -> None:
    with pytest.raises(openai.NotFoundError):
        await platform.client(org).files.retrieve(name)


async def test_strangers_and_revoked_keys_get_nothing(platform: Platform, make_org: MakeOrg) -> None:
    revoked = await make_org(revoked_at=platform.clock.now())

    with pytest.raises(openai.AuthenticationError):
        await platform.client(revoked).files.list()
    with pytest.raises(openai.AuthenticationError):
        await platform.client_with("sk-nothing").files.list()


async def test_an_upload_over_six_megabytes_is_refused(platform: Platform, org: Org) -> None:
    with pytest.raises(openai.BadRequestError, match="larger than 6291456 bytes"):
        await upload(platform.client(org), b"x" * 6 * 1024 * 1024)


async def test_without_the_store_contents_are_neither_read_nor_written() -> None:
    down = S3Contents("nowhere", client=lambda: aws_client("s3", "http://127.0.0.1:1"))

    with pytest.raises(FilesUnavailable):
        await down.put(new_id(), new_id(), b"x")
    with pytest.raises(FilesUnavailable):
        await down.get(new_id(), new_id())


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("sizes", [(1,), (3 * MIB,) * 9, (8 * MIB, 8 * MIB), (20 * MIB, 1)])
async def test_a_content_of_any_size_is_kept_as_it_comes(files_bucket: Any, sizes: tuple[int, ...]) -> None:
    contents = S3Contents("llmo-test-files", client=lambda: files_bucket)
    org_id, file_id = new_id(), new_id()
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]

    written = await contents.write(org_id, file_id, _pieces(*pieces))

    assert written == sum(sizes)
    assert await contents.get(org_id, file_id) == b"".join(pieces)


async def test_nothing_is_kept_of_an_empty_content(files_bucket: Any) -> None:
    contents = S3Contents("llmo-test-files", client=lambda: files_bucket)
    org_id, file_id = new_id(), new_id()

    assert await contents.write(org_id, file_id, _pieces()) == 0
    with pytest.raises(NoSuchFile):
        await contents.get(org_id, file_id)


async def test_a_content_that_breaks_off_leaves_no_parts_behind(files_bucket: Any) -> None:
    contents = S3Contents("llmo-test-files", client=lambda: files_bucket)
    org_id, file_id = new_id(), new_id()

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 9 * MIB
        raise DatabaseUnavailable

    with pytest.raises(DatabaseUnavailable):
        await contents.write(org_id, file_id, breaking())
    with pytest.raises(NoSuchFile):
        await contents.get(org_id, file_id)
    assert not files_bucket.list_multipart_uploads(Bucket="llmo-test-files").get("Uploads")
