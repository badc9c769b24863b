"""DBOS: a workflow whose model calls and tool calls are steps; 50 at once on its event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import measuring
from dbos import DBOS


@DBOS.step()
async def model(messages: list[dict[str, Any]], last: int) -> dict[str, Any]:
    number = sum(message["role"] == "assistant" for message in messages) + 1
    usage = {"input_tokens": 100 * number, "output_tokens": 20}
    if number >= last:
        return {"role": "assistant", "content": [{"type": "text", "text": "Done."}], "usage": usage}
    use = {"type": "tool_use", "id": f"use_{number}", "name": "look", "input": {"number": number}}
    return {"role": "assistant", "content": [use], "usage": usage}


@DBOS.step()
async def look(number: int) -> int:
    return number


@DBOS.workflow()
async def agent(steps: int) -> str:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go."}]
    while True:
        answer = await model(messages, steps)
        messages.append(answer)
        block = answer["content"][0]
        if block["type"] == "text":
            return str(block["text"])
        result = {"type": "tool_result", "tool_use_id": block["id"], "content": str(await look(**block["input"]))}
        messages.append({"role": "user", "content": [result]})


async def _round(runs: int, steps: int) -> None:
    if set(await asyncio.gather(*(agent(steps) for _ in range(runs)))) != {"Done."}:
        raise RuntimeError("A run did not come to its end.")


def main() -> None:
    given = measuring.given()
    DBOS(config={"name": "bench", "system_database_url": given["dsn"], "log_level": "ERROR"})
    DBOS.launch()
    try:
        with asyncio.Runner() as runner:
            measuring.say(**given, carry_out=lambda runs, steps: runner.run(_round(runs, steps)))
    finally:
        DBOS.destroy()


main()
