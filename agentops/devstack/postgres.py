"""The embedded PostgreSQL: a cluster made in one piece, private, with one owner role and one reader role."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil

from .binaries import postgres_bin
from .embedded import Embedded, write_private
from .errors import CannotStart
from .service import Service

MAJOR = "18"
BARE = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""The environment of the servers: none of our keys."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "fatal",  # errors of statements reach the log of the process that sent them
    "log_line_prefix": "",
}
IN_MEMORY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def cluster(embedded: Embedded) -> Path:
    return embedded.servers / "postgres"


def service(embedded: Embedded, *, durable: bool = True) -> Service:
    settings = SETTINGS if durable else SETTINGS | IN_MEMORY
    folder = cluster(embedded)
    argv = [str(postgres_bin(embedded) / "postgres"), "-D", str(folder), "-k", str(embedded.sockets)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Service(
        name="postgres",
        argv=argv,
        ready=lambda: _status(folder) == "ready",
        stage=0,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        orphan_signal=signal.SIGINT,
        cwd=embedded.servers,
        env=BARE,
        account=embedded.account,
    )


def prepare(embedded: Embedded, *, may_create_databases: bool = False) -> None:
    """Make the cluster when there is none, and clear away what a killed predecessor left."""
    folder = cluster(embedded)
    if folder.exists():
        found = (folder / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise CannotStart(
                f"{folder} was made by PostgreSQL {found}; this version runs {MAJOR}. Dump it with the old, "
                "move the data directory away and restore, or set AGENTOPS_DATA_DIR to a new folder."
            )
        _clear_predecessor(folder)
        return
    draft = folder.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    _make_cluster(embedded, draft)
    options = "CREATEDB" if may_create_databases else "NOCREATEDB"
    _single_user(embedded, draft, "template1", TEMPLATE_SQL)
    _single_user(embedded, draft, "postgres", ROLES_SQL.format(options=options, e=embedded))
    _single_user(embedded, draft, "agentops_shop", SHOP_SQL)
    # From here on the cluster exists; anything interrupted before starts over.
    draft.rename(folder)


TEMPLATE_SQL = """
CREATE EXTENSION IF NOT EXISTS vector;
REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;
"""
ROLES_SQL = """
CREATE ROLE agentops LOGIN {options} PASSWORD '{e.owner_password}';
CREATE ROLE agentops_reader LOGIN CONNECTION LIMIT 20 PASSWORD '{e.reader_password}';
ALTER ROLE agentops_reader SET default_transaction_read_only = on;
ALTER ROLE agentops_reader SET search_path = shop;
CREATE DATABASE agentops OWNER agentops;
CREATE DATABASE agentops_shop OWNER agentops;
REVOKE ALL ON DATABASE agentops, agentops_shop, postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE agentops_shop TO agentops_reader;
GRANT CONNECT ON DATABASE postgres TO agentops;
"""
SHOP_SQL = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA shop AUTHORIZATION agentops;
GRANT USAGE ON SCHEMA shop TO agentops_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE agentops IN SCHEMA shop GRANT SELECT ON TABLES TO agentops_reader;
"""


def _make_cluster(embedded: Embedded, draft: Path) -> None:
    password = embedded.servers / "superuser_password"
    write_private(password, embedded.superuser_password, embedded.account)
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    trust_nobody = ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--pwfile={password}"]
    try:
        _run(embedded, "initdb", ["-D", str(draft), "--username=postgres", *locale, *trust_nobody])
    finally:
        password.unlink()


def _single_user(embedded: Embedded, draft: Path, database: str, sql: str) -> None:
    """Run each line of `sql` as a statement, with no server up: nobody can look in on a half-made cluster."""
    _run(embedded, "postgres", ["--single", "-D", str(draft), "-c", "exit_on_error=on", database], sql)


def _run(embedded: Embedded, program: str, arguments: list[str], text: str = "") -> None:
    done = subprocess.run(
        [postgres_bin(embedded) / program, *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=BARE,
        cwd=embedded.servers,
        **(embedded.account.popen_options if embedded.account else {}),
    )
    if done.returncode:
        raise CannotStart(f"PostgreSQL could not be set up in {embedded.servers}:\n{done.stdout[-1500:].strip()}")


def _status(folder: Path) -> str:
    """What the postmaster says of itself: its pid file's eighth line is `starting`, `ready` or `stopping`."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def _clear_predecessor(folder: Path) -> None:
    """End an orphaned server of this cluster; drop a pid file that by now names some other program."""
    pid_file = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        if process.name().startswith("postgres") and str(folder) in process.cmdline():
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pass
    except psutil.TimeoutExpired:
        raise CannotStart(
            f"Another PostgreSQL (process {process.pid}) holds {folder} and does not stop: end it first."
        ) from None
    pid_file.unlink(missing_ok=True)
