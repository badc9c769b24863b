"""Tokens are counted by the provider where it can: what it says is taken, what it cannot is not asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web

from agentops.gateway.gateway import Gateway

from .calls import request


@asynccontextmanager
async def counting(answer: Callable[[], web.Response]) -> AsyncIterator[tuple[Gateway, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []

    async def count(asked: web.Request) -> web.Response:
        bodies.append(await asked.json())
        return answer()

    app = web.Application()
    app.router.add_post("/v1/messages/count_tokens", count)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway = Gateway(api_key="sk-secret", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield gateway, bodies
    finally:
        await gateway.aclose()
        await runner.cleanup()


async def test_the_provider_counts_the_request_as_it_would_be_sent() -> None:
    async with counting(lambda: web.json_response({"input_tokens": 321})) as (gateway, bodies):
        assert await gateway.count(request(reminder="Your goal: …")) == 321
    [body] = bodies
    assert "max_tokens" not in body
    assert body["model"] == request().chain[0]
    assert body["messages"][-1]["content"][-1]["text"] == "Your goal: …"
    assert body["tools"]


async def test_a_server_that_does_not_count_is_asked_once() -> None:
    async with counting(lambda: web.json_response({"error": "no such page"}, status=404)) as (gateway, bodies):
        assert await gateway.count(request()) is None
        assert await gateway.count(request()) is None
    assert len(bodies) == 1


async def test_a_count_that_fails_is_tried_again_another_time() -> None:
    answers = [web.json_response({"error": "busy"}, status=529), web.json_response({"input_tokens": 7})]
    async with counting(lambda: answers.pop(0)) as (gateway, _):
        assert await gateway.count(request()) is None
        assert await gateway.count(request()) == 7


async def test_an_answer_that_is_no_count_is_none() -> None:
    async with counting(lambda: web.Response(text="<html>", content_type="text/html")) as (gateway, _):
        assert await gateway.count(request()) is None


async def test_without_a_model_there_is_nothing_to_ask() -> None:
    async with counting(lambda: web.json_response({"input_tokens": 7})) as (gateway, bodies):
        assert await gateway.count(replace(request(), chain=())) is None
    assert bodies == []
