"""The Messages API through Anthropic's SDK: one client a process, streamed, prompts cached, no retries of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx2
import structlog
from anthropic import AsyncAnthropic, AsyncStream, DefaultAioHttpClient

from agentops.core.models import ModelRequest

from ..transcript import Transcript
from .base import LEAST_THINKING_TOKENS, READ_SECONDS, ProviderFault
from .caching import marked_messages, marked_system, marked_tools
from .faults import classify, of_stream_event

DEFAULT_BASE_URL = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 900.0
COUNT_SECONDS = 10.0
"""An estimate serves as well as a count that takes longer."""

_log = structlog.get_logger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_LIMITS = httpx2.Limits(max_connections=2000, max_keepalive_connections=200)

_not_counting: set[tuple[str, str]] = set()
"""Servers that have no address for counting tokens: asked once a process."""

# A client costs 20 ms and its connections belong to one event loop.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], AsyncAnthropic]] = WeakKeyDictionary()


class MessagesProvider:
    """`read_seconds` is the longest silence between two pieces of an answer, `total_seconds` the longest answer."""

    def __init__(
        self,
        name: str,
        api_key: str,
        base_url: str | None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.name = name
        self._api_key = api_key
        self._base_url = base_url or DEFAULT_BASE_URL
        self._total_seconds = total_seconds
        self._timeout = httpx2.Timeout(
            connect=connect_seconds, read=read_seconds, write=read_seconds, pool=connect_seconds + 5
        )

    async def stream(self, model: str, request: ModelRequest, number: int, transcript: Transcript) -> None:
        try:
            async with asyncio.timeout(self._total_seconds):
                await self._stream(model, request, number, transcript)
        except Exception as error:
            if transcript.complete:
                return  # The connection broke after the answer was whole: it is paid for and good.
            fault = classify(error)
            fault.request_id = fault.request_id or transcript.request_id
            raise self._without_key(fault) from error

    async def count(self, model: str, request: ModelRequest) -> int | None:
        if self._identity in _not_counting:
            return None
        arguments = self._arguments(model, request)
        del arguments["max_tokens"]
        try:
            counted = await self._client().messages.count_tokens(**arguments, timeout=COUNT_SECONDS)
        except Exception as error:
            fault = self._without_key(classify(error))
            if getattr(error, "status_code", None) in (404, 405, 501):
                _not_counting.add(self._identity)
            _log.info("tokens_not_counted", provider=self.name, reason=fault.kind, detail=str(fault))
            return None
        # The SDK hands on what is not JSON as text, whatever its own type says.
        tokens = getattr(counted, "input_tokens", None)
        return tokens if isinstance(tokens, int) else None

    async def aclose(self) -> None:
        client = _clients.get(asyncio.get_running_loop(), {}).pop(self._identity, None)
        if client is not None:
            await client.close()

    async def _stream(self, model: str, request: ModelRequest, number: int, transcript: Transcript) -> None:
        arguments = self._arguments(model, request)
        transcript.measure_request = partial(_characters, arguments)
        async with await self._client().messages.create(
            **arguments,
            stream=True,
            timeout=self._timeout,
            extra_headers={"x-attempt": str(number)},
        ) as stream:
            transcript.request_id = stream.response.headers.get("request-id", "")
            async for event in _events(stream):
                if event.get("type") == "error":
                    raise of_stream_event(event, transcript.request_id)
                transcript.feed(event)
        if not transcript.started and not transcript.complete:
            raise ProviderFault("malformed", "it answered 200 with something that is not a message")
        if not transcript.complete:
            raise ProviderFault("cut_short", "the answer broke off before its end")

    def _arguments(self, model: str, request: ModelRequest) -> dict[str, Any]:
        thinking = max(request.thinking_tokens, LEAST_THINKING_TOKENS) if request.thinking_tokens else 0
        parts = {
            "system": marked_system(request.system),
            "messages": marked_messages(request.messages, request.reminder),
            "tools": marked_tools(request.tools),
            "tool_choice": {"type": "none"} if request.words_only and request.tools else None,
            "thinking": {"type": "enabled", "budget_tokens": thinking} if thinking else None,
        }
        return {
            "model": model,
            # The API counts thinking within max_tokens; the answer keeps its own allowance.
            "max_tokens": request.max_output_tokens + thinking,
            **{name: part for name, part in parts.items() if part},
        }

    def _without_key(self, fault: ProviderFault) -> ProviderFault:
        """Some servers repeat the key they refuse; it must not reach a row or a page."""
        if self._api_key and self._api_key in str(fault):
            fault.args = (str(fault).replace(self._api_key, "(the API key)"),)
        return fault

    @property
    def _identity(self) -> tuple[str, str]:
        return self._base_url, self._api_key

    def _client(self) -> AsyncAnthropic:
        clients = _clients.setdefault(asyncio.get_running_loop(), {})
        client = clients.get(self._identity)
        if client is None:
            client = clients[self._identity] = AsyncAnthropic(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                http_client=DefaultAioHttpClient(
                    limits=_LIMITS,
                    # A redirect would carry the key and the conversation to an address nobody chose.
                    follow_redirects=False,
                    # A proxy cannot reach this machine's own simulator.
                    trust_env=urlsplit(self._base_url).hostname not in LOOPBACK,
                ),
            )
        return client


def _characters(arguments: dict[str, Any]) -> int:
    parts = [arguments.get(part) for part in ("system", "tools", "messages")]
    return len(json.dumps(parts, ensure_ascii=False))


async def _events(stream: AsyncStream[Any]) -> AsyncIterator[dict[str, Any]]:
    """The stream's events as they were sent: the SDK's own types lose what a tool's input was when it is not JSON,
    and pass over events that they do not know."""
    async for sent in AsyncStream.raw_events(stream.response):
        if not sent.data:
            continue
        event = sent.json()
        if not isinstance(event, dict):
            raise ProviderFault("malformed", "an event in the answer is not a JSON object")
        yield event
