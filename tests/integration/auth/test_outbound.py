"""Calls to identity providers over real HTTP."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from auth.federation.outbound import LARGEST_ANSWER_BYTES, PublicOnly, Refused
from llmo_core.addresses import Address
from tests.fakes.serving import serving


async def loopback(_: str, __: int) -> Sequence[Address]:
    """The one look at a name's addresses, at the first of which nobody listens."""
    return [ipaddress.ip_address("127.0.0.66"), ipaddress.ip_address("127.0.0.1")]


async def post(url: str) -> httpx2.Response:
    transport = PublicOnly(loopback=True, resolve=loopback)
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        return await client.post(url)


async def test_the_address_that_was_looked_at_is_called_under_the_name_of_its_host() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"host": request.host, "packed": request.headers["accept-encoding"]})

    async with serving(answer) as url:
        port = url.rpartition(":")[2]
        answered = (await post(f"http://issuer.test:{port}/")).json()
    assert answered == {"host": f"issuer.test:{port}", "packed": "identity"}


@pytest.mark.parametrize(("size", "taken"), [(LARGEST_ANSWER_BYTES, True), (LARGEST_ANSWER_BYTES + 1, False)])
async def test_an_answer_is_of_one_megabyte_at_most(size: int, *, taken: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * size)

    async with serving(answer) as url:
        if taken:
            assert len((await post(url)).content) == size
            return
        with pytest.raises(Refused, match="large"):
            await post(url)


async def test_a_packed_answer_is_refused_whatever_is_in_it() -> None:
    async def answer(_: web.Request) -> web.Response:
        packed = web.Response(body=b"x" * 1000)
        packed.enable_compression(web.ContentCoding.gzip, strategy=0)
        return packed

    async with serving(answer) as url:
        with pytest.raises(Refused, match="packed"):
            await post(url)


def certified(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a certificate for a name, and a client's that trusts it and no other."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(minutes=10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = folder / f"{name}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_a_certificate_is_looked_at_for_each_name_although_both_are_at_one_address(tmp_path: Path) -> None:
    server, client = certified("issuer.example", tmp_path)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    await site.start()
    port = runner.addresses[0][1]
    transport = PublicOnly(loopback=True, resolve=loopback, tls=client)
    async with httpx2.AsyncClient(transport=transport) as http:
        assert (await http.get(f"https://issuer.example:{port}/")).status_code == 200
        with pytest.raises(httpx2.ConnectError, match="not valid for"):
            await http.get(f"https://other.example:{port}/")
    await runner.cleanup()
