"""The demo shop in the test run's own servers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from agentops import env
from agentops.demo import shop


@pytest.fixture
def shop_dsn() -> Iterator[str]:
    facts = env.load()
    if not facts.shop_url or not facts.shop_reader_url:
        pytest.skip("AGENTOPS_SHOP_URL and AGENTOPS_SHOP_READER_URL name no databases")
    shop.create(facts.shop_url, reader_role(), reset=True)
    yield facts.shop_url


@pytest.fixture
def reader_dsn(shop_dsn: str) -> str:
    return env.load().shop_reader_url


def reader_role() -> str:
    return str(psycopg.conninfo.conninfo_to_dict(env.load().shop_reader_url)["user"])
