"""The one guarded way out: only to public addresses, checked on the very socket that connects, and never too much."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from .addresses import is_public, plain
from .errors import ToolError
from .escape import shorten, visible

MAX_REDIRECTS = 5
MAX_URL = 2_000
READABLE = ("text/", "application/json", "application/xml", "application/xhtml+xml")
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "AgentOps", "Accept": "text/html, text/*, application/json;q=0.9", "Accept-Encoding": "gzip"}
_PACKED = "the answer is packed in a way that cannot be read."
_HINT = "Only public addresses can be fetched. Do not try to get round this; use another source."


@dataclass(frozen=True, slots=True)
class Fetched:
    url: str
    """Where the content came from in the end."""
    status: int
    content_type: str
    charset: str
    """As the server says; "" when it does not."""
    body: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be reached from here, and how much of it.

    `allow`: origins (`http://127.0.0.1:8001`) that may be fetched although their address is private. `own_hosts` and
    `own_port` are this installation itself, which is refused even where it is allowed or public.
    """

    allow: frozenset[str] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    own_port: int = 0
    max_bytes: int = 2 * 1024 * 1024
    """Of the content, unpacked; the rest is cut off."""
    timeout: float = 20.0
    """Seconds for everything: names, connections, redirects, content."""
    resolver: Callable[[], AbstractResolver] = field(default=aiohttp.ThreadedResolver)

    async def get(self, url: str) -> Fetched:
        """Raises ToolError, which tells the model why not."""
        try:
            async with asyncio.timeout(self.timeout):
                return await self._follow(self._checked(url))
        except TimeoutError:
            raise ToolError(f"{_named(url)} did not answer within {self.timeout:g} s.", "Try another source.") from None

    async def _follow(self, url: URL) -> Fetched:
        for _hop in range(MAX_REDIRECTS + 1):
            answer = await self._ask(url)
            if isinstance(answer, Fetched):
                return answer
            try:
                url = self._checked(str(url.join(URL(answer))))
            except (ValueError, ToolError) as error:
                # The address is the other side's words.
                raise ToolError(f"The page redirects elsewhere. {error}", _HINT, untrusted_source=str(url)) from None
        raise ToolError(f"{_named(str(url))}: more than {MAX_REDIRECTS} redirects.", "Use another source.")

    def _checked(self, text: str) -> URL:
        try:
            url = URL(text) if len(text) <= MAX_URL and text.isprintable() and " " not in text else URL()
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.raw_host or not url.port:
            raise ToolError(f"{_named(text)} is no address of a web page.", "Give one that starts with https://.")
        if url.raw_user is not None or url.raw_password is not None:
            raise ToolError("An address with a name or password in it is not fetched.", "Leave them out.")
        host = url.raw_host.rstrip(".").lower()
        own = url.port in {self.own_port, 80, 443} and any(_is_host(host, name) for name in self.own_hosts)
        if own and (url.port == self.own_port or str(url.origin()) not in self.allow):
            raise ToolError(f"{_named(text)} is this installation itself, which agents do not call.", _HINT)
        return url

    async def _ask(self, url: URL) -> Fetched | str:
        """What is there, or where it has moved to."""
        connector = aiohttp.TCPConnector(
            resolver=self.resolver(), socket_factory=self._guard(url), use_dns_cache=False, force_close=True
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as session,
                session.get(url, headers=_HEADERS, allow_redirects=False) as response,
            ):
                moved = response.headers.get("Location") if response.status in _REDIRECTS else None
                return moved if moved is not None else await self._read(url, response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ToolError(f"{_named(str(url))} cannot be fetched: {_reason(error)}.", "Use another source.") from None

    def _guard(self, url: URL) -> Callable[[Any], socket.socket]:
        """Looks at the address of every connection as it is made, so that no second look-up can change it."""
        allowed = str(url.origin()) in self.allow

        def connect(found: Any) -> socket.socket:
            family, kind, protocol, _name, address = found
            ip = plain(address[0])
            if address[1] == self.own_port and (ip.is_loopback or ip.is_unspecified or str(ip) in self.own_hosts):
                raise ToolError(f"{_named(str(url))} leads to this installation itself.", _HINT)
            if not allowed and not is_public(address[0]):
                raise ToolError(f"{_named(str(url))} leads to a private address and is not fetched.", _HINT)
            return socket.socket(family, kind, protocol)

        return connect

    async def _read(self, url: URL, response: aiohttp.ClientResponse) -> Fetched:
        kind = response.content_type if "Content-Type" in response.headers else "text/plain"
        if response.status < 400 and not (kind.startswith(READABLE) or kind.endswith(("+json", "+xml"))):
            raise ToolError(f"{_named(str(url))} is {_named(kind)}; only text can be read.", "Use another source.")
        packed = response.headers.get("Content-Encoding", "identity").lower()
        if packed not in ("identity", "gzip", "x-gzip", ""):
            raise ToolError(f"{_named(str(url))}: {_PACKED}", "Use another source.")
        body, truncated = await self._content(response, unpack="gzip" in packed)
        return Fetched(str(url), response.status, kind, response.charset or "", body, truncated)

    async def _content(self, response: aiohttp.ClientResponse, *, unpack: bool) -> tuple[bytes, bool]:
        """At most `max_bytes`, whatever a few packed bytes would unpack to."""
        unpacker = zlib.decompressobj(wbits=31) if unpack else None
        body = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            try:
                body += unpacker.decompress(chunk, self.max_bytes + 1 - len(body)) if unpacker else chunk
            except zlib.error:
                raise ToolError(f"{_named(str(response.url))}: {_PACKED}", "Use another source.") from None
            if len(body) > self.max_bytes:
                return bytes(body[: self.max_bytes]), True
        return bytes(body), False


def origin_of(url: str) -> str:
    """Scheme, host and port as `Egress.allow` compares them. Raises ValueError for what is no web address."""
    return str(URL(url).origin())


def status_words(status: int) -> str:
    """The standard's words for a status, not the server's."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _is_host(host: str, own: str) -> bool:
    """As Django matches ALLOWED_HOSTS: a leading dot stands for all names below."""
    own = own.strip("[]").lower()
    return host == own.lstrip(".") or (own.startswith(".") and host.endswith(own))


def _named(text: str) -> str:
    return visible(shorten(text, 200))


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLError() | aiohttp.ClientSSLError():
            return "its certificate is not valid, or it speaks no TLS"
        case aiohttp.ClientConnectorDNSError():
            return "there is no such host"
        case aiohttp.ClientConnectorError():
            return "nothing answers there"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "the connection broke"
    return "the answer is not proper HTTP"
