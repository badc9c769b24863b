"""The loop's ports, in memory: a journal that keeps what it is told, a model that plays a script, tools that count."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Block, Message, text
from agentops.core.models import (
    Attempt,
    CallCancelled,
    ModelAnswer,
    ModelFailed,
    ModelRequest,
    OnAttempt,
    OnDelta,
    ToolUse,
)
from agentops.core.states import CallStatus, StopReason, check_call
from agentops.core.tools import InvalidArguments, Tier, ToolContext, ToolResult, ToolSpec
from agentops.core.usage import Usage
from agentops.engine.interrupts import End, Interrupt, Wait
from agentops.engine.outside import Outside
from agentops.engine.react import advance
from agentops.engine.room import Window
from agentops.engine.state import AgentSpec, Asked, Call, Limits, Opening, OpenStep, Order, RunState, Said

CENT = Decimal("0.01")


def attempt(number: int = 1, cost: Decimal = CENT, kind: str = "") -> Attempt:
    return Attempt(
        number, "double", "model", datetime.now(UTC), 1, 1, Usage(10, 5), cost, False, "test", error_kind=kind
    )


def says(words: str, stop: str = "end_turn") -> ModelAnswer:
    return ModelAnswer([text(words)] if words else [], [], stop, [attempt()])


def calls(*uses: ToolUse | tuple[str, dict[str, Any]], words: str = "", stop: str = "tool_use") -> ModelAnswer:
    made = [use if isinstance(use, ToolUse) else ToolUse(f"use_{index}", *use) for index, use in enumerate(uses)]
    blocks: list[Block] = [text(words)] if words else []
    blocks += [{"type": "tool_use", "id": use.id, "name": use.name, "input": use.input} for use in made]
    return ModelAnswer(blocks, made, stop, [attempt()])


Turn = ModelAnswer | BaseException | Callable[[ModelRequest, OnAttempt], Awaitable[ModelAnswer]]


class ScriptedModel:
    """Plays its turns in order, then answers "Done."; keeps every request as it was."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns)
        self.requests: list[ModelRequest] = []
        self.cost = CENT
        self.counts: int | None = None
        """What it says when a request's tokens are to be counted."""
        self.counted = 0

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        self.requests.append(copy.deepcopy(request))
        turn = self.turns.pop(0) if self.turns else says("Done.")
        if isinstance(turn, BaseException):
            raise turn
        return turn if isinstance(turn, ModelAnswer) else await turn(request, on_failed_attempt)

    async def count(self, request: ModelRequest) -> int | None:
        self.counted += 1
        return self.counts

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Decimal:
        return self.cost


class Streaming:
    """A turn that streams until it is cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __call__(self, request: ModelRequest, on_failed_attempt: OnAttempt) -> ModelAnswer:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise CallCancelled([attempt()]) from None
        raise AssertionError("never ends by itself")


@dataclass
class CountingTool:
    """Takes {"value": …}; does what `does` does, and remembers each time."""

    name: str
    tier: Tier = Tier.LOW
    reads_only: bool = False
    idempotent: bool = False
    untrusted: bool = False
    timeout: float = 30.0
    asks_person: bool = False
    starts_run: bool = False
    does: Callable[[dict[str, Any]], Awaitable[ToolResult]] | None = None
    ran: list[dict[str, Any]] = field(default_factory=list)
    contexts: list[ToolContext] = field(default_factory=list)
    version: str = "1"

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, f"Version {self.version}", {"type": "object"})

    def validate(self, arguments: Any) -> dict[str, Any]:
        if set(arguments) != {"value"}:
            raise InvalidArguments("Give exactly: value.")
        return dict(arguments)

    def effect_line(self, arguments: dict[str, Any]) -> str:
        return f"{self.name} {arguments['value']}"

    async def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        self.ran.append(arguments)
        self.contexts.append(context)
        return await self.does(arguments) if self.does else ToolResult("ok", data=arguments["value"])


class Box:
    def __init__(self, *tools: CountingTool) -> None:
        self.tools = {tool.name: tool for tool in tools}

    def get(self, name: str) -> CountingTool | None:
        return self.tools.get(name)

    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self.tools.values()]


class MemoryJournal:
    """Keeps rows as a database would, holds calls above low, and refuses to write once the run is taken away."""

    def __init__(self, box: Box, state: RunState) -> None:
        self.box, self.state = box, state
        self.rows: dict[int, Call] = {}
        self.late: list[Call] = []
        self.bills: list[Attempt] = []
        self.steps: list[tuple[int, Message]] = []
        self.openings: list[Opening] = []
        self.open: OpenStep | None = state.interrupted
        self.held = Decimal(0)
        self.left: Interrupt | None = None
        self.lost = False
        self.asked: Interrupt | None = None
        self.refuse_next: list[BudgetRefused] = []
        self.commits: list[str] = []
        self.messages: list[Said] = []
        """What people say to the run; read by the step that opens next."""
        self.judged: list[Message] = []
        """What judges were told."""
        self.verdicts: list[dict[str, Any]] = []
        self.raised: Limits | None = None
        self.answers: list[tuple[int, str, str]] = []
        """Of asides: the inquiry, the words, the problem."""
        self.compactions: list[tuple[str, dict[str, Any]]] = []
        """The summary, and what the step came to."""

    def check(self) -> None:
        self.check_lease()
        if self.asked:
            raise self.asked

    def check_lease(self) -> None:
        if self.lost:
            raise LeaseLost("taken")

    async def unread(self, state: RunState) -> list[Said]:
        return list(self.messages)

    async def limits_raised(self, state: RunState) -> bool:
        if self.raised is None:
            return False
        state.limits, self.raised = self.raised, None
        return True

    async def open_aside(self, state: RunState, message: Message, hold: Decimal) -> OpenStep:
        self._write("open_aside")
        if self.refuse_next:
            raise self.refuse_next.pop(0)
        state.steps += 1
        self.open = OpenStep(state.steps, state.steps)
        return self.open

    async def answer_aside(
        self,
        state: RunState,
        step: OpenStep | None,
        asked: Asked,
        attempts: list[Attempt],
        answer: ModelAnswer | None = None,
        problem: str = "",
    ) -> None:
        self._write("answer_aside")
        assert step == self.open
        self._bill(attempts)
        self.open = None
        self.answers.append((asked.id, answer.text if answer else "", problem))

    async def open_judge(self, state: RunState, message: Message, hold: Decimal | None) -> OpenStep:
        self._write("open_judge")
        if hold is not None and self.refuse_next:
            raise self.refuse_next.pop(0)
        state.steps += 1
        self.judged.append(copy.deepcopy(message))
        self.open = OpenStep(state.steps, state.steps, "judge")
        return self.open

    async def answer_judge(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        answer: ModelAnswer | None,
        details: dict[str, Any],
        end: End | None,
    ) -> bool:
        self._write("answer_judge")
        assert step == self.open
        self._bill(attempts)
        self.open = None
        self.verdicts.append(details)
        stays = end is not None and end.reason is StopReason.ANSWERED and bool(self.messages)
        if end and not stays:
            self._leave(end)
        return self.left is not None

    async def abandon_aside(self, state: RunState, step: OpenStep) -> None:
        self._write("abandon_aside")

    async def open_compaction(
        self, state: RunState, done: list[Call], message: Message, hold: Decimal | None
    ) -> OpenStep:
        self._write("open_compaction")
        if hold is not None and self.refuse_next:
            raise self.refuse_next.pop(0)
        self._store(done)
        assert self.open is None
        state.steps += 1
        self.open, self.held = OpenStep(state.steps, state.steps), hold or Decimal(0)
        return self.open

    async def answer_compaction(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        summary: str,
        details: dict[str, Any],
        answer: ModelAnswer | None,
    ) -> None:
        self._write("answer_compaction")
        assert step == self.open
        self._bill(attempts)
        self.open, self.held = None, Decimal(0)
        self.compactions.append((summary, details))

    async def open_step(
        self, state: RunState, done: list[Call], opening: Opening, hold: Decimal, heard: list[Said]
    ) -> OpenStep:
        self._write("open_step")
        if self.refuse_next:
            raise self.refuse_next.pop(0)
        self._store(done)
        assert self.open is None
        assert not state.open_calls, "a step opens only when every call is settled"
        self.messages = [said for said in self.messages if said not in heard]
        number = state.steps + 1
        self.open = OpenStep(number, number)
        self.steps.append((number, copy.deepcopy(opening.message)))
        self.openings.append(copy.deepcopy(opening))
        self.held = hold
        state.steps = state.turn = state.step_id = number
        state.calls = []
        return self.open

    async def reopen_step(self, state: RunState, hold: Decimal) -> OpenStep:
        self._write("reopen_step")
        assert state.interrupted
        self.held, self.open, state.interrupted = hold, state.interrupted, None
        return self.open

    async def bill(self, state: RunState, step: OpenStep, attempt: Attempt) -> None:
        self._write("bill")
        self._bill([attempt])
        if self.refuse_next:
            raise self.refuse_next.pop(0)

    async def answer_step(
        self,
        state: RunState,
        step: OpenStep,
        answer: ModelAnswer,
        calls: list[Call],
        end: Interrupt | None,
        order: Order | None = None,
    ) -> bool:
        self._write("answer_step")
        assert step == self.open
        self._bill(answer.attempts)
        self.open, self.held = None, Decimal(0)
        for call in calls:
            call.id = len(self.rows) + 1
            if call.status is CallStatus.PROPOSED:
                tool = self.box.get(call.tool)
                assert tool is not None
                runs = tool.tier is Tier.LOW and not call.asks_person
                call.status = CallStatus.EXECUTING if runs else CallStatus.HELD
            self.rows[call.id] = copy.deepcopy(call)
        state.calls, state.tool_calls, state.tries = calls, state.tool_calls + len(calls), 0
        stays = isinstance(end, End) and end.reason is StopReason.ANSWERED and bool(self.messages)
        if end and not stays:
            self._leave(end)
        return self.left is not None

    async def report(self, state: RunState) -> str:
        return ", ".join(f"{call.effect}: {call.status}" for call in self.rows.values())

    async def start_calls(self, state: RunState) -> None:
        self._write("start_calls")
        for call in state.calls:
            if call.status is CallStatus.APPROVED or (call.status is CallStatus.EXECUTING and call.stale):
                check_call(call.status, CallStatus.EXECUTING)
                call.status, call.stale = CallStatus.EXECUTING, False
                self.rows[call.id] = copy.deepcopy(call)

    async def settle_calls(self, state: RunState, done: list[Call]) -> None:
        self._write("settle_calls")
        self._store(done)

    async def leave(self, state: RunState, done: list[Call], interrupt: Interrupt) -> None:
        self._write("leave")
        self._store(done)
        self._leave(interrupt)

    async def fail_step(
        self, state: RunState, step: OpenStep, attempts: list[Attempt], error: str, interrupt: Interrupt
    ) -> None:
        self._write("fail_step")
        self._bill(attempts)
        self._leave(interrupt)

    async def settle_late(
        self, state: RunState, step: OpenStep | None, attempts: list[Attempt], done: list[Call]
    ) -> None:
        self._bill(attempts)
        self.late += copy.deepcopy(done)

    def _write(self, what: str) -> None:
        if self.lost:
            raise LeaseLost("taken")
        assert self.left is None, f"{what} after the run had left"
        self.commits.append(what)

    def _store(self, done: list[Call]) -> None:
        for call in done:
            check_call(self.rows[call.id].status, call.status)
            self.rows[call.id] = copy.deepcopy(call)

    def _bill(self, attempts: list[Attempt]) -> None:
        for one in attempts:
            self.bills.append(one)
            self.state.cost_usd += one.cost_usd
            self.state.tokens += one.usage.input_tokens + one.usage.output_tokens

    def _leave(self, interrupt: Interrupt) -> None:
        self.left, self.held = interrupt, Decimal(0)


LIMITS = Limits(
    max_steps=10,
    max_tool_calls=20,
    max_parallel_calls=4,
    max_tokens=10_000,
    max_cost_usd=Decimal(1),
    max_seconds=60,
)


def run_state(limits: Limits = LIMITS, **fields: Any) -> RunState:
    agent = AgentSpec("helper", "Helper", "Help.", ("note",), ("model",), 1000)
    return RunState("run", 1, "Do it.", {}, agent, limits, fence=1, **fields)


class World:
    """A run with its surroundings: `await world.advance()` and look."""

    def __init__(self, *turns: Turn, tools: tuple[CountingTool, ...] = (), state: RunState | None = None) -> None:
        self.state = state or run_state()
        self.box = Box(*tools)
        self.model = ScriptedModel(*turns)
        self.journal = MemoryJournal(self.box, self.state)
        self.window: Window | None = None
        self.unmet: Callable[[RunState, str, Any], str] = lambda state, answer, data: ""
        for call in self.state.calls:
            self.journal.rows[call.id] = copy.deepcopy(call)

    async def advance(self) -> Interrupt | None:
        def render(result: ToolResult) -> str:
            return str(result.data) if result.ok else result.error

        await advance(
            self.state,
            Outside(
                model=self.model,
                toolbox=self.box,
                journal=self.journal,
                render=render,
                show=lambda step, delta: None,
                workspace=Path("/nowhere"),
                tool_settings={},
                unmet=self.unmet,
                window=self.window,
                backoff=(1.0, 2.0),
            ),
        )
        return self.journal.left

    async def ends(self) -> End:
        left = await self.advance()
        assert isinstance(left, End), left
        return left

    async def waits(self) -> Wait:
        left = await self.advance()
        assert isinstance(left, Wait), left
        return left

    def told(self) -> list[Block]:
        """The tool results that the model saw last."""
        content = self.model.requests[-1].messages[-1]["content"]
        return [block for block in content if block["type"] == "tool_result"]


def check_conversation(messages: list[Message]) -> None:
    """What the Messages API demands: turns alternate, and every tool use is answered in the next user message."""
    for index, message in enumerate(messages):
        assert message["role"] == ("user" if index % 2 == 0 else "assistant")
        assert message["content"]
        uses = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        if uses:
            answered = messages[index + 1]["content"]
            assert [block["tool_use_id"] for block in answered if block["type"] == "tool_result"] == uses
            assert all(block["type"] == "tool_result" for block in answered[: len(uses)]), "results come first"
        elif message["role"] == "assistant" and index + 1 < len(messages):
            assert all(block["type"] != "tool_result" for block in messages[index + 1]["content"])


def failed(kind: str) -> ModelFailed:
    return ModelFailed(f"It was {kind}.", kind, [attempt(kind=kind)])
