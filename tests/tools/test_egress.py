"""The way out leads to the public internet and to what is allowed by name, never inside, and never too far."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import zlib
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.tools import ToolError
from agentops.tools.addresses import is_public
from agentops.tools.egress import Egress, Fetched, origin_of
from tests.conftest import NetworkReached
from tests.tools.origins import Names, response, site


async def refusal(way_out: Egress, url: str) -> str:
    with pytest.raises(ToolError) as caught:
        await way_out.get(url)
    return str(caught.value)


def allowing(*origins: str, **options: Any) -> Egress:
    return Egress(allow=frozenset(origins), **options)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:80b::200e"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::1.1.1.1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1",
        "2606:4700::1111%1",
    ],
)  # fmt: skip
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


INSIDE = [ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")]


@given(st.sampled_from(INSIDE), st.data())
def test_no_private_address_is_public_in_any_dress(network: Any, data: st.DataObject) -> None:
    inside = IPv4Address(data.draw(st.integers(int(network[0]), int(network[-1]))))
    dresses = [inside, *(ip_address((prefix << 32) | int(inside)) for prefix in (0xFFFF, 0, 0x64FF9B << 64))]
    dresses.append(ip_address((0x2002 << 112) | (int(inside) << 80)))
    assert not any(is_public(str(address)) for address in dresses)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://127.1:{}/", "http://2130706433:{}/",
     "http://0x7f000001:{}/", "http://[::ffff:127.0.0.1]:{}/", "http://0.0.0.0:{}/"],
)  # fmt: skip
async def test_a_server_inside_is_not_reached_by_any_spelling(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Numbers(Names):
        async def resolve(self, host: str, *rest: Any, **more: Any) -> Any:
            return await Names(**{host.replace(".", "_"): ["127.0.0.1"]}).resolve(host, *rest, **more)

    async with site(index=response(b"secret")) as inside:
        message = await refusal(Egress(resolver=Numbers), url.format(inside.port))
        assert "private address" in message or "cannot be fetched" in message or "no address" in message
        assert inside.asked == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "//example.com", "example.com", "",
     "http://", "https:///x", "http://exa mple.com/", "http://example.com\n/", "http://[::1", "http://a:99999/",
     "http://a:0/", "javascript:alert(1)", "data:text/plain,x", "http://\u202eexample.com/", "http://" + "a" * 3000],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert "no address of a web page" in await refusal(Egress(), url)


async def test_credentials_in_an_address_are_refused() -> None:
    assert "name or password" in await refusal(Egress(), "https://user:pw@example.com/")
    assert "name or password" in await refusal(Egress(), "https://user@example.com/")


async def test_an_allowed_origin_is_fetched_plainly() -> None:
    async with site(index=response(b"hi", Set_Cookie="a=b"), other=response(b"again")) as allowed:
        way_out = allowing(allowed.origin)
        fetched = await way_out.get(f"{allowed.origin}/")
        assert fetched == Fetched(f"{allowed.origin}/", 200, "text/plain", "", b"hi", False)
        await way_out.get(f"{allowed.origin}/other")
        request = allowed.asked[1].lower()
        assert request.startswith("get /other http/1.1")
        assert f"host: 127.0.0.1:{allowed.port}" in request
        assert "cookie" not in request and "authorization" not in request and "referer" not in request


async def test_an_origin_is_allowed_exactly() -> None:
    async with site(index=response()) as allowed, site(index=response()) as neighbour:
        way_out = allowing(allowed.origin)
        assert "private address" in await refusal(way_out, f"{neighbour.origin}/")
        assert "private address" in await refusal(way_out, f"http://localhost:{allowed.port}/")
        assert "private address" in await refusal(way_out, f"https://127.0.0.1:{allowed.port}/")
        assert allowed.asked == neighbour.asked == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(index=response(b"direct")) as allowed, site(index=response(b"proxied")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        assert (await allowing(allowed.origin).get(allowed.origin)).body == b"direct"


async def test_a_name_that_leads_inside_is_refused() -> None:
    async with site(index=response()) as inside:
        way_out = Egress(resolver=lambda: Names(evil_test=["127.0.0.1"]))
        assert "private address" in await refusal(way_out, f"http://evil.test:{inside.port}/")
        assert inside.asked == []


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """A name that is public at the first look and private at the second: there is no second look."""
    names = Names(rebind_test=["93.184.216.34", "127.0.0.1"])
    async with site(index=response(b"secret")) as inside:
        with pytest.raises(NetworkReached, match=r"93\.184\.216\.34"):
            await Egress(resolver=lambda: names).get(f"http://rebind.test:{inside.port}/")
        assert names.asked == ["rebind.test"]
        assert inside.asked == []


async def test_redirects_are_followed_within_what_is_allowed() -> None:
    async with site(end=response(b"there")) as last:
        moved = response(status="301 Moved", Location=f"{last.origin}/end")
        async with site(index=response(status="302 Found", Location="/next"), next=moved) as first:
            fetched = await allowing(first.origin, last.origin).get(first.origin)
            assert (fetched.body, fetched.url) == (b"there", f"{last.origin}/end")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "private address"),
        ("http://[::1]/", "private address"),
        ("file:///etc/passwd", "no address of a web page"),
        ("http://user:pw@example.com/", "name or password"),
        ("//10.0.0.1/x", "private address"),
        ("http://[", "redirects elsewhere"),
    ],
)
async def test_a_redirect_cannot_lead_elsewhere(target: str, reason: str) -> None:
    async with site(index=response(status="302 Found", Location=target)) as first:
        assert reason in await refusal(allowing(first.origin), first.origin)


async def test_redirects_end() -> None:
    async with site(index=response(status="307 Temporary Redirect", Location="/")) as loop:
        assert "more than 5 redirects" in await refusal(allowing(loop.origin), loop.origin)
        assert len(loop.asked) == 6


async def test_this_installation_is_never_fetched_even_when_allowed() -> None:
    async with site(index=response(b"console")) as own:
        way_out = Egress(
            allow=frozenset({own.origin}), own_port=own.port, own_hosts=frozenset({"127.0.0.1", ".ops.example"})
        )
        assert "this installation itself" in await refusal(way_out, own.origin)
        for url in ("https://ops.example/", "https://a.ops.example/", f"http://ops.example:{own.port}/"):
            assert "this installation itself" in await refusal(way_out, url)
        named = replace(
            way_out,
            allow=frozenset({f"http://alias.test:{own.port}"}),
            resolver=lambda: Names(alias_test=["127.0.0.1"]),
        )
        assert "this installation itself" in await refusal(named, f"http://alias.test:{own.port}/")
        assert own.asked == []


async def test_a_large_body_is_cut() -> None:
    async with site(index=response(b"x" * 5000)) as big:
        fetched = await allowing(big.origin, max_bytes=1000).get(big.origin)
        assert (len(fetched.body), fetched.truncated) == (1000, True)


async def test_a_body_without_end_is_cut() -> None:
    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async with site(index=flood) as endless:
        fetched = await allowing(endless.origin, max_bytes=100_000).get(endless.origin)
        assert (len(fetched.body), fetched.truncated) == (100_000, True)


async def test_packed_content_is_unpacked_within_bounds() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    async with site(
        index=response(gzip.compress("Zoë".encode()), Content_Encoding="gzip"),
        bomb=response(bomb, Content_Encoding="gzip"),
        broken=response(b"not gzip at all", Content_Encoding="gzip"),
        other=response(zlib.compress(b"x"), Content_Encoding="br"),
    ) as packed:
        way_out = allowing(packed.origin, max_bytes=20_000)
        assert (await way_out.get(packed.origin)).body == "Zoë".encode()
        fetched = await way_out.get(f"{packed.origin}/bomb")
        assert (len(fetched.body), fetched.truncated) == (20_000, True)
        assert "packed in a way" in await refusal(way_out, f"{packed.origin}/broken")
        assert "packed in a way" in await refusal(way_out, f"{packed.origin}/other")


async def test_a_server_that_dawdles_is_left() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx")
        await writer.drain()
        await reader.read()

    async with site(index=hang) as slow:
        assert "did not answer within" in await refusal(allowing(slow.origin, timeout=0.1), slow.origin)


@pytest.mark.parametrize("kind", ["application/pdf", "image/png", "application/octet-stream", "text"])
async def test_only_text_is_read(kind: str) -> None:
    async with site(index=response(Content_Type=kind)) as binary:
        assert "only text can be read" in await refusal(allowing(binary.origin), binary.origin)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000])
async def test_what_is_no_proper_answer_is_said_to_be_none(answer: bytes) -> None:
    async with site(index=answer) as odd:
        assert "cannot be fetched" in await refusal(allowing(odd.origin), odd.origin)


async def test_nothing_there_is_said_plainly() -> None:
    async with site(index=response()) as gone:
        origin = gone.origin
    message = await refusal(allowing(origin), origin)
    assert "nothing answers there" in message


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1", "-days", "1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed: ssl.SSLContext) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=self_signed)
    origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        assert "certificate" in await refusal(allowing(origin), origin)
    finally:
        server.close()


def test_origins_are_compared_in_one_spelling() -> None:
    assert origin_of("http://Example.COM:80/path") == "http://example.com"
    assert origin_of("http://127.0.0.1:8001") == "http://127.0.0.1:8001"
