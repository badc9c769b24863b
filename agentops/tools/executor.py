"""Runs one tool call under its timeout and turns whatever happens into an envelope."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from agentops.core.tools import ToolResult

from .errors import ToolError
from .hygiene import dump, fit, json_safe

MAX_RECORDED_BYTES = 1024 * 1024
"""How much of a result is kept in its record; the model is shown less (see `envelope`)."""

THREADS = 32
_GRACE_SECONDS = 1.0
_BACKOFF_SECONDS = 0.2

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tool")
_log = structlog.get_logger(__name__)


class _NeverStarted(Exception):
    """The time ran out before a thread was free: certainly nothing happened."""


class _CutOff(Exception):
    """The call was stopped in the middle."""


async def execute(
    name: str,
    function: Callable[..., Any],
    arguments: dict[str, Any],
    *,
    timeout: float,  # noqa: ASYNC109 - asyncio.timeout cannot tell a call that ended in time from one cut off
    repeatable: bool,
    attempts: int = 1,
    threads: ThreadPoolExecutor = _pool,
) -> ToolResult:
    """Call `function`; `timeout` (seconds) covers all attempts.

    `repeatable` says that calling twice does no more than calling once: only then is a call tried again, and
    only then is one that was cut off an error. Otherwise it is `unknown`: it may have happened.
    """
    work = asyncio.ensure_future(_attempts(name, function, arguments, attempts if repeatable else 1, threads))
    try:
        value = await _within(work, timeout)
    except ToolError as error:
        return ToolResult("error", error=str(error), hint=error.hint, untrusted_source=error.untrusted_source)
    except _NeverStarted:
        return ToolResult(
            "error",
            error=f"{name} did not start: all threads were busy for {timeout:g} s. Nothing was done.",
            hint="Try again later.",
        )
    except _CutOff:
        return _cut_off(name, timeout, repeatable)
    except Exception as error:
        _log.exception("tool_raised", tool=name)
        return ToolResult(
            "error",
            error=f"{name} failed inside with {type(error).__name__}; the details are in the log.",
            hint="Do not repeat the call unchanged.",
        )
    return _envelope(name, value)


async def _within(work: asyncio.Future[Any], seconds: float) -> Any:
    """The result of `work`, if it ends in time; one that arrives while it is being stopped still counts."""
    try:
        await asyncio.wait({work}, timeout=seconds)
        if not work.done():
            work.cancel()
            await asyncio.wait({work}, timeout=_GRACE_SECONDS)
    finally:
        if not work.done():
            work.cancel()
            work.add_done_callback(_note_late_end)
    if not work.done() or work.cancelled():
        raise _CutOff
    return work.result()


def _note_late_end(work: asyncio.Future[Any]) -> None:
    if not work.cancelled() and (error := work.exception()):
        _log.warning("tool_ended_late", error=repr(error))


async def _attempts(
    name: str,
    function: Callable[..., Any],
    arguments: dict[str, Any],
    attempts: int,
    threads: ThreadPoolExecutor,
) -> Any:
    call = _call_async if inspect.iscoroutinefunction(function) else _call_in_thread
    for number in range(1, attempts):
        try:
            return await call(function, arguments, threads)
        except (ToolError, _NeverStarted):
            raise
        except Exception as error:
            _log.warning("tool_retried", tool=name, attempt=number, error=repr(error))
            await asyncio.sleep(_BACKOFF_SECONDS * 2 ** (number - 1))
    return await call(function, arguments, threads)


async def _call_async(
    function: Callable[..., Awaitable[Any]], arguments: dict[str, Any], threads: ThreadPoolExecutor
) -> Any:
    return await function(**arguments)


async def _call_in_thread(function: Callable[..., Any], arguments: dict[str, Any], threads: ThreadPoolExecutor) -> Any:
    context = contextvars.copy_context()
    job = threads.submit(context.run, lambda: function(**arguments))
    try:
        return await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        if job.cancel():
            raise _NeverStarted from None
        raise


def _cut_off(name: str, timeout: float, repeatable: bool) -> ToolResult:
    if repeatable:
        return ToolResult(
            "error",
            error=f"{name} did not finish within {timeout:g} s.",
            hint="Ask for less, or try once more.",
        )
    return ToolResult(
        "unknown",
        error=f"{name} was cut off after {timeout:g} s: it may or may not have happened.",
        hint="Do not repeat it before you or a person have checked whether it happened.",
    )


def _envelope(name: str, value: Any) -> ToolResult:
    result = value if isinstance(value, ToolResult) else ToolResult("ok", data=value)
    try:
        data, cut = fit(json_safe(result.data), MAX_RECORDED_BYTES)
    except (ValueError, TypeError, RecursionError):
        _log.exception("tool_result_unusable", tool=name)
        # Not an error: the tool came to its end, and calling it again would do its work twice.
        data, cut = None, True
        result = ToolResult(result.status, summary=f"{name} ran, but its result cannot be shown as JSON.")
    return ToolResult(
        status=result.status,
        data=data,
        summary=json_safe(result.summary) or _summary(data),
        error=json_safe(result.error),
        truncated=result.truncated or cut,
        hint=json_safe(result.hint),
        untrusted_source=json_safe(result.untrusted_source),
        ref=json_safe(result.ref),
    )


def _summary(data: Any) -> str:
    if isinstance(data, list):
        return f"{len(data)} item{'' if len(data) == 1 else 's'}"
    text = data if isinstance(data, str) else dump(data)
    return "" if data is None else " ".join(text[:400].split())[:120]
