"""An estimate begins on the high side, and follows what the provider has counted."""

from __future__ import annotations

import pytest

from agentops.context.counting import Counter
from agentops.context.window import DEFAULT_BUDGET, Window, budget_of
from agentops.core.context import Parts
from agentops.core.messages import size, user
from agentops.core.models import ModelRequest
from agentops.core.tools import ToolSpec

from .conversations import conversation

TOOL = ToolSpec("look", "Looks something up. " * 20, {"type": "object", "properties": {}})


def request(turns: int, reminder: str = "") -> ModelRequest:
    messages = conversation(*[(1, 400, [])] * turns) if turns else [user("Your goal: …")]
    return ModelRequest(("m",), "Be brief. " * 50, messages, [TOOL], 1_000, reminder=reminder)


def real(asked: ModelRequest, rate: float) -> int:
    """What a provider with so many tokens a byte would count."""
    tools = sum(size([tool.name, tool.description, tool.input_schema]) for tool in asked.tools)
    content = sum(size(message["content"]) for message in asked.messages)
    return round(rate * (len(asked.system) + tools + content + len(asked.reminder.encode())))


@pytest.mark.parametrize("rate", [0.2, 0.25, 0.31, 0.45])
def test_the_estimate_follows_the_providers_own_counts(rate: float) -> None:
    counter = Counter()
    counter.parts(request(4, "Remember. " * 30), 100_000)
    counted, now = request(4, "Remember. " * 30), request(9, "Remember more. " * 40)
    parts = counter.parts(now, 100_000, real(counted, rate), len(counted.messages))
    assert parts.used == pytest.approx(real(now, rate), rel=0.03)
    assert parts.facts == pytest.approx(rate * len(now.reminder), rel=0.03)


def test_before_any_count_it_is_rather_too_high() -> None:
    asked = request(5, "Remember.")
    assert Counter().parts(asked, 100_000).used > real(asked, 0.25)


def test_a_conversation_that_became_another_is_sized_anew() -> None:
    counter = Counter()
    long = counter.parts(request(9), 100_000)
    short = counter.parts(request(2), 100_000)
    assert short.history < long.history / 3
    assert short.history == Counter().parts(request(2), 100_000).history


def test_an_absurd_count_does_not_spoil_the_estimates() -> None:
    counter, asked = Counter(), request(5)
    counter.parts(asked, 100_000, 10_000_000, len(asked.messages))
    assert counter.parts(asked, 100_000).used < 1_000_000


def test_an_exact_count_replaces_the_whole_and_keeps_the_parts() -> None:
    parts = Parts(100, 200, 300, 40, headroom=1_000, budget=10_000).counted(1_000)
    assert (parts.used, parts.system, parts.history, parts.exact) == (1_000, 100, 660, True)


def test_the_room_leaves_the_answer_its_place() -> None:
    parts = Parts(0, 0, 0, 0, headroom=20_000, budget=100_000)
    assert (parts.room, parts.line) == (80_000, 64_000)
    assert Parts(0, 0, 0, 0, headroom=9_000, budget=8_000).room == 2_000


def test_the_budget_is_the_agents_own_or_its_smallest_models() -> None:
    assert budget_of(50_000, [200_000]) == 50_000
    assert budget_of(None, [200_000, None, 128_000]) == 128_000
    assert budget_of(None, [None]) == DEFAULT_BUDGET


def test_only_near_the_line_a_count_decides() -> None:
    window = Window(10_000)
    assert window.in_doubt(Parts(0, 0, 7_500, 0, 0, 10_000))
    assert not window.in_doubt(Parts(0, 0, 3_000, 0, 0, 10_000))
    assert not window.in_doubt(Parts(0, 0, 9_900, 0, 0, 10_000))
