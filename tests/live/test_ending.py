"""A task that overhears one cancellation is cancelled again: nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import contextlib

from agentops.live.ending import end


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    begun = asyncio.Event()

    async def hard_of_hearing() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(hard_of_hearing())
    await begun.wait()
    async with asyncio.timeout(20):
        await end({task})
    assert task.cancelled()


async def test_there_may_be_nothing_to_end() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await end(set())
    await end({done})
    assert done.done() and not done.cancelled()
