"""Budgets and spend without a browser: what is shown to whom, set by whom, and handed out as CSV."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.models import Membership, Team
from runs import ledger
from runs.models import Account, Agent, Budget, BudgetChange, DailySpend, FiguresClock, ModelPrice, Run

pytestmark = pytest.mark.django_db


def team(name: str = "Shop") -> Team:
    return Team.objects.create(name=name, slug=name.lower())


def sign_in(name: str, of: Team | None = None, role: str = "", superuser: bool = False) -> Client:
    who = User.objects.create(username=name, is_superuser=superuser)
    if of:
        Membership.objects.create(team=of, user=who, role=role)
    client = Client()
    client.force_login(who)
    return client


def budget(limit: str, of: Team | None = None, **values: object) -> Budget:
    return Budget.objects.create(team=of, limit_usd=Decimal(limit), **{"period": "month", **values})


def spent(of: Team, cost: str = "1.25", **values: object) -> DailySpend:
    known = {"agent": "desk", "model": "claude-sonnet-4-5", "started_by": "ada", "price_source": "test", "calls": 3}
    return DailySpend.objects.create(
        team=of, cost_usd=Decimal(cost), input_tokens=100, cache_read_tokens=25,
        **{**known, "day": ledger.today(), **values},
    )  # fmt: skip


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("budgets"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_bar_says_what_is_spent_held_and_left() -> None:
    ours = team()
    account = budget("10", ours).accounts.create(starts_on=ledger.today().replace(day=1), spent="9.5", held="0.25")
    shown = page(sign_in("ada", ours, "viewer"))
    for words in ("$9.50</b> of $10.00", "$0.2500 held", "<b>$0.2500</b> left", "98 % used"):
        assert words in shown
    assert account.budget.scope in shown


def test_a_pace_that_ends_above_the_limit_is_said() -> None:
    ours = team()
    budget("10", ours, period="day").accounts.create(starts_on=ledger.today(), spent="9.99")
    shown = page(sign_in("ada", ours, "viewer"))
    early = timezone.localtime().hour < 2
    assert early or "at this pace" in shown


def test_what_another_team_may_spend_and_spent_is_not_shown() -> None:
    ours, theirs = team(), team("Rivals")
    budget("4321", theirs)
    spent(theirs, "77.77")
    BudgetChange.objects.create(team=theirs, everything=False, scope="Rivals", period="day", after_usd=4321)
    ada = sign_in("ada", ours, "admin")
    shown = page(ada)
    assert not [word for word in ("4,321", "77.77", "Rivals") if word in shown]
    assert "Rivals" not in b"".join(ada.get(reverse("spend-csv")).streaming_content).decode()


def test_an_admin_sets_raises_and_deletes_a_budget_and_each_is_kept() -> None:
    ours = team()
    ada = sign_in("ada", ours, "admin")
    made = ada.post(reverse("budget-new"), {"scope": f"team:{ours.pk}", "period": "day", "limit": "5"})
    assert made.status_code == 302
    one = Budget.objects.get()
    assert (one.team, one.period, one.limit_usd) == (ours, "day", 5)
    ada.post(reverse("budget", args=[one.pk]), {"limit": "7.50", "warn": "80", "was": "5.00"})
    one.refresh_from_db()
    assert (one.limit_usd, one.warn_percent) == (Decimal("7.50"), 80)
    ada.post(reverse("budget-delete", args=[one.pk]), {"was": "7.50"})
    assert not Budget.objects.exists()
    kept = list(BudgetChange.objects.order_by("id").values_list("before_usd", "after_usd", "by_name"))
    assert kept == [(None, 5, "ada"), (5, Decimal("7.50"), "ada"), (Decimal("7.50"), None, "ada")]
    assert "$5.00 → $7.50" in page(ada)


def test_an_agent_and_a_person_get_budgets_of_their_own() -> None:
    ours = team()
    ada = sign_in("ada", ours, "admin")
    desk = Agent.objects.create(team=ours, name="desk", title="Desk")
    who = User.objects.get(username="ada")
    for scope in (f"agent:{desk.pk}", f"user:{ours.pk}:{who.pk}"):
        assert ada.post(reverse("budget-new"), {"scope": scope, "period": "day", "limit": "5"}).status_code == 302
    assert set(Budget.objects.values_list("team", "agent", "user")) == {
        (ours.pk, desk.pk, None),
        (ours.pk, None, who.pk),
    }


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"limit": "much"}, "Write an amount"),
        ({"limit": "-1"}, "Write an amount"),
        ({"limit": "NaN"}, "Write an amount"),
        ({"limit": "1e30"}, "Write an amount"),
        ({"limit": "1.005"}, "decimal places"),
        ({"limit": ""}, "Write an amount"),
        ({"period": "century"}, "century"),
        ({"scope": "all"}, "Choose whom"),
        ({"scope": "team:999999"}, "Choose whom"),
        ({"scope": "user:1"}, "Choose whom"),
    ],
)
def test_a_form_that_cannot_be_is_said_and_keeps_what_was_written(written: dict[str, str], said: str) -> None:
    ours = team()
    form = {"scope": f"team:{ours.pk}", "period": "day", "limit": "5", **written}
    answer = sign_in("ada", ours, "admin").post(reverse("budget-new"), form)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert said in shown and not Budget.objects.exists()
    assert f'value="{form["limit"]}"' in shown


def test_a_second_budget_for_the_same_is_refused_in_words() -> None:
    ours = team()
    budget("5", ours, period="day")
    form = {"scope": f"team:{ours.pk}", "period": "day", "limit": "9"}
    answer = sign_in("ada", ours, "admin").post(reverse("budget-new"), form)
    assert answer.status_code == 409 and "There is one already" in answer.content.decode()


def test_who_changes_what_somebody_else_just_changed_is_told() -> None:
    ours = team()
    one = budget("5", ours)
    answer = sign_in("ada", ours, "admin").post(
        reverse("budget", args=[one.pk]), {"limit": "6", "warn": "90", "was": "4.00"}
    )
    assert answer.status_code == 409 and "meanwhile" in answer.content.decode()
    one.refresh_from_db()
    assert one.limit_usd == 5


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_who_does_not_administer_sets_nothing_and_is_told_who_can(role: str) -> None:
    ours = team()
    one = budget("5", ours)
    ada = sign_in("ada", ours, role)
    assert ada.post(reverse("budget", args=[one.pk]), {"limit": "6", "warn": "90"}).status_code == 403
    assert ada.post(reverse("budget-delete", args=[one.pk])).status_code == 403
    form = {"scope": f"team:{ours.pk}", "period": "day", "limit": "9"}
    assert ada.post(reverse("budget-new"), form).status_code == 422
    assert ada.post(reverse("price-save"), {"model": "m"}, follow=True).status_code == 200
    shown = page(ada)
    assert "An admin of a team sets its budgets" in shown and 'name="limit"' not in shown
    assert list(Budget.objects.values_list("limit_usd", flat=True)) == [5]
    assert not ModelPrice.objects.exists()


def test_the_budget_for_everything_is_a_superusers() -> None:
    one = budget("5")
    ada = sign_in("ada", team(), "admin")
    assert ada.post(reverse("budget", args=[one.pk]), {"limit": "6", "warn": "90"}).status_code == 403
    root = sign_in("root", superuser=True)
    assert root.post(reverse("budget", args=[one.pk]), {"limit": "6", "warn": "90"}).status_code == 302


def test_a_budget_of_another_team_is_not_there() -> None:
    one = budget("5", team("Rivals"))
    ada = sign_in("ada", team(), "admin")
    assert ada.post(reverse("budget", args=[one.pk]), {"limit": "6", "warn": "90"}).status_code == 404
    assert ada.post(reverse("budget-delete", args=[10**30])).status_code == 404


def test_runs_that_wait_for_money_are_listed_with_links() -> None:
    ours = team()
    limits = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9000, "max_cost_usd": 1, "max_seconds": 60}
    run = Run.objects.create(
        team=ours, agent_name="desk", goal="Pay the bills", status="waiting", waiting_on="budget", **limits
    )
    shown = page(sign_in("ada", ours, "viewer"))
    assert "Pay the bills" in shown and reverse("run", args=[run.pk]) in shown


def test_spend_is_added_up_by_agent_model_person_and_day() -> None:
    ours = team()
    spent(ours, "1.25", agent="desk")
    spent(ours, "2.75", agent="clerk", model="claude-haiku-4-5", started_by="bob")
    spent(ours, "100", day=ledger.today() - timedelta(days=40))
    FiguresClock.objects.create(pk=FiguresClock.ONLY, covered_until=timezone.now())
    shown = page(sign_in("ada", ours, "viewer"), days="7")
    for words in ("$4.00", "clerk", "bob", "claude-haiku-4-5", "$2.75", "as of", "25 %"):
        assert words in shown
    assert "$104.00" in page(sign_in("eve", ours, "viewer"), days="90")


@pytest.mark.parametrize(
    "query",
    [
        {"days": "8"}, {"days": "x"}, {"from": "2026-02-31", "to": "x"}, {"from": "2026-05-01", "to": "2025-01-01"},
        {"from": "0001-01-01", "to": "9999-12-31"}, {"from": "2001-01-01", "to": "2100-01-01"}, {"days": "\x00"},
    ],
)  # fmt: skip
def test_a_range_that_cannot_be_is_another_one(query: dict[str, str]) -> None:
    ada = sign_in("ada", team(), "viewer")
    page(ada, **query)
    assert ada.get(reverse("spend-csv"), query).status_code == 200


def test_csv_has_a_row_each_and_no_name_becomes_a_formula() -> None:
    ours = team()
    spent(ours, agent="=1+1", started_by="@ada", model='a"b,c')
    answer = sign_in("ada", ours, "viewer").get(reverse("spend-csv"))
    assert answer.streaming and "attachment" in answer["Content-Disposition"]
    header, row = b"".join(answer.streaming_content).decode().splitlines()
    assert header.startswith("day,team,agent,model,started_by,price_source,calls")
    assert row.startswith(f'{ledger.today()},Shop,\'=1+1,"a""b,c",\'@ada,test,3,')
    assert "1.25000000" in row


def test_pages_take_the_same_number_of_queries_whatever_there_is(django_assert_max_num_queries) -> None:
    ours = team()
    ada = sign_in("ada", ours, "admin")
    for number in range(8):
        budget("5", ours, agent=Agent.objects.create(team=ours, name=f"a{number}", title=f"Agent {number}"))
        spent(ours, agent=f"a{number}")
    Account.objects.bulk_create(
        Account(budget=one, starts_on=ledger.today().replace(day=1)) for one in Budget.objects.all()
    )
    with django_assert_max_num_queries(20):
        page(ada)


def test_a_superuser_sets_an_own_price_and_takes_it_back() -> None:
    root = sign_in("root", superuser=True)
    price = {"input_usd": "3", "output_usd": "15", "cache_read_usd": "0.3", "cache_write_usd": "3.75"}
    root.post(reverse("price-save"), {"model": "house-model", **price})
    assert ModelPrice.objects.get().output_usd == 15
    assert "house-model" in page(root)
    told = root.post(reverse("price-save"), {"model": "house-model", **price, "input_usd": "-1"}, follow=True)
    assert ModelPrice.objects.get().input_usd == 3 and "A price is 0 to" in told.content.decode()
    root.post(reverse("price-delete"), {"model": "house-model"})
    assert not ModelPrice.objects.exists()


def test_a_change_of_a_budget_is_never_rewritten() -> None:
    from django.db import IntegrityError, transaction

    change = BudgetChange.objects.create(everything=True, scope="Everything", period="day", after_usd=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        BudgetChange.objects.filter(pk=change.pk).update(after_usd=2)
