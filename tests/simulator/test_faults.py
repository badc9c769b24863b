"""Each fault that a script asks for shows on the wire as the real one would, and ends with its attempts."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import httpx2
import pytest

from .conversations import client, request, script

TEXT = "Forty characters of text, more or less.."


async def collect(url: str, **fault: Any) -> list[str]:
    """The kinds of events until the stream ends, in whatever way."""
    kinds: list[str] = []
    await _into(kinds, url, fault)
    return kinds


async def _into(kinds: list[str], url: str, fault: dict[str, Any], attempt: int = 1) -> None:
    asked = request(script({"text": TEXT, "fault": fault}))
    async with client(url) as api:
        stream = await api.messages.create(**asked, stream=True, extra_headers={"x-attempt": str(attempt)})
        async for event in stream:
            kinds.append(event.type)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        ("400", "invalid_request_error", anthropic.BadRequestError),
        ("401", "authentication_error", anthropic.AuthenticationError),
        ("404", "not_found_error", anthropic.NotFoundError),
        ("429", "rate_limit_error", anthropic.RateLimitError),
        ("500", "api_error", anthropic.InternalServerError),
        ("529", "overloaded_error", anthropic.InternalServerError),
    ],
)
async def test_a_status_comes_with_its_kind_of_error(
    simulator_url: str, status: str, kind: str, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as failed:
        await collect(simulator_url, kind=status)
    assert failed.value.status_code == int(status)
    assert failed.value.body["error"]["type"] == kind


async def test_a_rate_limit_says_when_to_come_back(simulator_url: str) -> None:
    with pytest.raises(anthropic.RateLimitError) as failed:
        await collect(simulator_url, kind="429", retry_after=7)
    assert failed.value.response.headers["retry-after"] == "7"


async def test_a_fault_lasts_for_its_attempts(simulator_url: str) -> None:
    fault = {"kind": "529", "attempts": 2}
    for attempt in (1, 2):
        with pytest.raises(anthropic.InternalServerError):
            await _into([], simulator_url, fault, attempt)
    kinds: list[str] = []
    await _into(kinds, simulator_url, fault, attempt=3)
    assert kinds[-1] == "message_stop"


async def test_a_dropped_connection_is_an_error_after_the_pieces_that_came(simulator_url: str) -> None:
    kinds: list[str] = []
    with pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)):
        await _into(kinds, simulator_url, {"kind": "drop", "after_deltas": 2})
    assert kinds.count("content_block_delta") == 2


async def test_a_cut_stream_ends_without_its_end(simulator_url: str) -> None:
    kinds = await collect(simulator_url, kind="cut", after_deltas=3)
    assert kinds.count("content_block_delta") == 3
    assert "message_stop" not in kinds


async def test_a_fault_after_more_pieces_than_there_are_still_comes(simulator_url: str) -> None:
    kinds = await collect(simulator_url, kind="cut", after_deltas=1000)
    assert kinds[-1] == "content_block_stop"


async def test_an_error_event_in_mid_stream_is_an_overload(simulator_url: str) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        await collect(simulator_url, kind="stream_error")


async def test_a_malformed_event_is_not_json(simulator_url: str) -> None:
    with pytest.raises(ValueError, match="property name"):
        await collect(simulator_url, kind="malformed")


async def test_garbage_is_a_page_instead_of_a_stream(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        asked = request(script({"text": TEXT, "fault": {"kind": "garbage"}}), stream=True)
        answer = await api.messages.with_raw_response.create(**asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html"


async def test_a_stalled_stream_says_nothing_more(simulator_url: str) -> None:
    kinds: list[str] = []
    reading = asyncio.ensure_future(_into(kinds, simulator_url, {"kind": "stall", "after_deltas": 2}))
    while kinds.count("content_block_delta") < 2:  # noqa: ASYNC110 - the list is what the stream fills
        await asyncio.sleep(0.01)
    done, _ = await asyncio.wait({reading}, timeout=0.3)
    assert not done
    assert kinds.count("content_block_delta") == 2
    reading.cancel()


async def test_a_tools_input_can_be_broken_json(simulator_url: str) -> None:
    asked = request(script({"tools": [{"name": "look", "raw_input": '{"where": '}]}))
    async with client(simulator_url) as api:
        events = [event async for event in await api.messages.create(**asked, stream=True)]
    parts = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
    assert "".join(parts) == '{"where": '
