"""A dangerous configuration is named at start, with what to set instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentops import checks, env


@pytest.fixture
def facts(tmp_path: Path) -> env.Env:
    tmp_path.chmod(0o700)
    return replace(env.load(), data_dir=tmp_path, bind="127.0.0.1")


def ids(found: Any) -> list[str]:
    return [message.id for message in found]


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_is_safe_whatever_else(settings: Any, facts: env.Env, bind: str) -> None:
    settings.ENV = replace(facts, bind=bind, debug=True, allowed_hosts=("*",))
    assert checks.bind_is_safe(None) == []


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.5", "console.example"])
def test_open_to_others_needs_care(settings: Any, facts: env.Env, bind: str) -> None:
    settings.ENV = replace(facts, bind=bind, debug=True, allowed_hosts=("*",))
    assert ids(checks.bind_is_safe(None)) == ["agentops.E001", "agentops.E002", "agentops.W001"]
    settings.ENV = replace(facts, bind=bind, https=True, allowed_hosts=("console.example",))
    assert checks.bind_is_safe(None) == []


@pytest.mark.parametrize("key", ["x" * 50, "changeme" * 8])
def test_a_key_that_can_be_guessed_is_an_error(settings: Any, key: str) -> None:
    settings.SECRET_KEY = key
    assert ids(checks.secret_key_is_secret(None)) == ["agentops.E003"]
    assert key not in str(checks.secret_key_is_secret(None))


def test_a_random_key_is_not(settings: Any) -> None:
    settings.SECRET_KEY = "kq3VxZ0n7Yt2uJ8sWbL5rPfG1hDcMeAi"
    assert checks.secret_key_is_secret(None) == []


def test_a_data_folder_open_to_all_is_named(settings: Any, facts: env.Env) -> None:
    settings.ENV = facts
    assert checks.data_folder_is_private(None) == []
    facts.data_dir.chmod(0o755)
    found = checks.data_folder_is_private(None)
    assert ids(found) == ["agentops.W002"] and str(facts.data_dir) in found[0].hint
