"""A policy's draft: saved by compare-and-set, told in words, published, rolled back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from agentops.accounts.models import Role
from agentops.core.errors import InvalidInput, NotAllowed
from approvals import changes
from approvals.actions import open_policy, publish_policy, roll_back_policy, save_draft
from approvals.actions.publishing import draft_of
from approvals.errors import DraftChanged
from approvals.models import Policy, PolicyVersion
from approvals.policy import snapshot

from . import factories as make

pytestmark = pytest.mark.django_db


def rule(name: str, **more: Any) -> dict[str, Any]:
    known = {"tool": "*", "agent": "*", "taint": "any", "condition": "", "tier": "high"}
    return {"name": name, **known, "timer_seconds": None, "on_deadline": "", **more}


A, B, C = rule("A"), rule("B", tier="low"), rule("C", tool="pay")


@pytest.fixture
def admin() -> Any:
    ours = make.team()
    who = make.person(Role.ADMIN, of=ours)
    who.team = ours
    return who


@pytest.fixture
def policy(admin: Any) -> Policy:
    return open_policy(admin, admin.team)


def names(policy: Policy) -> list[str]:
    return [one["name"] for one in draft_of(policy)]


def test_a_draft_decides_nothing_until_it_is_published(admin: Any, policy: Policy) -> None:
    save_draft(admin, policy, [A, B], 0)
    assert names(policy) == ["A", "B"]
    assert snapshot(admin.team.pk).version is None
    version = publish_policy(admin, policy, 1, note="First rules")
    assert (version.number, version.note, version.created_by_name) == (1, "First rules", str(admin))
    assert [one.name for one in snapshot(admin.team.pk).version.rules] == ["A", "B"]


def test_who_edits_an_older_draft_is_told_who_and_what(admin: Any, policy: Policy) -> None:
    other = make.person(Role.ADMIN, of=admin.team, name="Ada")
    save_draft(other, policy, [A], 0)
    with pytest.raises(DraftChanged, match="Ada changed the rules while you were editing \\(added “A”\\)") as told:
        save_draft(admin, policy, [B], 0)
    assert (told.value.changed_by, told.value.change) == ("Ada", "added “A”")
    with pytest.raises(DraftChanged):
        publish_policy(admin, policy, 0)
    assert names(policy) == ["A"]
    assert not PolicyVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told() -> None:
    ours = make.team()
    admin = make.person(Role.ADMIN, of=ours)
    policy, barrier = open_policy(admin, ours), threading.Barrier(2)
    results: list[Any] = []

    def save(content: dict[str, Any]) -> None:
        try:
            barrier.wait()
            results.append(save_draft(admin, Policy.objects.get(pk=policy.pk), [content], 0))
        except DraftChanged as told:
            results.append(told)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(content,)) for content in (A, B)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(result).__name__ for result in results) == ["DraftChanged", "Policy"]
    assert len(names(policy)) == 1


def test_saving_what_is_there_changes_nothing(admin: Any, policy: Policy) -> None:
    save_draft(admin, policy, [A], 0)
    save_draft(admin, policy, [A], 1)
    policy.refresh_from_db()
    assert policy.revision == 1


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([A, rule("B", condition="1 +")], "rules.2.condition"),
        ([rule("")], "rules.1.name"),
        ([rule("x" * 121)], "rules.1.name"),
        ([rule("A", condition="x" * 2_001)], "rules.1.condition"),
        ([rule("A", timer_seconds="soon")], "rules.1.timer_seconds"),
        ([rule("A", tier=None)], "rules.1.tier"),
        ([rule("nul \0")], "rules.1.name"),
        ([{"name": "A"}], "rules.1."),
        ([rule("A", colour="red")], "rules.1."),
        ([rule(f"R{n}") for n in range(101)], "rules"),
    ],
)
def test_a_draft_that_cannot_work_is_not_saved(admin: Any, policy: Policy, content: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_draft(admin, policy, content, 0)
    assert refused.value.field == field
    assert names(policy) == []


def test_rolling_back_brings_the_rules_of_then(admin: Any, policy: Policy) -> None:
    for revision, content in enumerate(([A], [A, B])):
        save_draft(admin, policy, content, revision)
        publish_policy(admin, policy)
    back = roll_back_policy(admin, policy, 1)
    assert (back.number, back.rules, back.note) == (3, [A], "Back to version 1")
    assert names(policy) == ["A"], "the draft had nothing unpublished and goes along"
    assert [one.name for one in snapshot(admin.team.pk).version.rules] == ["A"]


def test_rolling_back_keeps_a_draft_with_unpublished_changes(admin: Any, policy: Policy) -> None:
    for revision, content in enumerate(([A], [A, B])):
        save_draft(admin, policy, content, revision)
        publish_policy(admin, policy)
    save_draft(admin, policy, [A, B, C], 2)
    roll_back_policy(admin, policy, 1)
    assert names(policy) == ["A", "B", "C"]
    with pytest.raises(PolicyVersion.DoesNotExist):
        roll_back_policy(admin, policy, 99)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_only_admins_of_the_team_edit(admin: Any, policy: Policy, role: Role) -> None:
    save_draft(admin, policy, [A], 0)
    publish_policy(admin, policy)
    for who in (make.person(role, of=admin.team), make.person(Role.ADMIN, of=make.team())):
        for deed in (
            lambda who=who: save_draft(who, policy, [B], 1),
            lambda who=who: publish_policy(who, policy),
            lambda who=who: roll_back_policy(who, policy, 1),
            lambda who=who: open_policy(who, admin.team),
        ):
            with pytest.raises(NotAllowed):
                deed()
    assert names(policy) == ["A"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ([A], [A, B], ["added “B”"]),
        ([A, B, C], [A, C], ["deleted “B”"]),
        ([A, B], [B, A], ["moved “B” from place 2 to 1"]),
        ([A], [rule("A", tier="low")], ["changed “A” (tier: high → low)"]),
        ([A], [rule("Z")], ["changed “Z” (name: A → Z)"]),
        ([A], [rule("Z", tier="low")], ["added “Z”", "deleted “A”"]),
        ([A, B], [rule("B", tier="low", tool="pay"), A], ["moved “B” from place 2 to 1 (tool: * → pay)"]),
        ([A, B], [C, rule("Z")], ["added “C”", "moved “Z” from place 1 to 2 (name: A → Z)", "deleted “B”"]),
        ([A, A], [A], ["deleted “A”"]),
        ([A, B], [A, B], []),
    ],
)
def test_changes_are_told_in_words(old: list[Any], new: list[Any], said: list[str]) -> None:
    assert [str(change) for change in changes.between(old, new)] == said
