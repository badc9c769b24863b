"""What happens in every step is planned once a connection, whatever its figures are."""

from __future__ import annotations

import pytest
from django.db import connection

from runs.statements import all_rows

pytestmark = pytest.mark.django_db

ECHO = "SELECT %(number)s::bigint, %(numbers)s::bigint[], %(word)s::text"


def echoed(number: int, numbers: list[int]) -> tuple[object, ...]:
    [row] = all_rows(ECHO, {"number": number, "numbers": numbers, "word": str(number)})
    return row


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])


def test_figures_of_any_size_are_one_statement() -> None:
    assert (echoed(1, []), echoed(1, [1])) == ((1, [], "1"), (1, [1], "1"))
    known = prepared()
    for number in (0, -1, 40_000, 3_000_000_000, 2**63 - 1):
        assert echoed(number, [number, 1]) == (number, [number, 1], str(number))
    assert prepared() == known
