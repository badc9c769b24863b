"""Every test here has a subject to decide about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import factories


@pytest.fixture
def subject() -> Iterator[factories.Subject]:
    with factories.subject() as known:
        yield known
