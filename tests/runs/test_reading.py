"""A worker reads a run by a statement of its own: it must say what the ORM says."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.db.models import Model

from runs.models import Run
from runs.reading import run_with_version

from . import factories

pytestmark = pytest.mark.django_db


def values(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_run_is_read_as_the_orm_reads_it() -> None:
    run = factories.run()
    odd = {"inputs": {"ü": [1, None, {"a": "\\ '\""}]}, "slice_accounts": [3, 1], "orders": [{"tool": "look"}]}
    Run.objects.filter(pk=run.pk).update(**odd, slice_drawn=Decimal("0.125"), answer_data=None)
    read, plain = run_with_version(str(run.pk)), Run.objects.select_related("version__agent").get(pk=run.pk)
    assert values(read) == values(plain)
    assert values(read.version) == values(plain.version)
    assert values(read.version.agent) == values(plain.version.agent)


def test_a_run_whose_version_was_deleted_has_none() -> None:
    run = factories.run()
    Run.objects.filter(pk=run.pk).update(version=None)
    assert run_with_version(str(run.pk)).version is None


def test_reading_it_is_one_statement(django_assert_num_queries: object) -> None:
    run = factories.run()
    read = run_with_version(str(run.pk))
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert read.version.agent.name == run.agent_name


def test_a_run_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(Run.DoesNotExist):
        run_with_version(str(uuid.uuid4()))
