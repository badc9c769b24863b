"""Settings from the environment: defaults that work, and errors that name the variable."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agentops import env

OWN = {
    "DATABASE_URL": "postgresql://me:p%40ss@db.example:5433/ops?sslmode=require",
    "REDIS_URL": "rediss://:pw@cache.example:6380/2",
    "AGENTOPS_SECRET_KEY": "k" * 40,
}


def load(tmp_path: Path, **variables: str) -> env.Env:
    return env.load({"AGENTOPS_DATA_DIR": str(tmp_path / "data"), **variables})


def test_nothing_set_works_and_stays_on_this_machine(tmp_path: Path) -> None:
    facts = load(tmp_path)
    assert facts.bind == "127.0.0.1"
    assert facts.address == "http://127.0.0.1:8000"
    assert facts.simulated
    assert facts.anthropic_base_url == "http://127.0.0.1:8001"
    assert facts.database["HOST"] == str(facts.embedded.sockets)  # type: ignore[union-attr]
    assert facts.database["USER"] == "agentops"
    assert load(tmp_path) == facts


def test_generated_secrets_are_private_files(tmp_path: Path) -> None:
    load(tmp_path)
    for name in ("secret_key", "passwords.json"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600


def test_own_servers_are_used_as_given(tmp_path: Path) -> None:
    facts = load(tmp_path, **OWN)
    assert facts.embedded is None
    assert facts.database["PASSWORD"] == "p@ss"
    assert (facts.database["HOST"], facts.database["PORT"]) == ("db.example", "5433")
    assert facts.database["OPTIONS"] == {"sslmode": "require"}
    assert facts.broker_url == facts.redis_url == OWN["REDIS_URL"]
    assert not facts.simulated
    assert facts.shop_reader_url == ""


def test_unix_sockets_are_understood_by_django_and_celery(tmp_path: Path) -> None:
    facts = load(
        tmp_path,
        **OWN
        | {
            "DATABASE_URL": "postgresql://me:pw@/ops?host=/run/pg",
            "REDIS_URL": "unix://:pw@/run/v.sock?db=3",
        },
    )
    assert facts.database["HOST"] == "/run/pg"
    assert facts.database["OPTIONS"] == {}
    assert facts.broker_url == "redis+socket://:pw@/run/v.sock?virtual_host=3"


def test_a_key_or_another_server_turns_the_simulator_off(tmp_path: Path) -> None:
    assert not load(tmp_path, ANTHROPIC_API_KEY="sk").simulated
    facts = load(tmp_path, ANTHROPIC_BASE_URL="http://models.example")
    assert not facts.simulated
    assert facts.anthropic_base_url == "http://models.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AGENTOPS_PORT", "eighty"),
        ("AGENTOPS_PORT", "0"),
        ("AGENTOPS_PORT", "70000"),
        ("AGENTOPS_PORT", "٨٠٠٠"),
        ("AGENTOPS_WORKERS", "-1"),
        ("AGENTOPS_SLOTS", "0"),
        ("AGENTOPS_SIMULATOR_PORT", "x"),
        ("AGENTOPS_DEBUG", "maybe"),
        ("AGENTOPS_HTTPS", "2"),
        ("AGENTOPS_SECRET_KEY", "short"),
        ("ANTHROPIC_BASE_URL", "models.example"),
        ("ANTHROPIC_API_KEY", "sk\x00"),
        ("OPENAI_BASE_URL", "ftp://models.example"),
        ("DATABASE_URL", "sqlite:///file"),
        ("DATABASE_URL", "postgresql://me:pw@db:port/name"),
        ("DATABASE_URL", "postgresql://me:pw@db"),
        ("REDIS_URL", "memcached://x"),
        ("AGENTOPS_SHOP_URL", "mysql://x/y"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(env.ConfigurationError, match=name) as refused:
        load(tmp_path, **(OWN | {name: value} if name in OWN else {name: value}))
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "AGENTOPS_SECRET_KEY"])
def test_own_servers_need_all_their_variables(tmp_path: Path, missing: str) -> None:
    variables = {name: value for name, value in OWN.items() if name != missing}
    with pytest.raises(env.ConfigurationError, match=f"{missing} is not"):
        load(tmp_path, **variables)


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(env.ConfigurationError, match="AGENTOPS_DATA_DIR"):
        load(tmp_path)


def test_origins_for_the_way_out_are_origins(tmp_path: Path) -> None:
    facts = load(tmp_path, AGENTOPS_EGRESS_ALLOW="http://10.0.0.5:8080, https://wiki.internal/")
    assert facts.egress_allow == ("http://10.0.0.5:8080", "https://wiki.internal")
    assert load(tmp_path).egress_allow == ()
    for wrong in ("10.0.0.5", "http://a/path", "http://u:p@a", "ftp://a", "http://a?x", "http://", "http://[", "*"):
        with pytest.raises(env.ConfigurationError, match="AGENTOPS_EGRESS_ALLOW"):
            load(tmp_path, AGENTOPS_EGRESS_ALLOW=wrong)


def test_the_demos_pages_are_where_the_simulator_is(tmp_path: Path) -> None:
    assert load(tmp_path, AGENTOPS_PORT="9000").demo_origin == "http://127.0.0.1:9001"
    assert load(tmp_path, ANTHROPIC_API_KEY="sk-real").demo_origin == ""


def test_apps_of_your_own_must_exist(tmp_path: Path) -> None:
    assert load(tmp_path, AGENTOPS_APPS="json, email.mime").apps == ("json", "email.mime")
    for wrong in ("no_such_package_here", "json.nothing.here", "../tools", "a-b"):
        with pytest.raises(env.ConfigurationError, match="AGENTOPS_APPS names"):
            load(tmp_path, AGENTOPS_APPS=wrong)
