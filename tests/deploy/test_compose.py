"""The compose file says what it must, and its commands, run by hand on servers of their own, are the product."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import connection

from agentops import env
from agentops.devstack import stack
from tests import services as test_servers
from tests.acceptance.stack import eventually
from tests.acceptance.world import MODEL, World, describe, ended, turn, use
from tests.api import factories
from tests.ports import free_port

from . import compose

SECRETS = {
    "POSTGRES_PASSWORD": "p" * 32,
    "VALKEY_PASSWORD": "v" * 32,
    "AGENTOPS_SECRET_KEY": "a secret key of at least thirty-two characters",
    "ANTHROPIC_API_KEY": "any",
}
OURS = ("migrate", "web", "worker", "sweeps", "beat")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_missing_secret_stops_the_start_and_is_named(name: str) -> None:
    with pytest.raises(compose.Missing, match=f"set {name}"):
        compose.services({key: value for key, value in SECRETS.items() if key != name})


def test_every_service_is_looked_after() -> None:
    for name, service in compose.services(SECRETS).items():
        if name == "migrate":
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name
        assert "privileged" not in service, name


def test_nothing_begins_before_what_it_needs() -> None:
    services = compose.services(SECRETS)
    assert services["migrate"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "valkey": {"condition": "service_healthy"},
    }
    for name in ("web", "worker", "sweeps", "beat"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}, name
    assert services["worker"]["deploy"]["replicas"] == 2


def test_only_the_console_is_reachable_and_only_from_this_machine() -> None:
    services = compose.services(SECRETS)
    assert [name for name in services if "ports" in services[name]] == ["web"]
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_data_outlives_the_containers_and_nobody_is_root() -> None:
    parsed = compose.services(SECRETS)
    assert all(parsed[name]["volumes"] for name in (*OURS, "postgres", "valkey"))
    lines = compose.dockerfile().splitlines()
    assert "USER agentops" in lines
    assert lines.index("USER agentops") < next(n for n, line in enumerate(lines) if line.startswith("CMD"))


def test_the_containers_run_what_make_up_runs() -> None:
    """One set of commands: what differs is where they listen, their names, and where beat keeps its clock."""
    facts = replace(env.load(), bind="0.0.0.0", port=8000, workers=1)
    mine = {service.name: service.argv[1:] for service in stack.workers(facts)}
    mine["web"] = stack.web(facts).argv[1:]
    theirs = compose.services(SECRETS)
    for here, there in (("web", "web"), ("runs1", "worker"), ("sweeps", "sweeps"), ("beat", "beat")):
        command = theirs[there].get("command") or compose.default_command()
        assert _told(mine[here]) == _told(command[1:]), there


def _told(argv: list[str]) -> list[str]:
    """Without the quiet flag, the node's name and beat's file, which are each place's own."""
    kept, skip = [], False
    for part in argv:
        if skip:
            skip = False
        elif part in {"-n", "--schedule"}:
            skip = True
        elif part != "-q":
            kept.append(part)
    return kept


@pytest.fixture(scope="module")
def place(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Where the containers' environment leads outside them: the tests' servers, a model, a free port, a folder."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / "data").mkdir(mode=0o700)
    port, model_port = free_port(), free_port()
    model = stack.simulator(replace(env.load(), simulator_port=model_port))
    popen = subprocess.Popen(**model.popen_options(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(model.ready, "the model answers")
    outside = test_servers.stack_environment(str(connection.settings_dict["NAME"]))
    outside = {name: outside[name] for name in ("DATABASE_URL", "REDIS_URL", "AGENTOPS_SECRET_KEY")}
    outside |= {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model_port}", "AGENTOPS_BIND": "127.0.0.1"}
    try:
        yield folder, outside, port
    finally:
        popen.kill()
        popen.wait()


def _ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


@pytest.mark.stack
@pytest.mark.django_db(transaction=True)
def test_the_containers_commands_make_the_product_and_stop_gracefully(place: Any) -> None:
    folder, outside, port = place
    services = compose.services(SECRETS)
    # The container's own port 8000 is not ours to take here.
    services["web"]["command"] = [str(port) if part == "8000" else part for part in compose.default_command()]
    services["web"]["command"] = ["127.0.0.1" if part == "0.0.0.0" else part for part in services["web"]["command"]]
    schedule = str(folder / "beat-schedule")
    beat = services["beat"]["command"]
    services["beat"]["command"] = [schedule if part == "/tmp/beat-schedule" else part for part in beat]

    with compose.running("migrate", services["migrate"], outside, folder) as migrate:
        assert migrate.popen.wait() == 0, migrate.said()

    with ExitStack() as up:
        names = ("web", "worker", "worker", "sweeps", "beat")
        running = [
            up.enter_context(compose.running(name, _named(services[name], name, copy), outside, folder, copy))
            for copy, name in enumerate(names)
        ]
        by_name = {process.name: process for process in running}
        eventually(
            lambda: _ask(port, "/readyz")[0] == 200,
            "all parts answer",
            details=lambda: "\n".join(process.said()[-2000:] for process in running),
        )
        for name in ("sweeps", "beat", "web"):
            test = _test(services[name]["healthcheck"]["test"], name, names.index(name), port, schedule)
            check = partial(by_name[name].check, test)
            eventually(lambda check=check: check().returncode == 0, f"{name} is healthy")

        world = World()
        world.agent = factories.agent(world.team, tools=["list_files"], model_chain=[MODEL], max_cost_usd=10)
        first, second = running[1], running[2]
        run = world.start([turn(use("list_files", path="./" * number), delay_ms=40, deltas=100) for number in (1, 2)])
        eventually(lambda: _worker(run) != "", "a worker has it")
        holder, other = (first, second) if _worker(run).endswith(f":{first.popen.pid}") else (second, first)
        holder.popen.send_signal(signal.SIGTERM)
        assert ended(run).status == "succeeded", describe([run])
        assert run.recoveries == 0
        assert not run.events.filter(kind="run.recovered").exists(), "it was handed over, not taken"
        assert holder.popen.wait() == 0, holder.said()[-2000:]
        assert other.popen.poll() is None
        for process in reversed(running):
            if process is not holder:
                process.popen.send_signal(signal.SIGTERM)
        for process in running:
            assert process.popen.wait() in (0, -signal.SIGTERM), process.said()[-2000:]


def _named(service: dict[str, Any], name: str, copy: int) -> dict[str, Any]:
    """On one machine two workers of one name would be one: each container has a host name of its own."""
    command = service.get("command")
    if command is None:
        return service
    return {**service, "command": [part.replace("@%h", f"{copy}@%h") for part in command]}


def _test(test: list[str], name: str, copy: int, port: int, schedule: str) -> list[str]:
    swaps = {f"{name}@": f"{name}{copy}@", ":8000/": f":{port}/", "/tmp/beat-schedule": schedule}
    for before, after in swaps.items():
        test = [part.replace(before, after) for part in test]
    return test


def _worker(run: Any) -> str:
    run.refresh_from_db()
    return str(run.worker)
