"""Makes the demo shop: its tables, rows that are the same every time, and the mails of its inbox."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from agentops.tools.workspace import Workspace

HERE = Path(__file__).parent
_LOCK = 7_310_448_202
"""Advisory lock: two stacks that start together must not both make the schema."""

_NAMES = (
    "Maya Lindqvist", "Tomás Herrera", "Aisha Rahman", "Jonas Weber", "Priya Nair",
    "Luca Moretti", "Hannah Cole", "Kwame Mensah", "Sofia Petrova", "Daniel Osei",
    "Yuki Tanaka", "Clara Dubois", "Omar Haddad", "Freya Nilsen", "Mateo Silva",
    "Grace Okafor", "Elif Demir", "Noah Fischer", "Anika Sharma", "Pedro Alves",
    "Zoe Papadaki", "Liam Byrne", "Inês Carvalho", "Viktor Novak", "Leila Amari",
    "Samuel Brandt", "Nora Eriksen", "Diego Ramos", "Mina Park", "Oliver Grant",
    "Julia Kowalska", "Ahmed Saleh", "Emma Vermeer", "Rafael Costa", "Tara Singh",
    "Felix Huber", "Amara Diallo", "Henrik Dahl", "Lucia Romano", "Adam Novotny",
    "Ruth Adler", "Kenji Mori", "Paula Jensen", "Ivan Marin", "Selin Kaya",
    "Hugo Laurent", "Greta Holm", "Marcus Reed",
)  # fmt: skip

_ITEMS = (
    ("Oak desk lamp", "64.50"),
    ("Wool throw, charcoal", "89.00"),
    ("Ceramic pour-over set", "42.90"),
    ("Standing desk mat", "57.25"),
    ("Linen duvet cover", "138.00"),
    ("Walnut wall shelf", "74.80"),
    ("Cast-iron pan, 28 cm", "49.95"),
    ("Travel backpack, 30 l", "119.00"),
    ("Noise-cancelling headphones", "189.00"),
    ("Stoneware bowls, set of 4", "36.40"),
)  # fmt: skip

FIRST_CUSTOMER, FIRST_ORDER, ORDERS = 2041, 1001, 120
_LAST_ORDER_AT = datetime(2026, 11, 20, 16, 5, tzinfo=UTC)

# What the mails speak of: order → customer, item, total, status.
_IN_THE_MAILS = {
    "A-1042": ("C-2041", "Espresso machine, compact", "129.00", "delivered late"),
    "A-1077": ("C-2063", "Noise-cancelling headphones", "189.00", "delivered"),
}


def create(dsn: str, reader_role: str, *, reset: bool = False) -> None:
    """Make what is missing; `reset` starts over. `dsn` is the owner's; `reader_role` may then only read."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if reset:
            cursor.execute("DROP TABLE IF EXISTS shop.refunds, shop.orders, shop.customers")
        cursor.execute((HERE / "shop.sql").read_bytes())
        cursor.execute("SELECT NOT EXISTS (SELECT FROM shop.customers)")
        if cursor.fetchone() == (True,):
            # Only an empty shop is filled: a customer who was deleted stays deleted.
            _fill(cursor)
        _grant(cursor, reader_role)


def fill_workspace(workspace: Path) -> None:
    """Put the demo's mails into the inbox of a run's workspace."""
    for mail in sorted((HERE / "mail").glob("*.eml")):
        Workspace(workspace).write(f"inbox/{mail.name}", mail.read_bytes())


def _fill(cursor: psycopg.Cursor[Any]) -> None:
    cursor.executemany("INSERT INTO shop.customers VALUES (%s, %s, %s, %s)", list(_customers()))
    cursor.executemany("INSERT INTO shop.orders VALUES (%s, %s, %s, %s, %s, %s)", list(_orders()))
    cursor.execute(
        "INSERT INTO shop.refunds (order_id, amount, reason, refunded_at, idempotency_key)"
        " SELECT id, total, 'Returned unused', ordered_at + interval '9 days', 'seed-' || id"
        " FROM shop.orders WHERE status = 'returned'"
    )


def _grant(cursor: psycopg.Cursor[Any], reader_role: str) -> None:
    reader = sql.Identifier(reader_role)
    database = sql.Identifier(cursor.connection.info.dbname)
    cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM {}").format(reader))
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA shop TO {}").format(reader))
    cursor.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {}").format(reader))
    # On the database, as its owner may: to set it on the role would take more rights.
    cursor.execute(sql.SQL("ALTER DATABASE {} SET search_path = shop").format(database))


def _customers() -> Iterator[tuple[str, str, str, datetime]]:
    for number, name in enumerate(_NAMES):
        address = _plain(name).replace(" ", ".") + "@example.com"
        joined = datetime(2024, 3, 4, 10, 30, tzinfo=UTC) + timedelta(days=19 * number, minutes=37 * number)
        yield f"C-{FIRST_CUSTOMER + number}", name, address, joined


def _orders() -> Iterator[tuple[str, str, str, str, str, datetime]]:
    for number in range(ORDERS):
        order, back = f"A-{FIRST_ORDER + number}", ORDERS - 1 - number
        item, total = _ITEMS[number * 7 % len(_ITEMS)]
        customer = f"C-{FIRST_CUSTOMER + number * 29 % len(_NAMES)}"
        usual = (customer, item, total, _status(number, back))
        yield order, *_IN_THE_MAILS.get(order, usual), _LAST_ORDER_AT - timedelta(hours=5, minutes=37) * back


def _status(number: int, back: int) -> str:
    if back < 4:
        return "placed"
    if back < 12:
        return "shipped"
    return "returned" if number % 23 == 5 else "delivered late" if number % 17 == 3 else "delivered"


def _plain(name: str) -> str:
    """Lower case, accents dropped, as people write their mail addresses."""
    return unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
