"""The effect line says in one honest line what would happen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentops.tools import tool
from agentops.tools.registry import Registry


def line(effect: Any, arguments: dict[str, Any], **options: Any) -> str:
    @tool(tier="low", effect=effect, into=Registry(), **options)
    def act(to: str, amount: Decimal = Decimal("1.50"), tags: list[str] = []) -> None:  # noqa: B006
        """Act."""

    return act.effect_line(act.validate(arguments))


def test_it_is_filled_from_validated_arguments() -> None:
    assert line("Pay {amount} to {to}", {"to": "Ada"}) == "Pay 1.50 to Ada"
    assert line(lambda arguments: f"Pay {arguments['to']}", {"to": "Ada"}) == "Pay Ada"


def test_hidden_characters_and_line_ends_show() -> None:
    assert line("Pay {to}", {"to": "Ada\n\u202eevE"}) == "Pay Ada⟨U+000A⟩⟨U+202E⟩evE"
    assert line(lambda arguments: arguments["to"], {"to": "a\u200bb"}) == "a⟨U+200B⟩b"


def test_braces_in_a_value_are_only_text() -> None:
    assert line("Pay {to}", {"to": "{amount.__class__}"}) == "Pay {amount.__class__}"


def test_a_long_value_is_shortened_and_says_so() -> None:
    shown = line("Pay {to}", {"to": "x" * 5000})
    assert len(shown) < 300
    assert "4,800 more characters" in shown


def test_where_the_effect_fails_the_arguments_show() -> None:
    assert line(lambda arguments: arguments["none"], {"to": "Ada"}) == 'act(to="Ada", amount="1.50", tags=[])'
    assert line("", {"to": "Ada"}, reads_only=True).startswith('act(to="Ada"')
