"""Whatever a tool does, its call ends in time and in an envelope that says what is known."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agentops.core.tools import ToolContext, ToolResult
from agentops.tools import ToolError, tool
from agentops.tools.executor import MAX_RECORDED_BYTES, execute
from agentops.tools.registry import Registry
from tests.tools.contexts import context


async def run(function: Any, arguments: dict[str, Any] | None = None, **options: Any) -> ToolResult:
    made = tool(**({"tier": "low", "effect": "Do it"} | options), into=Registry())(function)
    return await made.run(made.validate(arguments or {}), context(call_id="call-7"))


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set when the test is over, so that no thread outlives it."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_plain_function_gets_its_types_and_the_context() -> None:
    def pay(amount: Decimal, context: ToolContext) -> dict[str, Any]:
        """Pay."""
        return {"twice": amount * 2, "call": context.call_id, "day": date(2026, 11, 21)}

    result = await run(pay, {"amount": "1.50"})
    assert result.ok
    assert result.data == {"twice": "3.00", "call": "call-7", "day": "2026-11-21"}


async def test_context_variables_reach_the_thread() -> None:
    trace = contextvars.ContextVar("trace", default="none")

    def read() -> str:
        """Read."""
        return trace.get()

    trace.set("abc")
    assert (await run(read)).data == "abc"


async def test_a_tool_error_carries_message_and_hint() -> None:
    async def fail() -> None:
        """Fail."""
        raise ToolError("The shop is closed.", "Come back tomorrow.")

    result = await run(fail)
    assert (result.status, result.error, result.hint) == (
        "error",
        "The shop is closed.",
        "Come back tomorrow.",
    )


@pytest.mark.parametrize("error", [ValueError("password=hunter2"), KeyError("x"), RecursionError()])
async def test_an_unexpected_exception_is_an_error_without_its_details(error: Exception) -> None:
    def fail() -> None:
        """Fail."""
        raise error

    result = await run(fail)
    assert result.status == "error"
    assert type(error).__name__ in result.error
    assert "hunter2" not in result.error


@pytest.mark.parametrize(
    ("options", "status"),
    [({}, "unknown"), ({"idempotent": True}, "error"), ({"reads_only": True}, "error")],
)
async def test_an_async_call_that_is_too_slow_is_cancelled(options: dict[str, Any], status: str) -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        """Hang."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    result = await run(hang, timeout=0.02, **options)
    assert result.status == status
    assert ended.is_set()


@pytest.mark.parametrize(("options", "status"), [({}, "unknown"), ({"idempotent": True}, "error")])
async def test_a_plain_call_that_is_too_slow_is_left_behind(
    options: dict[str, Any], status: str, release: threading.Event
) -> None:
    def hang() -> None:
        """Hang."""
        release.wait(30)

    assert (await run(hang, timeout=0.02, **options)).status == status


async def test_a_result_that_comes_while_it_is_stopped_counts() -> None:
    async def slow() -> str:
        """Finish what was begun."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "sent after all"
        return "unreachable"

    result = await run(slow, timeout=0.02)
    assert (result.status, result.data) == ("ok", "sent after all")


async def test_a_call_that_never_got_a_thread_certainly_did_nothing(release: threading.Event) -> None:
    ran = []
    with ThreadPoolExecutor(1) as threads:
        threads.submit(release.wait, 30)
        result = await execute("late", lambda: ran.append(1), {}, timeout=0.02, repeatable=False, threads=threads)
        release.set()
    assert result.status == "error"
    assert "Nothing was done" in result.error
    assert ran == []


async def test_cancelling_the_run_cancels_the_call() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        """Hang."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.ensure_future(run(hang))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await ended.wait()


async def test_a_tool_that_cancels_itself_was_cut_off_but_the_run_goes_on() -> None:
    async def quit_early() -> None:
        """Quit."""
        raise asyncio.CancelledError

    assert (await run(quit_early)).status == "unknown"


async def test_what_may_be_repeated_is_tried_again() -> None:
    tries = []

    async def flaky() -> str:
        """Fail at first."""
        tries.append(1)
        if len(tries) < 2:
            raise ConnectionError
        return "there"

    assert (await run(flaky, reads_only=True, attempts=2)).data == "there"
    tries.clear()
    assert (await run(flaky)).status == "error"
    assert len(tries) == 1


async def test_a_refusal_is_not_tried_again() -> None:
    tries = []

    def refuse() -> None:
        """Refuse."""
        tries.append(1)
        raise ToolError("No.")

    assert (await run(refuse, reads_only=True, attempts=3)).error == "No."
    assert len(tries) == 1


async def test_results_are_storable_json() -> None:
    def odd() -> Any:
        """Odd."""
        return {"a\0": float("nan"), "b": "x\0\ud800y", 3: {1}, "c": b"\xff", "d": object}

    data = (await run(odd)).data
    assert data["a\ufffd"] == "NaN"
    assert data["b"] == "x\ufffd\ufffdy"
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    assert "\0" not in text and text.encode()


async def test_a_result_that_cannot_be_shown_still_says_that_the_tool_ran() -> None:
    def loop() -> Any:
        """Loop."""
        data: list[Any] = []
        data.append(data)
        return data

    result = await run(loop)
    assert (result.status, result.data, result.truncated) == ("ok", None, True)
    assert "loop ran" in result.summary


@pytest.mark.parametrize("data", ["x\n" * 2_000_000, [{"row": n} for n in range(200_000)], {"a": "é" * 1_000_000}])
async def test_a_huge_result_is_cut_and_says_so(data: Any) -> None:
    def much() -> Any:
        """Much."""
        return data

    result = await run(much)
    assert result.truncated
    size = len(json.dumps(result.data, ensure_ascii=False, separators=(",", ":")).encode())
    assert MAX_RECORDED_BYTES * 0.5 < size <= MAX_RECORDED_BYTES
    assert isinstance(result.data, list if isinstance(data, list) else str)


async def test_an_untrusted_tool_names_itself_as_the_source() -> None:
    def fetch() -> str:
        """Fetch."""
        return "text"

    assert (await run(fetch, untrusted=True)).untrusted_source == "fetch"
    assert (await run(fetch)).untrusted_source == ""


async def test_stored_arguments_that_no_longer_fit_do_not_run() -> None:
    ran = []

    def act(count: int) -> None:
        """Act."""
        ran.append(count)

    made = tool(tier="low", effect="Act", into=Registry())(act)
    result = await made.run({"count": "three"}, context())
    assert result.status == "error"
    assert "count" in result.error
    assert ran == []
