"""The whole stack in the foreground: servers, web, workers, in the order that shows a page soonest."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import signal
import socket
import sys
from contextlib import closing

from agentops.env import PROJECT, Env

from . import services, stack
from .errors import CannotStart
from .log import Log
from .predecessor import Children, only_one
from .supervisor import Supervisor


def up(env: Env, *, demo: bool) -> None:
    """Run until ctrl-C or SIGTERM; raises CannotStart when the stack cannot come up or cannot go on."""
    log = Log()
    try:
        with only_one(env.data_dir, env.address):
            if leftovers := Children(env.data_dir).end_leftovers():
                log.line("up", f"ended {leftovers} processes that a killed predecessor left")
            _check_port(env.bind, env.port, "AGENTOPS_PORT (or `manage.py up --port N`)")
            if env.simulated:
                _check_port("127.0.0.1", env.simulator_port, "AGENTOPS_SIMULATOR_PORT")
            asyncio.run(_run(env, log, demo=demo))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        raise CannotStart(
            f"{error.strerror}: {error.filename or env.data_dir}. Free some space, run as its owner, "
            "or set AGENTOPS_DATA_DIR to another folder."
        ) from error


async def _run(env: Env, log: Log, *, demo: bool) -> None:
    supervisor = Supervisor(log, env.data_dir)
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            log.line("up", "stopping at once")
            supervisor.force()
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    running = asyncio.create_task(_bring_up(env, log, supervisor, demo=demo))
    stop = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.wait({running})
        log.line("up", "stopping (ctrl-C again to stop at once)")
        await supervisor.stop()
        log.line("up", "stopped")


async def _bring_up(env: Env, log: Log, supervisor: Supervisor, *, demo: bool) -> None:
    servers: list[str] = []
    if env.embedded:
        if not env.embedded.servers.exists():
            log.line("up", f"first start: making the database in {env.embedded.servers}")
        services.prepare(env.embedded)
        for service in services.servers(env.embedded):
            supervisor.start(service)
            servers.append(service.name)
    if env.simulated:
        supervisor.start(stack.simulator(env))
    fingerprint = _fingerprint(demo)
    prepared = env.data_dir / "prepared"
    sign_in = "Sign in:  the name and password of the first start (python manage.py changepassword admin)"
    if not env.embedded or not prepared.exists() or prepared.read_text() != fingerprint:
        await supervisor.ready(*servers)
        log.line("up", "bringing the database up to date")
        arguments = [] if demo else ["--no-demo"]
        printed = await supervisor.run_once(stack.command(env, "prepare", *arguments))
        sign_in = printed.strip() or sign_in
        prepared.write_text(fingerprint)
    # The web server imports while PostgreSQL starts; the workers wait, so that they take no core from it.
    supervisor.start(stack.web(env))
    await supervisor.ready(*servers, "web")
    (env.data_dir / "beat-schedule").unlink(missing_ok=True)
    workers = stack.workers(env)
    for service in workers:
        supervisor.start(service)
    await supervisor.ready(*(service.name for service in workers))
    log.box(["AgentOps is ready", "", f"Open:     {env.address}", sign_in, "Stop:     ctrl-C", *_model(env)])
    await supervisor.failed()


def _model(env: Env) -> list[str]:
    if not env.simulated:
        return []
    return ["", "The agents' model is simulated: set ANTHROPIC_API_KEY for a real one."]


def _fingerprint(demo: bool) -> str:
    """Changes when code changes what `prepare` would do."""
    digest = hashlib.sha256(f"{sys.version} {demo}".encode())
    for pattern in (
        "*/migrations/*.py",
        "agentops/*/migrations/*.py",
        "agentops/demo/**/*",
        "pyproject.toml",
    ):
        for path in sorted(PROJECT.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(PROJECT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _check_port(host: str, port: int, variable: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(
                    f"Port {port} on {host} is in use by another program. Stop it, or choose another port "
                    f"with {variable}."
                ) from None
            raise CannotStart(
                f"Cannot listen on {host} port {port}: {error.strerror}. Set AGENTOPS_BIND to an address of "
                f"this machine, and a free port with {variable}."
            ) from None
