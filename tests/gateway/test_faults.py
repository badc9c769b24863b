"""Every way in which a provider fails, over real HTTP: what it is called, whether it is retried, what it costs."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from agentops.core.models import CallCancelled, ModelFailed
from agentops.core.usage import Usage

from .calls import HAIKU, SONNET, calling, request
from .messages_server import Turn, delta, drops, end, refuses, returns, says, sends, start, text

BROKEN = [start(input_tokens=1_000), *text("x" * 31)]
"""An answer that never ends: 1,000 tokens of input and eleven, by estimate, of output."""

PASSING: dict[str, tuple[Turn, str]] = {
    "429": (refuses(429, "rate_limit_error"), "rate_limited"),
    "529": (refuses(529, "overloaded_error"), "overloaded"),
    "500": (refuses(500), "server_error"),
    "502 as a page": (returns("<h1>Bad gateway</h1>", status=502), "server_error"),
    "408": (refuses(408), "timeout"),
    "dropped before the answer": (drops, "connection"),
    "dropped in mid-answer": (sends(*BROKEN, then="drop"), "connection"),
    "cut short": (sends(*BROKEN), "cut_short"),
    "error in the stream": (
        sends(*BROKEN, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
        "overloaded",
    ),
    "garbage for a body": (returns("<h1>Welcome</h1>"), "malformed"),
    "empty body": (returns(""), "malformed"),
    "an answer in one piece": (returns('{"type": "message"}', "application/json"), "malformed"),
    "an event that is not JSON": (sends(*BROKEN, b"event: content_block_delta\ndata: {oops\n\n"), "malformed"),
    "an event that is no object": (sends(*BROKEN, b"event: ping\ndata: [1]\n\n"), "malformed"),
    "a delta without its text": (sends(*BROKEN, delta(0, "text_delta")), "malformed"),
    "a delta that is no text": (sends(*BROKEN, delta(0, "text_delta", text=7)), "malformed"),
}


@pytest.mark.parametrize(("turn", "kind"), PASSING.values(), ids=PASSING)
async def test_what_may_pass_is_tried_again(turn: Turn, kind: str) -> None:
    async with calling(turn, says("Hi")) as caller:
        answered = await caller.ask()
    failed, good = answered.attempts
    assert (failed.error_kind, failed.number, good.error_kind, good.number) == (kind, 1, "", 2)
    assert failed.error
    assert answered.text == "Hi"
    assert caller.failed == [failed]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_request_is_not_sent_again(status: int) -> None:
    async with calling(refuses(status, "invalid_request_error", "max_tokens: too large")) as caller:
        with pytest.raises(ModelFailed, match="max_tokens: too large") as raised:
            await caller.ask(request(SONNET, HAIKU))
    assert raised.value.kind == "rejected"
    assert caller.server.models == [SONNET]


async def test_characters_that_cannot_be_sent_are_the_requests_fault() -> None:
    async with calling(says("Hi")) as caller:
        with pytest.raises(ModelFailed) as raised:
            await caller.ask(request(system="half \ud83d a pair"))
    assert raised.value.kind == "rejected"
    assert caller.server.bodies == []


@pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (402, "auth"), (403, "auth"), (404, "not_found")])
async def test_a_refused_key_or_name_goes_to_the_next_model_at_once(status: int, kind: str) -> None:
    async with calling(refuses(status), says("Hi")) as caller:
        answered = await caller.ask(request(SONNET, HAIKU))
    assert caller.server.models == [SONNET, HAIKU]
    assert caller.waits == []
    assert answered.attempts[0].error_kind == kind


async def test_a_stall_in_mid_answer_is_noticed() -> None:
    async with calling(sends(*BROKEN, then="hang"), says("Hi"), read_timeout=0.2) as caller:
        failed, _ = (await caller.ask()).attempts
    assert failed.error_kind == "timeout"
    assert failed.usage == Usage(1_000, 11)


async def test_no_answer_at_all_is_noticed() -> None:
    async with calling(sends(then="hang"), says("Hi"), read_timeout=0.2) as caller:
        failed, _ = (await caller.ask()).attempts
    assert (failed.error_kind, failed.cost_usd) == ("timeout", 0)


async def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with calling(says("Hi"), base_url=nobody) as caller:
        with pytest.raises(ModelFailed) as raised:
            await caller.ask()
    assert raised.value.kind == "connection"
    assert len(raised.value.attempts) == 3


async def test_a_break_after_the_answer_was_whole_does_no_harm() -> None:
    whole = [start(), *text("Hi"), *end()[:1]]
    async with calling(sends(*whole, then="drop")) as caller:
        answered = await caller.ask()
    assert answered.text == "Hi"
    assert len(answered.attempts) == 1


# ── what it costs ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("then", ["end", "drop"])
async def test_a_broken_answer_is_billed_by_estimate(then: str) -> None:
    async with calling(sends(*BROKEN, then=then), says("Hi")) as caller:
        answered = await caller.ask()
    failed = answered.attempts[0]
    assert failed.estimated
    assert failed.usage == Usage(1_000, 11)
    assert failed.cost_usd == Decimal("0.003165")  # 1,000 at $3 and 11 at $15 a million
    assert answered.cost_usd == failed.cost_usd + answered.attempts[1].cost_usd


async def test_a_refusal_costs_nothing() -> None:
    async with calling(refuses(529), says("Hi")) as caller:
        failed, _ = (await caller.ask()).attempts
    assert (failed.cost_usd, failed.usage, failed.estimated) == (0, Usage(), False)


# ── waiting and falling through ────────────────────────────────────────────────────────────────


async def test_waits_grow_and_are_random_within_bounds() -> None:
    async with calling(refuses(529), refuses(529), says("Hi")) as caller:
        await caller.ask()
    first, second = caller.waits
    assert 0 <= first <= 0.5
    assert 0 <= second <= 1.0


async def test_retry_after_in_seconds_is_honoured() -> None:
    async with calling(refuses(429, retry_after="7"), says("Hi")) as caller:
        await caller.ask()
    assert caller.waits[0] >= 7


async def test_retry_after_as_a_date_is_honoured() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    async with calling(refuses(429, retry_after=date), says("Hi")) as caller:
        await caller.ask()
    assert 20 <= caller.waits[0] <= 31


@pytest.mark.parametrize("nonsense", ["soon", "-3", "nan", ""])
async def test_a_senseless_retry_after_is_ignored(nonsense: str) -> None:
    async with calling(refuses(429, retry_after=nonsense), says("Hi")) as caller:
        await caller.ask()
    assert 0 <= caller.waits[0] <= 0.5


@pytest.mark.parametrize("long", ["61", "inf"])
async def test_who_asks_for_a_long_wait_is_left_for_the_next_model(long: str) -> None:
    async with calling(refuses(429, retry_after=long), says("Hi")) as caller:
        await caller.ask(request(SONNET, HAIKU))
    assert caller.server.models == [SONNET, HAIKU]
    assert caller.waits == []


async def test_after_three_attempts_the_next_model_is_asked() -> None:
    async with calling(*[refuses(500)] * 3, says("Hi")) as caller:
        answered = await caller.ask(request(SONNET, HAIKU))
    assert caller.server.models == [SONNET] * 3 + [HAIKU]
    assert [attempt.number for attempt in answered.attempts] == [1, 2, 3, 4]
    assert caller.failed == answered.attempts[:3]


async def test_when_all_fail_each_attempt_is_told() -> None:
    async with calling(*[refuses(529)] * 3, refuses(401, "authentication_error", "bad key sk-secret")) as caller:
        with pytest.raises(ModelFailed) as raised:
            await caller.ask(request(SONNET, HAIKU))
    told = str(raised.value)
    assert [attempt.error_kind for attempt in raised.value.attempts] == ["overloaded"] * 3 + ["auth"]
    assert raised.value.kind == "auth"
    assert (told.count(SONNET), told.count(HAIKU)) == (3, 1)
    assert "sk-secret" not in told
    assert "sk-secret" not in raised.value.attempts[-1].error
    assert caller.failed == raised.value.attempts[:3], "the last is not followed by another"


async def test_an_agent_without_a_model_is_told_so() -> None:
    async with calling(says("Hi")) as caller:
        with pytest.raises(ModelFailed, match="names no model"):
            await caller.gateway.complete(
                request(chain=()), on_delta=caller.deltas.append, on_failed_attempt=caller.note
            )


async def test_who_hears_of_a_failure_may_stop_the_retrying() -> None:
    class Enough(Exception):
        pass

    async def stop(_: object) -> None:
        raise Enough

    async with calling(refuses(529)) as caller:
        with pytest.raises(Enough):
            await caller.gateway.complete(request(), on_delta=caller.deltas.append, on_failed_attempt=stop)
    assert len(caller.server.bodies) == 1


# ── cancelling ─────────────────────────────────────────────────────────────────────────────────


async def test_cancelled_in_mid_answer_it_hangs_up_and_brings_the_bill() -> None:
    async with calling(refuses(529), sends(*BROKEN, then="hang")) as caller:
        call = asyncio.create_task(caller.ask())
        async with asyncio.timeout(10):
            await caller.server.streaming.wait()
            await caller.read.wait()
            call.cancel()
            with pytest.raises(CallCancelled) as raised:
                await call
            await caller.server.hung_up.wait()
    refused, cut_off = raised.value.attempts
    assert (refused.number, cut_off.number) == (1, 2)
    assert (cut_off.usage, cut_off.estimated, cut_off.error_kind) == (Usage(1_000, 11), True, "cancelled")
    assert cut_off.cost_usd == Decimal("0.003165")


async def test_cancelled_while_waiting_it_brings_the_attempts_so_far() -> None:
    waiting = asyncio.Event()

    async def wait(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with calling(refuses(529), sleep=wait) as caller:
        call = asyncio.create_task(caller.ask())
        async with asyncio.timeout(10):
            await waiting.wait()
            call.cancel()
            with pytest.raises(CallCancelled) as raised:
                await call
    assert [attempt.error_kind for attempt in raised.value.attempts] == ["overloaded"]
