"""Our own processes as services: the commands that docker-compose.yml runs too, one container each."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

from agentops.env import PROJECT, Env

from .service import Service

CELERY_READY = re.compile(r"\bready\.")
BEAT_READY = re.compile(r"maxinterval ->")  # the last line of its banner


def simulator(env: Env) -> Service:
    return _service(
        env,
        "simulator",
        ["-m", "agentops.simulator", "--port", str(env.simulator_port)],
        ready=_answers("127.0.0.1", env.simulator_port),
        stage=1,
    )


def web(env: Env) -> Service:
    server = ["-m", "uvicorn", "agentops.asgi:application", "--host", env.bind, "--port", str(env.port)]
    options = ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "off"]
    sockets = ["--ws-max-size", "4096", "--ws-per-message-deflate", "false"]
    # Open sockets would hold a graceful stop for ever. Who asks behind a proxy is read in accounts/address.py alone:
    # the server by itself would believe any local program's X-Forwarded-For.
    stop = ["--timeout-graceful-shutdown", "3", "--no-access-log", "--no-proxy-headers", "--log-level", "warning"]
    local = "127.0.0.1" if env.bind in {"0.0.0.0", "::"} else env.bind  # noqa: S104
    return _service(env, "web", [*server, *options, *sockets, *stop], ready=_answers(local, env.port))


def workers(env: Env) -> list[Service]:
    runs = [
        _celery(env, f"runs{n}", ["worker", "--pool=threads", "-c", str(env.slots), "-Q", "runs"])
        for n in range(1, env.workers + 1)
    ]
    sweeps = _celery(env, "sweeps", ["worker", "--pool=threads", "-c", "8", "-Q", "sweeps"])
    schedule = env.data_dir / "beat-schedule"
    beat = ["-m", "celery", "-A", "agentops", "beat", "--loglevel", "INFO", "--schedule", str(schedule)]
    return [*runs, sweeps, _service(env, "beat", [*beat, "--pidfile="], ready_line=BEAT_READY)]


def command(env: Env, name: str, *arguments: str) -> Service:
    """A management command."""
    return _service(env, name, ["manage.py", name, *arguments])


def _celery(env: Env, name: str, arguments: list[str]) -> Service:
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    argv = ["-m", "celery", "-q", "-A", "agentops", *arguments, "-n", f"{name}@%h", *quiet]
    return _service(env, name, argv, ready_line=CELERY_READY)


def _service(
    env: Env,
    name: str,
    arguments: list[str],
    *,
    ready: Callable[[], bool] | None = None,
    ready_line: re.Pattern[str] | None = None,
    stage: int = 2,
) -> Service:
    variables = {
        "AGENTOPS_PORT": str(env.port),
        "AGENTOPS_SIMULATOR_PORT": str(env.simulator_port),
        "DJANGO_SETTINGS_MODULE": "agentops.settings",
        "AGENTOPS_LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",  # they are for developers: the tests turn them into errors
    }
    return Service(
        name=name,
        argv=[sys.executable, *arguments],
        ready=ready or (lambda: False),
        ready_line=ready_line,
        stage=stage,
        cwd=PROJECT,
        env=variables,
    )


def _answers(host: str, port: int) -> Callable[[], bool]:
    def ask() -> bool:
        connection = HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return ask
