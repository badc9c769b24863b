"""The embedded servers: private, least rights, and back after any kind of death."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from agentops.devstack import postgres, services
from agentops.devstack.account import can_reach
from agentops.devstack.embedded import Embedded
from agentops.devstack.errors import CannotStart


@pytest.fixture
def embedded() -> Iterator[Embedded]:
    folder = Path(tempfile.mkdtemp(prefix="agentops-test-"))
    folder.chmod(0o711)
    yield Embedded.at(folder / "data")
    shutil.rmtree(folder)


def start(embedded: Embedded) -> subprocess.Popen[bytes]:
    """PostgreSQL alone, as `up` would start it, ready to be killed."""
    service = postgres.service(embedded, durable=False)
    options = service.popen_options()
    process = subprocess.Popen(**options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not service.ready():
        assert process.poll() is None
    return process


def test_roles_have_the_least_rights(embedded: Embedded) -> None:
    services.prepare(embedded)
    with services.running(embedded, durable=False):
        with psycopg.connect(embedded.database_url) as owner:
            role = owner.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")
            assert role.fetchone() == (False, False)
            assert owner.execute("SELECT '[1,2]'::vector").fetchone() == ("[1,2]",)
        with psycopg.connect(embedded.shop_url) as owner:
            owner.execute("CREATE TABLE shop.orders AS SELECT 1 AS number")
        with psycopg.connect(embedded.shop_reader_url, autocommit=True) as reader:
            assert reader.execute("SELECT number FROM orders").fetchone() == (1,)
            reader.execute("SET default_transaction_read_only = off")
            for statement in ("DELETE FROM shop.orders", "CREATE TEMP TABLE t (a int)", "CREATE SCHEMA mine"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(statement)
        for database in ("agentops", "postgres", "template1"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(embedded.shop_reader_url.replace("agentops_shop", database))


def test_nobody_gets_in_without_a_password_and_nothing_listens_on_a_port(embedded: Embedded) -> None:
    services.prepare(embedded)
    with services.running(embedded, durable=False):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(embedded.database_url.replace(embedded.owner_password, "guess"))
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=str(embedded.valkey_socket), retry=Retry(NoBackoff(), 0)).ping()
        with psycopg.connect(embedded.database_url) as owner:
            assert owner.execute("SHOW listen_addresses").fetchone() == ("",)
        assert stat.S_IMODE(embedded.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(embedded.servers.stat().st_mode) == 0o700


def test_valkey_keeps_its_data_over_a_restart(embedded: Embedded) -> None:
    services.prepare(embedded)
    with services.running(embedded, durable=False), redis.from_url(embedded.redis_url) as client:
        client.set("kept", "yes")
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    services.prepare(embedded)
    with services.running(embedded, durable=False), redis.from_url(embedded.redis_url) as client:
        assert client.get("kept") == b"yes"


def test_postgres_comes_back_after_kill_9(embedded: Embedded) -> None:
    services.prepare(embedded)
    first = start(embedded)
    first.kill()
    first.wait()
    assert (postgres.cluster(embedded) / "postmaster.pid").exists()
    services.prepare(embedded)
    with services.running(embedded), psycopg.connect(embedded.database_url) as owner:
        assert owner.execute("SELECT 1").fetchone() == (1,)


def test_an_orphaned_postgres_is_ended_first(embedded: Embedded) -> None:
    services.prepare(embedded)
    orphan = start(embedded)
    services.prepare(embedded)
    assert orphan.wait() == 0
    with services.running(embedded), psycopg.connect(embedded.database_url):
        pass


def test_a_pid_file_that_names_another_program_does_not_block_or_kill(embedded: Embedded) -> None:
    services.prepare(embedded)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with bystander:
        pid_file = postgres.cluster(embedded) / "postmaster.pid"
        pid_file.write_text(f"{bystander.pid}\n{postgres.cluster(embedded)}\n")
        services.prepare(embedded)
        with services.running(embedded, durable=False), psycopg.connect(embedded.database_url):
            assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_an_interrupted_first_start_begins_again(embedded: Embedded) -> None:
    half_made = embedded.servers / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    if embedded.account:
        os.chown(embedded.servers, embedded.account.uid, embedded.account.gid)
    services.prepare(embedded)
    assert not half_made.exists()
    with services.running(embedded, durable=False), psycopg.connect(embedded.database_url):
        pass


def test_a_deep_data_directory_gets_short_sockets(embedded: Embedded) -> None:
    deep = Embedded.at(embedded.base / ("d" * 60) / ("e" * 60))
    assert len(os.fsencode(deep.valkey_socket)) < 100
    assert Embedded.at(deep.base) == deep
    services.prepare(deep)
    with services.running(deep, durable=False), psycopg.connect(deep.database_url):
        pass
    deep.sockets.rmdir()


def test_a_socket_folder_of_somebody_else_is_refused(embedded: Embedded) -> None:
    embedded.servers.mkdir(parents=True)
    (embedded.base / "elsewhere").mkdir()
    embedded.sockets.symlink_to(embedded.base / "elsewhere")
    if embedded.account:
        os.chown(embedded.servers, embedded.account.uid, embedded.account.gid)
    with pytest.raises(CannotStart, match="belongs to somebody else"):
        services.prepare(embedded)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_an_ordinary_user_runs_the_servers_as_itself(embedded: Embedded) -> None:
    account = embedded.account
    assert account is not None
    if not can_reach(account, Path(psycopg.__file__)):
        pytest.skip("the installed binaries are in a folder that only root can reach")
    data = embedded.base / "theirs"
    data.mkdir()
    os.chown(data, account.uid, account.gid)
    child = os.fork()
    if child == 0:  # the interpreter itself may be out of reach for them: go on in this one
        code = 4
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            theirs = Embedded.at(data)
            services.prepare(theirs)
            with services.running(theirs, durable=False), psycopg.connect(theirs.database_url):
                code = 0 if theirs.account is None and theirs.base == data else 3
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that others cannot reach")
def test_root_runs_the_servers_from_an_unreachable_folder(embedded: Embedded) -> None:
    closed = embedded.base / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = Embedded.at(closed / "data")
    assert elsewhere.base != closed / "data"
    assert Embedded.at(closed / "data") == elsewhere
    try:
        services.prepare(elsewhere)
        with services.running(elsewhere, durable=False), psycopg.connect(elsewhere.database_url):
            pass
    finally:
        shutil.rmtree(elsewhere.base)


def test_servers_end_with_a_parent_that_is_killed(embedded: Embedded) -> None:
    services.prepare(embedded)
    code = (
        "import sys; from pathlib import Path; from agentops.devstack import services;"
        "from agentops.devstack.embedded import Embedded\n"
        "with services.running(Embedded.at(Path(sys.argv[1])), durable=False):\n"
        "    print('up', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, embedded.base], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        parent.send_signal(signal.SIGKILL)
    pid_file = postgres.cluster(embedded) / "postmaster.pid"
    while pid_file.exists():
        pass
    services.prepare(embedded)
    with services.running(embedded, durable=False), psycopg.connect(embedded.database_url):
        pass
