"""A worker reads a run by a statement of its own: it must say what the ORM says."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.db.models import Model

from runs.history import parts_of
from runs.models import Run, Step, ToolCall
from runs.reading import calls_of_step, run_with_version, steps_of

from . import factories
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


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


def worked(take: Take) -> Run:
    """A run with three steps; the last one's calls wait."""
    hand = take(factories.run())
    for _ in range(2):
        hand.open()
        hand.answer(factories.answer("note", words="Ü \\ \"'"))
        hand.settle(*hand.state.calls)
    hand.open()
    hand.answer(factories.answer("refund", "look"))
    return Run.objects.get(pk=hand.state.id)


def test_a_runs_steps_are_read_as_the_orm_reads_them(take: Take) -> None:
    run = worked(take)
    steps = steps_of(parts_of(run))
    assert [step["number"] for step in steps] == [1, 2, 3]
    assert steps == list(Step.objects.filter(run=run).order_by("number").values(*steps[0]))


def test_a_fork_has_the_steps_of_its_origin_before_its_own(take: Take) -> None:
    run = worked(take)
    fork = factories.run(run.team)
    Run.objects.filter(pk=fork.pk).update(forked_from=run, forked_step=3)
    fork.refresh_from_db()
    assert [(step["run_id"], step["number"]) for step in steps_of(parts_of(fork))] == [(run.pk, 1), (run.pk, 2)]


def test_a_steps_calls_are_read_as_the_orm_reads_them(take: Take) -> None:
    step = Step.objects.get(run=worked(take), number=3)
    calls = calls_of_step(step.pk)
    assert [values(call) for call in calls] == [values(call) for call in ToolCall.objects.filter(step=step)]
    assert len(calls) == 2 and all(call.now >= call.proposed_at for call in calls)
