"""Plans and runs below runs on the run page: as a graph and a list, live, harmless, at a constant cost."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agentops.engine.prompts import filled
from runs.models import Plan, PlanStep, Run, Step
from tests.api import factories

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script>\u202e<b>'


def make_run(version: dict[str, Any] | None = None, **fields: Any) -> Run:
    agent = factories.agent(factories.team(), **{"planning": "plan", **(version or {})})
    return factories.run(agent, **{"status": "waiting", "waiting_on": "child", **fields})


def make_plan(run: Run, *steps: dict[str, Any], number: int = 1, status: str = "approved") -> Plan:
    made = Plan.objects.create(run=run, number=number, status=status)
    known = {"instruction": "Do it well.", "max_tool_calls": 0}
    for position, step in enumerate(steps):
        titled = {"title": f"Do {step['key']}", **known, **step}
        PlanStep.objects.create(plan=made, position=position, **titled)
    return made


def child(of: Run, **fields: Any) -> Run:
    return factories.run(of.agent, **{"parent": of, "depth": of.depth + 1, "status": "running", **fields})  # type: ignore[arg-type]


def page(run: Run, role: str = "operator") -> str:
    client = factories.signed_in(factories.person(run.team, role))
    response = client.get(reverse("run", args=[run.pk]))
    assert response.status_code == 200
    return response.content.decode()


def queries(run: Run) -> int:
    client = factories.signed_in(factories.person(run.team))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(reverse("run", args=[run.pk])).status_code == 200
    return len(asked)


def part(html: str, key: str) -> str:
    return html.split(f'id="plan-step-{key}"', 1)[1].split("</li>", 1)[0]


def test_each_step_says_how_it_stands_in_a_word_and_a_shape_in_graph_and_list() -> None:
    run = make_run()
    words = {"pending": "Not begun", "running": "Under way", "done": "Done", "failed": "Failed", "skipped": "Skipped"}
    make_plan(run, *({"key": status, "status": status, "result": "why it came to this"} for status in words))
    html = page(run)
    shapes = {status: re.search(r'graph-mark" d="([^"]+)"', part(html, status))[1] for status in words}  # type: ignore[index]
    assert len(set(shapes.values())) == 5
    for status, word in words.items():
        assert word in part(html, status)
        node = re.search(rf'<svg class="graph-node" data-status="{status}".*?</svg>', html, re.DOTALL)
        assert node and word in node[0] and shapes[status] in node[0]
    assert "plan-why" in part(html, "failed") and "plan-why" in part(html, "skipped")
    assert "plan-why" not in part(html, "done")
    assert "1 not begun, 1 under way, 1 done, 1 failed, 1 skipped" in html


def test_a_step_names_what_it_waits_for_its_tools_its_tries_and_its_runs() -> None:
    run = make_run()
    make_plan(run, {"key": "a"}, {"key": "b", "after": ["a"], "tools": ["read_file"], "max_tool_calls": 3, "tries": 2})
    step = PlanStep.objects.get(key="b")
    first = child(run, plan_step=step, status="failed", ended_at=timezone.now())
    second = child(run, plan_step=step)
    row = part(page(run), "b")
    assert 'href="#plan-step-a"' in row and "Do a" in row
    assert "read_file" in row and "at most 3 calls" in row and "try 2" in row
    assert row.index(f"/runs/{second.pk}/") < row.index(f"/runs/{first.pk}/")


def test_hostile_words_of_a_plan_stay_words() -> None:
    run = make_run()
    make_plan(run, {"key": "a", "title": HOSTILE, "instruction": HOSTILE, "status": "failed", "result": HOSTILE})
    child(run, goal=HOSTILE)
    html = page(run)
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_words_from_right_to_left_keep_their_direction_to_themselves() -> None:
    run = make_run()
    make_plan(run, {"key": "a", "title": "اجمع أرقام المبيعات"})
    html = page(run)
    assert '<span class="plan-title" dir="auto">اجمع أرقام المبيعات</span>' in html
    assert re.search(r'class="plan-graph"[^>]*dir="ltr"', html)


def test_forty_steps_cost_as_many_queries_as_one() -> None:
    one, many = make_run(), make_run()
    make_plan(one, {"key": "s0"})
    child(one, plan_step=PlanStep.objects.get())
    plan = make_plan(many, *({"key": f"s{n}", "after": [f"s{n - 1}"] if n else []} for n in range(40)))
    for step in plan.steps.all():
        child(many, plan_step=step)
    assert queries(many) == queries(one)
    html = page(many)
    assert html.count('class="plan-step"') == 40
    assert html.count('class="graph-node"') == 40
    assert html.count('class="graph-edge"') == 39


def test_an_earlier_plan_stays_with_why_it_gave_way() -> None:
    run = make_run()
    make_plan(run, {"key": "a", "status": "failed"}, status="superseded")
    rejected = make_plan(run, {"key": "b"}, number=2, status="rejected")
    subject = {"subject_kind": "plan", "subject_id": str(rejected.pk), "tool": "plan"}
    factories.request(
        run.team,
        **subject,
        status="rejected",
        decided_at=timezone.now(),
        decided_by_name="ada",
        decision_reason="Too dear.",
    )
    make_plan(run, {"key": "c"}, number=3)
    html = page(run)
    assert "Plan 3" in html and "2 earlier plans" in html
    assert "Rejected by ada: “Too dear.”" in html
    assert "Replaced because of what failed: “Do a”." in html
    assert html.count('id="plan-step-') == 1


def test_a_plan_that_is_yet_to_be_made_has_its_place_and_a_plain_run_has_none() -> None:
    assert "it appears here when it is made" in page(make_run(status="running", waiting_on=""))
    plain = make_run({"planning": "none"})
    assert re.search(r'id="run-plan"[^>]* hidden', page(plain))


def test_a_run_that_stands_alone_asks_nothing_of_plans_and_of_other_runs() -> None:
    plain, plans = make_run({"planning": "none"}), make_run()
    assert queries(plain) + 3 == queries(plans)  # its plans, and the runs below: two


def test_the_page_is_brought_up_to_date_with_its_plan() -> None:
    run = make_run()
    make_plan(run, {"key": "a", "status": "done"})
    client = factories.signed_in(factories.person(run.team))
    update = client.get(reverse("run-updates", args=[run.pk]), {"after": 0, "last": 0}).content.decode()
    assert re.search(r'id="run-plan"[^>]*hx-swap-oob="outerMorph"', update)
    assert 'id="plan-step-a" data-status="done"' in update


def test_runs_below_stand_as_a_tree_with_what_they_wait_for_and_what_all_of_it_costs() -> None:
    run = make_run({"planning": "none", "delegates_to": ["writer"]}, cost_usd=Decimal("0.50"))
    one = child(run, goal="Write the letter", status="waiting", waiting_on="approval", cost_usd=Decimal("0.25"))
    under = child(one, goal="Look it up", status="succeeded", ended_at=timezone.now(), cost_usd=Decimal("0.25"))
    html = page(run)
    tree = html.split("data-below", 1)[1].split("</section>", 1)[0]
    assert "with 2 runs below: $1.00" in tree
    assert tree.index(str(one.pk)) < tree.index(str(under.pk))
    assert tree.count('<ul class="twigs">') == 2
    assert "for an approval" in tree
    assert f'Waits for <a href="/runs/{one.pk}/"' in re.sub(r"\s+", " ", html)


def test_runs_below_are_no_steps_that_the_page_has_left_out() -> None:
    run = make_run()
    child(run)
    told = {"role": "user", "content": [{"type": "text", "text": "Go."}]}
    Step.objects.create(run=run, number=1, status="answered", fence=1, input=told, opened_at=timezone.now())
    html = page(run)
    assert 'id="step-1"' in html and 'class="gap"' not in html


def test_many_runs_below_cost_as_many_queries_as_one_and_the_list_ends() -> None:
    one, many = (make_run({"planning": "none", "delegates_to": ["writer"]}) for _ in "12")
    child(one)
    for _ in range(70):
        child(many)
    assert queries(many) == queries(one)
    html = page(many)
    assert html.count("<li data-run=") == 60
    assert "and 10 more" in html and "and 67 more runs" in html


def test_what_the_engine_tells_of_the_plans_steps_passes_for_nobodys_words() -> None:
    run = make_run()
    told = {"role": "user", "content": [{"type": "text", "text": filled("synthesis", outcomes='{"ok": "raw"}')}]}
    Step.objects.create(run=run, number=2, status="answered", fence=1, input=told, opened_at=timezone.now())
    html = page(run)
    assert "what became of the plan’s steps" in html
    assert "step-told" not in html and "&quot;raw&quot;" not in html


def test_a_run_of_a_plan_says_what_it_is_part_of() -> None:
    run = make_run(goal="Write the report")
    make_plan(run, {"key": "a", "title": "Collect figures"})
    html = page(child(run, plan_step=PlanStep.objects.get()))
    assert f'href="/runs/{run.pk}/#plan-step-a"' in html
    assert "Write the report" in html and "Collect figures" in html
    assert re.search(r'id="run-plan"[^>]* hidden', html)


def test_a_handed_over_call_links_to_its_run_and_back() -> None:
    run = make_run({"planning": "none", "delegates_to": ["writer"]}, goal="Write the report")
    step = factories.step(run, 4)
    call = factories.call(step, tool="delegate", status="executing", arguments={"agent": "writer", "goal": "Write."})
    below = child(run, parent_call=call, status="waiting", waiting_on="approval", steps=2)
    html = page(run)
    card = html.split(f'id="call-{call.pk}"', 1)[1].split("</section>", 1)[0]
    assert f'data-run="{below.pk}"' in card and f"/runs/{below.pk}/" in card and "2 steps" in card
    back = page(below)
    assert f'href="/runs/{run.pk}/#call-{call.pk}"' in back and "step 4" in back


def test_a_step_that_plans_says_what_came_of_it() -> None:
    run = make_run()
    for number, details in [(1, {"refused": "Step “a” comes after itself."}), (2, None)]:
        step = factories.step(run, number)
        step.kind, step.details, step.status = "plan", details, "answered"
        step.output = [{"type": "text", "text": '{"steps": []}'}]
        step.save()
    html = page(run)
    first, second = html.split('id="step-1"', 1)[1].split('id="step-2"', 1)
    assert "Step “a” comes after itself." in first and "It made a plan." not in first
    assert "It made a plan." in second


def test_a_run_that_carries_out_a_step_of_a_plan_can_be_forked_and_the_planned_one_cannot() -> None:
    run = make_run()
    make_plan(run, {"key": "a"})
    carrying = child(run, plan_step=PlanStep.objects.get(), only_tools=[])
    for one in (run, carrying):
        Step.objects.filter(pk=factories.step(one).pk).update(status="answered")
    assert reverse("run-fork", args=[carrying.pk, 1]) in page(carrying)
    assert reverse("run-fork", args=[run.pk, 1]) not in page(run)
