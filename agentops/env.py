"""Every setting from the environment: typed, with defaults that work, checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from agentops.core.errors import AgentOpsError
from agentops.devstack.embedded import Embedded

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of manage.py."""


class ConfigurationError(AgentOpsError):
    """A variable has a value that cannot work. The message names the variable and what to set instead."""


@dataclass(frozen=True, slots=True)
class Env:
    data_dir: Path
    embedded: Embedded | None
    """The servers that `manage.py up` runs itself; None with your own (DATABASE_URL and REDIS_URL)."""
    database_url: str
    redis_url: str
    shop_url: str
    """Owner of the demo shop's database, for seeding and the shop's tools. "" turns the demo shop off."""
    shop_reader_url: str
    """The SQL tool's own login: reads schema `shop`, owns nothing. "" turns the SQL tool off."""
    secret_key: str
    debug: bool
    https: bool
    """Secure cookies, HSTS and redirects: set it when a TLS proxy stands in front."""
    allowed_hosts: tuple[str, ...]
    bind: str
    port: int
    workers: int
    slots: int
    """Runs that one worker process carries at once."""
    statement_seconds: int
    """How long the database may take over one statement; 0: as long as it likes. The web server sets 10."""
    grace_seconds: int
    """How long a person's approval may be taken back, before it is carried out."""
    simulator_port: int
    egress_allow: tuple[str, ...]
    """Origins that agents may fetch from although their address is private."""
    apps: tuple[str, ...]
    """Packages of your own with a tools.py."""
    anthropic_api_key: str
    anthropic_base_url: str
    openai_api_key: str
    openai_base_url: str

    @property
    def database(self) -> dict[str, Any]:
        """`database_url` as an entry of Django's DATABASES."""
        return django_database(self.database_url, "DATABASE_URL")

    @property
    def broker_url(self) -> str:
        """`redis_url` as Celery writes it: a unix socket has another scheme there."""
        if not self.redis_url.startswith("unix://"):
            return self.redis_url
        parts = urlsplit(self.redis_url)
        number = dict(parse_qsl(parts.query)).get("db", "0")
        login = parts.netloc.rpartition("@")[0]
        return f"redis+socket://{login + '@' if login else ''}{parts.path}?virtual_host={number}"

    @property
    def simulated(self) -> bool:
        """No key and no other server: `up` runs the simulator and everyone talks to it."""
        return self.embedded is not None and self.anthropic_api_key == SIMULATOR_KEY

    @property
    def demo_origin(self) -> str:
        """Where the simulator serves the demo's pages; "" when it does not run."""
        return f"http://127.0.0.1:{self.simulator_port}" if self.simulated else ""

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the console."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.bind, self.bind)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{self.port}"


SIMULATOR_KEY = "simulator"


def load(source: Mapping[str, str] = os.environ) -> Env:
    """Read and check all variables. Makes the data directory with its passwords and key when missing."""
    read = _Reader(source)
    data_dir = Path(read.text("AGENTOPS_DATA_DIR") or PROJECT / ".agentops").expanduser().absolute()
    database_url, redis_url = read.url("DATABASE_URL", DATABASE_SCHEMES), read.url("REDIS_URL", REDIS_SCHEMES)
    if bool(database_url) != bool(redis_url):
        given, missing = ("DATABASE_URL", "REDIS_URL")[:: 1 if database_url else -1]
        raise ConfigurationError(f"{given} is set but {missing} is not. Set both to use your own servers, or neither.")
    port = read.integer("AGENTOPS_PORT", 8000, 1, 65534)
    simulator_port = read.integer("AGENTOPS_SIMULATOR_PORT", port + 1, 1, 65535)
    key, base_url = read.text("ANTHROPIC_API_KEY"), read.url("ANTHROPIC_BASE_URL", HTTP_SCHEMES)
    embedded = None
    shop_url, shop_reader_url = (
        read.url("AGENTOPS_SHOP_URL", DATABASE_SCHEMES),
        read.url("AGENTOPS_SHOP_READER_URL", DATABASE_SCHEMES),
    )
    secret_key = read.text("AGENTOPS_SECRET_KEY")
    if secret_key and len(secret_key) < 32:
        raise ConfigurationError("AGENTOPS_SECRET_KEY is too short: give it at least 32 random characters.")
    if database_url:
        if not secret_key:
            raise ConfigurationError(
                "AGENTOPS_SECRET_KEY is not set. With your own servers it is required: set it to at least "
                "32 random characters, the same for every process."
            )
        django_database(database_url, "DATABASE_URL")
    else:
        embedded = _embedded(data_dir)
        database_url, redis_url = embedded.database_url, embedded.redis_url
        shop_url, shop_reader_url = embedded.shop_url, embedded.shop_reader_url
        secret_key = secret_key or embedded.secret_key
        if not key and not base_url:
            key, base_url = SIMULATOR_KEY, f"http://127.0.0.1:{simulator_port}"
    bind = read.text("AGENTOPS_BIND") or "127.0.0.1"
    hosts = tuple(h.strip() for h in read.text("AGENTOPS_ALLOWED_HOSTS").split(",") if h.strip())
    return Env(
        data_dir=data_dir,
        embedded=embedded,
        database_url=database_url,
        redis_url=redis_url,
        shop_url=shop_url,
        shop_reader_url=shop_reader_url,
        secret_key=secret_key,
        debug=read.flag("AGENTOPS_DEBUG"),
        https=read.flag("AGENTOPS_HTTPS"),
        allowed_hosts=hosts or ("localhost", "127.0.0.1", "[::1]"),
        bind=bind,
        port=port,
        workers=read.integer("AGENTOPS_WORKERS", min(2, os.cpu_count() or 1), 1, 64),
        slots=read.integer("AGENTOPS_SLOTS", 500, 1, 5000),
        statement_seconds=read.integer("AGENTOPS_STATEMENT_SECONDS", 0, 0, 3600),
        grace_seconds=read.integer("AGENTOPS_GRACE_SECONDS", 5, 0, 600),
        simulator_port=simulator_port,
        egress_allow=read.origins("AGENTOPS_EGRESS_ALLOW"),
        apps=read.packages("AGENTOPS_APPS"),
        anthropic_api_key=key,
        anthropic_base_url=base_url,
        openai_api_key=read.text("OPENAI_API_KEY"),
        openai_base_url=read.url("OPENAI_BASE_URL", HTTP_SCHEMES),
    )


DATABASE_SCHEMES = ("postgresql", "postgres")
REDIS_SCHEMES = ("redis", "rediss", "unix")
HTTP_SCHEMES = ("http", "https")


def django_database(url: str, variable: str) -> dict[str, Any]:
    """A PostgreSQL URL, by TCP or unix socket (`postgresql://user:pw@/db?host=/folder`), for Django."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ConfigurationError(f"{variable} names no database: write postgresql://user:password@host:5432/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": options.pop("port", None) or str(parts.port or ""),
        "OPTIONS": options,
    }


def _embedded(data_dir: Path) -> Embedded:
    try:
        return Embedded.at(data_dir)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {data_dir} cannot be used: {error.strerror or error}. Run as its owner, "
            "free space on its disk, or set AGENTOPS_DATA_DIR to another folder."
        ) from error


class _Reader:
    def __init__(self, source: Mapping[str, str]) -> None:
        self._source = source

    def text(self, name: str) -> str:
        value = self._source.get(name, "").strip()
        if not value.isprintable():
            raise ConfigurationError(f"{name} contains control characters: type its value again.")
        return value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit()) or not least <= int(value) <= most:
            raise ConfigurationError(f"{name}={value} does not work: give a number from {least} to {most}.")
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value not in {"", "0", "1", "no", "yes", "false", "true"}:
            raise ConfigurationError(f"{name}={value} does not work: set it to 1 or 0.")
        return value in {"1", "yes", "true"}

    def origins(self, name: str) -> tuple[str, ...]:
        values = tuple(part.strip().rstrip("/") for part in self.text(name).split(",") if part.strip())
        for value in values:
            parts = urlsplit(self.url_of(name, value, HTTP_SCHEMES))
            if parts.path or parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
                raise ConfigurationError(
                    f"{name} takes origins only, with commas between: http://10.0.0.5:8080, no path and no password."
                )
        return values

    def packages(self, name: str) -> tuple[str, ...]:
        values = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        for value in values:
            try:
                found = all(part.isidentifier() for part in value.split(".")) and find_spec(value) is not None
            except ImportError:
                found = False
            if not found:
                raise ConfigurationError(
                    f"{name} names {value}, but there is no such Python package. Put its folder (with an empty "
                    f"__init__.py in it) beside manage.py, or install it."
                )
        return values

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name)
        return self.url_of(name, value, schemes) if value else ""

    def url_of(self, name: str, value: str, schemes: tuple[str, ...]) -> str:
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - parsing it is the check
        except ValueError as error:
            raise ConfigurationError(f"{name} is not a URL: {error}. Start it with {schemes[0]}://.") from None
        place = parts.netloc if parts.scheme in HTTP_SCHEMES else parts.netloc or parts.path
        if parts.scheme not in schemes or not place:
            # The value may hold a password: name the variable, never repeat it.
            accepted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ConfigurationError(f"{name} is not usable: it must start with {accepted}.")
        return value
