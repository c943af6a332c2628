"""What a provider's base URL may be."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from integration.management.providers.base_urls import canonical
from integration.management.providers.models import UnusableBaseUrl
from integration.provider_addresses import AddressPolicy
from llmo_core.addresses import is_private, is_public, literal

PUBLIC, PRIVATE = AddressPolicy(private=False), AddressPolicy(private=True)

addresses = st.ip_addresses()
paths = st.lists(st.text("abcXYZ019._~-:@", min_size=1, max_size=10), max_size=4).map(
    lambda segments: "".join(f"/{segment}" for segment in segments)
)


def written(address: IPv4Address | IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com", "https://api.openai.com"),
        ("https://api.openai.com/", "https://api.openai.com"),
        ("HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"),
        ("https://llm.example:8443/a/b.c/~d", "https://llm.example:8443/a/b.c/~d"),
        ("https://my-res.openai.azure.com/openai/v1", "https://my-res.openai.azure.com/openai/v1"),
        ("https://xn--mller-kva.example/v1", "https://xn--mller-kva.example/v1"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://[2606:4700:4700:0::1111]/v1", "https://[2606:4700:4700::1111]/v1"),
    ],
)
def test_a_base_url_is_kept_in_one_way_of_writing_it(given_url: str, kept: str) -> None:
    assert canonical(given_url, PUBLIC) == kept
    assert canonical(kept, PUBLIC) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://api.openai.com/v1",
        "http://api.openai.com/v1",
        "https://user@api.openai.com/v1",
        "https://user:password@api.openai.com/v1",
        "https://api.openai.com/v1?key=1",
        "https://api.openai.com/v1?",
        "https://api.openai.com/v1#x",
        "https://api.openai.com/v1#",
        "https://api.openai.com//v1",
        "https://api.openai.com/v1//",
        "https://api.openai.com/../v1",
        "https://api.openai.com/./v1",
        "https://api.openai.com/%2e%2e/v1",
        "https://api.openai.com\\@evil.example/v1",
        "https://api.openai.com\t/v1",
        "https://api.openai.com/v1\r\nX: y",
        " https://api.openai.com/v1",
        "https://api.openai.com/v1 ",
        "https://api.openai.com:0/v1",
        "https://api.openai.com:65536/v1",
        "https://api.openai.com:/v1",
        "https://api.openai.com:443:443/v1",
        "https://\uff41pi.openai.com/v1",
        "https://api\u3002openai.com/v1",
        "https://.example/v1",
        "https://api..example/v1",
        "https://api.example./v1",
        "https://-api.example/v1",
        f"https://{'a' * 64}.example/v1",
        f"https://{'a.' * 130}example/v1",
        f"https://api.example/{'a' * 500}",
        "https://localhost/v1",
        "https://intranet/v1",
        "https://api.localhost/v1",
        "https://printer.local/v1",
        "https://vllm.internal/v1",
        "https://127.0.0.1/v1",
        "https://127.1/v1",
        "https://0x7f.0.0.1/v1",
        "https://0x7f000001/v1",
        "https://2130706433/v1",
        "https://0177.0.0.1/v1",
        "https://1.2.3/v1",
        "https://a.0x1/v1",
        "https://10.0.0.1/v1",
        "https://100.64.0.1/v1",
        "https://169.254.169.254/latest",
        "https://224.0.0.1/v1",
        "https://255.255.255.255/v1",
        "https://0.0.0.0/v1",
        "https://[::1]/v1",
        "https://[::]/v1",
        "https://[::ffff:127.0.0.1]/v1",
        "https://[::ffff:7f00:1]/v1",
        "https://[64:ff9b::a9fe:a9fe]/v1",
        "https://[2002:7f00:1::1]/v1",
        "https://[fd00:ec2::254]/v1",
        "https://[fe80::1]/v1",
        "https://[fe80::1%25eth0]/v1",
        "https://[ff02::1]/v1",
        "https://[::1/v1",
        "https://::1/v1",
        "https://[]/v1",
        "https://[1]/v1",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(UnusableBaseUrl):
        canonical(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://localhost:8000/v1",
        "http://vllm_server:8000/v1",
        "https://10.1.2.3/v1",
        "http://[::1]:8000/v1",
        "http://[fd12::1]:8000/v1",
        "http://100.64.0.1/v1",
    ],
)
def test_where_private_providers_are_allowed_they_need_no_tls(url: str) -> None:
    assert canonical(url, PRIVATE) == url
    with pytest.raises(UnusableBaseUrl):
        canonical(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/v1",
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.170.2/v2/credentials",
        "http://[fd00:ec2::254]/latest",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:8000/v1",
        "http://[::]:8000/v1",
        "http://224.0.0.1/v1",
        "http://2130706433/v1",
    ],
)
def test_and_some_addresses_are_called_nowhere(url: str) -> None:
    with pytest.raises(UnusableBaseUrl):
        canonical(url, PRIVATE)


@given(addresses, st.sampled_from(["http", "https"]), st.sampled_from([PUBLIC, PRIVATE]))
def test_an_address_is_kept_just_when_it_may_be_called(
    address: IPv4Address | IPv6Address, scheme: str, policy: AddressPolicy
) -> None:
    allowed = policy.allows(address, tls=scheme == "https") and (policy.private or scheme == "https")
    url = f"{scheme}://{written(address)}/v1"
    if not allowed:
        with pytest.raises(UnusableBaseUrl):
            canonical(url, policy)
        return
    host = urlsplit(canonical(url, policy)).hostname
    assert host is not None
    assert ip_address(host) == address


@given(addresses)
def test_no_address_is_both_public_and_private(address: IPv4Address | IPv6Address) -> None:
    assert not (is_public(address) and is_private(address))
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        assert not is_public(address)
        assert not is_private(address)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]\.(example|com|io)", fullmatch=True), paths)
def test_whoever_reads_a_kept_url_finds_the_same_host_and_path(host: str, path: str) -> None:
    try:
        kept = canonical(f"https://{host}{path}", PUBLIC)
    except UnusableBaseUrl:
        assert {".", ".."} & set(path.split("/"))
        return
    assert (urlsplit(kept).netloc, urlsplit(kept).path) == (host, path)
    assert (URL(kept, encoded=True).host, URL(kept, encoded=True).raw_path) == (host, path or "/")


@given(st.text(max_size=60))
def test_no_text_at_all_gets_anywhere_inside(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example/v1", f"https://api.example/{text}"):
        try:
            kept = canonical(url, PUBLIC)
        except UnusableBaseUrl:
            continue
        parts = urlsplit(kept)
        assert (parts.scheme, parts.username, parts.query, parts.fragment) == ("https", None, "", "")
        address = literal(parts.hostname or "")
        assert address is None or is_public(address)
