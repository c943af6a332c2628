"""What the functions in the containers talk to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from local.addresses import StoreAddresses, secret_values, template_parameters
from local.aws.moto import MotoServer
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile
from local.aws.template import read_template
from local.messaging_vendors import MessagingAddress
from local.payments import StripeAddress
from local.progress import Progress
from local.sam_local.forwarder import Forwarder
from local.stack import StackSpec
from local.stores.mongodb import mongodb_store
from local.stores.postgres import postgres_store
from local.stores.redis import redis_store
from local.upstream import choose_upstream

_PUBLIC_URL = "http://127.0.0.1:3000"  # `sam local start-api`'s own port


@asynccontextmanager
async def backend(
    template_path: Path, state: Path, forwarder: Forwarder, progress: Progress
) -> AsyncIterator[tuple[StackSpec, Mapping[str, str]]]:
    """Empty stores, the AWS stand-in with the template's resources, and the fake upstream, while it is entered.

    Gives the platform and the template's parameters, with addresses as containers know them. Raises StartError.
    """
    secrets = SecretFile(state / "secrets.json")
    password = secrets.value("OwnerDatabasePasswordSecret")
    stores = (postgres_store(state, password), redis_store(state), mongodb_store(state))
    moto, upstream = MotoServer(state), choose_upstream("fake", state)
    try:
        with progress.step("stores, AWS stand-in (moto), fake upstream"):
            for store in stores:
                await store.reset()
            urls = StoreAddresses(*[await _reachable(forwarder, await store.start()) for store in stores])
            address = await upstream.start()
            address = replace(address, base_url=await _reachable(forwarder, address.base_url))
            moto_url = await moto.start()
            endpoint_url = await _reachable(forwarder, moto_url)
        with progress.step("buses, queues, rules, secrets from template.yaml"):
            template = read_template(template_path)
            parameters = template_parameters(urls, address, StripeAddress(), MessagingAddress(), public_url=_PUBLIC_URL)
            provisioner = Provisioner(
                template,
                parameters,
                endpoint_url=moto_url,
                secret_file=secrets,
                secret_values=secret_values(urls),
            )
            await asyncio.to_thread(provisioner.provision)
            stack = await asyncio.to_thread(PlatformReader(template, provisioner, endpoint_url).read)
        yield stack, parameters
    finally:
        await asyncio.gather(*(server.stop() for server in (*stores, moto, upstream)))


async def _reachable(forwarder: Forwarder, url: str) -> str:
    """A URL as containers must write it; one that names several hosts, or none of this machine's, stays as it is."""
    parts = urlsplit(url)
    user, at, address = parts.netloc.rpartition("@")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "," in address:
        return url
    host, number = await forwarder.reachable(host, int(port))
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}:{number}"))
