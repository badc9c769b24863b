"""The list of runs: what its filters, its search and its views find, and to whom they show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.models import Role
from approvals.pages import search
from runs.models import Run, SavedView
from tests.api import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Any:
    team = factories.team("Support")
    person = factories.person(team, Role.OPERATOR)
    return Desk(team, person, factories.agent(team), factories.signed_in(person))


class Desk:
    def __init__(self, team: Any, person: Any, agent: Any, client: Client) -> None:
        self.team, self.person, self.agent, self.client = team, person, agent, client

    def run(self, goal: str = "Do it.", **fields: Any) -> Run:
        if fields.get("status") in Run.FINAL:
            fields["ended_at"] = timezone.now()
        made = fields.pop("created_at", None)
        run = factories.run(fields.pop("agent", self.agent), goal=goal, **fields)
        if made:
            Run.objects.filter(pk=run.pk).update(created_at=made)
        return run

    def text(self, **query: str) -> str:
        response = self.client.get(reverse("runs"), query)
        assert response.status_code == 200
        return response.content.decode()

    def shows(self, run: Run, **query: str) -> bool:
        return f'data-id="{run.pk}"' in self.text(**query)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"status": "failed"}, {"status": "failed"}),
        ({"status": "live"}, {"status": "paused"}),
        ({"status": "budget"}, {"status": "waiting", "waiting_on": "budget"}),
        ({"by": "ada"}, {"started_by_name": "ada"}),
        ({"via": "api"}, {"started_via": "api"}),
        ({"tainted": "yes"}, {"tainted_by": "mail 3"}),
        ({"cost": "0.5"}, {"cost_usd": 1}),
        ({"to": "2026-01-31"}, {"created_at": timezone.now() - timedelta(days=365 * 2)}),
        ({"status": "failed", "via": "api", "cost": "0.5"}, {"status": "failed", "started_via": "api", "cost_usd": 1}),
    ],
)
def test_a_filter_shows_what_fits_and_nothing_else(desk: Desk, query: dict[str, str], fields: dict[str, Any]) -> None:
    fits, other = desk.run(**fields), desk.run(status="succeeded")
    assert desk.shows(fits, **query)
    assert not desk.shows(other, **query)


def test_runs_that_other_runs_started_are_shown_when_asked_for(desk: Desk) -> None:
    parent = desk.run()
    child = desk.run(parent=parent, started_via="run")
    assert desk.shows(parent)
    assert not desk.shows(child)
    assert desk.shows(child, children="yes")
    assert desk.shows(child, via="run")
    assert not desk.shows(parent, via="run")


def test_an_agents_runs_are_found_by_its_name(desk: Desk) -> None:
    other = factories.agent(desk.team)
    assert desk.shows(desk.run(agent=other), agent=other.name)
    assert not desk.shows(desk.run(), agent=other.name)


def test_the_first_day_and_the_last_are_whole_days(desk: Desk) -> None:
    run = desk.run()
    today = timezone.now().date().isoformat()
    assert desk.shows(run, **{"from": today, "to": today})


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nonsense"},
        {"via": "telepathy"},
        {"from": "2026-02-31"},
        {"to": "yesterday"},
        {"from": "0001-01-01"},
        {"cost": "NaN"},
        {"cost": "-1"},
        {"cost": "1e99"},
        {"cost": "٣"},
        {"tainted": "\x00"},
        {"cursor": "x"},
    ],
)
def test_a_filter_that_means_nothing_is_left_out(desk: Desk, query: dict[str, str]) -> None:
    assert desk.shows(desk.run(), **query)


@pytest.mark.parametrize(
    "words",
    [
        "refund",
        "REFUND lamp",
        "lamp ref",
        "A-1042",
        "a 1042",
        "ada@example.com",
        "example com",
        "größe",
        "عميل",
        "sent",
    ],
)
def test_words_of_goal_and_answer_are_found_in_any_order(desk: Desk, words: str) -> None:
    goal = "Refund the lamp of order A-1042 for ada@example.com, Größe L, عميل"
    run = desk.run(goal, status="succeeded", answer="It was sent.")
    assert desk.shows(run, q=words)


@pytest.mark.parametrize("words", ["amp", "refund chair", "la refund", "🙂", "' | !", "x" * 5000])
def test_other_words_find_nothing_and_break_nothing(desk: Desk, words: str) -> None:
    assert not desk.shows(desk.run("Refund the lamp"), q=words)


@pytest.mark.parametrize("words", [" -/: ", "\\'", "<>&", "\x00"])
def test_a_search_of_nothing_but_signs_is_no_search(desk: Desk, words: str) -> None:
    assert desk.shows(desk.run(), q=words)


def test_an_answer_that_comes_later_is_found(desk: Desk) -> None:
    run = desk.run("Look")
    assert not desk.shows(run, q="zebra")
    Run.objects.filter(pk=run.pk).update(answer="A zebra.")
    assert desk.shows(run, q="zebra")


def test_a_goal_of_a_hundred_thousand_different_words_is_kept_and_found(desk: Desk) -> None:
    run = desk.run(" ".join(f"w{number}" for number in range(20_000)))
    assert desk.shows(run, q="w100")


def test_other_teams_runs_are_never_found(desk: Desk) -> None:
    theirs = factories.run(factories.agent(factories.team()), goal="Refund the lamp")
    assert not desk.shows(theirs)
    assert not desk.shows(theirs, q="lamp")


def test_a_search_pages_through_everything_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With windows smaller than the list, and a word too frequent for its index."""
    monkeypatch.setattr(search, "NEAR", 10)
    monkeypatch.setattr(search, "FAR", 20)
    monkeypatch.setattr(search, "FEW", 2)
    runs = [desk.run("lamp" if number % 2 else "chair") for number in range(70)]
    wanted = [str(run.pk) for run in runs if run.goal == "lamp"]
    found: list[str] = []
    cursor, pages = "", 0
    while True:
        page = desk.client.get(reverse("runs"), {"q": "lamp", "cursor": cursor}).context["page"]
        found += [str(run.pk) for run in page.rows]
        cursor, pages = page.older, pages + 1
        if not cursor:
            break
    assert sorted(found) == sorted(wanted)
    assert pages == 3


def test_where_nothing_was_found_yet_one_can_look_further_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NEAR", 2)
    monkeypatch.setattr(search, "FAR", 4)
    dear = desk.run(cost_usd=9)
    for _ in range(6):
        desk.run()
    page = desk.client.get(reverse("runs"), {"cost": "5"}).context["page"]
    assert (page.rows, page.reached is not None) == ([], True)
    assert "Look further back" in desk.text(cost="5")
    assert desk.shows(dear, cost="5", cursor=page.older)


def test_how_many_are_new_counts_only_those_that_fit(desk: Desk) -> None:
    before = desk.run()
    desk.run(status="failed")
    desk.run(status="succeeded")
    address = reverse("runs-fresh")
    after = before.created_at.isoformat()
    assert "2 new" in desk.client.get(address, {"after": after}).content.decode()
    assert "1 new" in desk.client.get(address, {"after": after, "status": "failed"}).content.decode()
    assert desk.client.get(address, {"after": timezone.now().isoformat()}).content.decode().strip() == ""
    assert desk.client.get(address, {"after": "2026-99"}).status_code == 200


def test_more_than_a_page_of_new_runs_is_not_counted_out(desk: Desk) -> None:
    for _ in range(52):
        desk.run()
    assert "more than 50 new" in desk.client.get(reverse("runs-fresh")).content.decode()


def save(desk: Desk, **values: str) -> Any:
    return desk.client.post(reverse("run-views"), {"name": "Mine", "query": "status=failed&q=lamp", **values})


def test_a_saved_view_is_a_tab_that_knows_when_it_is_open(desk: Desk) -> None:
    assert save(desk, query="nonsense=1&q=lamp&status=failed")["Location"] == "/runs/?q=lamp&status=failed"
    assert 'href="?q=lamp&amp;status=failed" aria-current="page"' in desk.text(status="failed", q="lamp")
    assert 'href="?q=lamp&amp;status=failed">' in desk.text()


def test_a_view_is_ones_own_until_it_is_shared(desk: Desk) -> None:
    save(desk)
    view = SavedView.objects.get()
    colleague = factories.signed_in(factories.person(desk.team, Role.VIEWER))
    stranger = factories.signed_in(factories.person(factories.team()))
    assert "Mine" not in colleague.get(reverse("runs")).content.decode()
    desk.client.post(reverse("run-view", args=[view.pk]), {"name": "Ours", "team": str(desk.team.pk)})
    assert "Ours" in colleague.get(reverse("runs")).content.decode()
    assert "Ours" not in stranger.get(reverse("runs")).content.decode()
    for name in ("run-view", "run-view-delete"):
        assert stranger.post(reverse(name, args=[view.pk])).status_code == 404
        colleague.post(reverse(name, args=[view.pk]), {"name": "Theirs"})
    view.refresh_from_db()
    assert (view.name, view.team) == ("Ours", desk.team)


def test_a_view_cannot_be_shared_with_a_team_one_does_not_see(desk: Desk) -> None:
    save(desk, team=str(factories.team().pk))
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "values", [{"name": " "}, {"name": "x" * 61}, {"name": "\x00"}, {"team": "x"}, {"team": "9" * 30}]
)
def test_a_view_that_makes_no_sense_is_not_kept(desk: Desk, values: dict[str, str]) -> None:
    assert save(desk, **values).status_code == 302
    assert not SavedView.objects.exists()


def test_a_name_used_before_is_refused_on_renaming_and_replaced_on_saving(desk: Desk) -> None:
    save(desk)
    save(desk, name="Other")
    other = SavedView.objects.get(name="Other")
    desk.client.post(reverse("run-view", args=[other.pk]), {"name": "Mine"})
    save(desk, query="status=live")
    assert {view.name: view.query for view in SavedView.objects.all()} == {
        "Mine": "status=live",
        "Other": "q=lamp&status=failed",
    }


def test_a_deleted_view_is_gone(desk: Desk) -> None:
    save(desk)
    desk.client.post(reverse("run-view-delete", args=[SavedView.objects.get().pk]))
    assert not SavedView.objects.exists()
