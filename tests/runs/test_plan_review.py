"""A plan in the review queue: drawn and told, changed in a form that loses nothing, and bound to what was shown."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from agentops.engine import plan_rules
from agentops.tools.registry import registry
from approvals.models import ApprovalRequest, ToolTier
from runs import plan_review
from runs.models import Plan, PlanStep, Run
from tests.api import factories

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script>\u202e</textarea><b>'
TOOLS = ["list_files", "read_file", "write_file"]


def step(key: str, *after: str, **more: Any) -> dict[str, Any]:
    words = {"key": key, "title": f"Do {key}", "instruction": f"Do {key} well.\nTwice."}
    return {**words, "tools": [], "after": list(after), "max_tool_calls": 0, **more}


def asked(*steps: dict[str, Any], done: tuple[str, ...] = (), **version: Any) -> ApprovalRequest:
    """A plan of these steps that waits for a person."""
    agent = factories.agent(
        factories.team(), **{"planning": "reviewed", "tools": TOOLS, "max_children": 20, "max_tool_calls": 9, **version}
    )
    run = factories.run(agent, status="waiting", waiting_on="approval")
    plan = Plan.objects.create(run=run, number=1, status="in_review")
    for position, key in enumerate(done):
        PlanStep.objects.create(
            plan=plan, position=position, key=key, title=f"Did {key}", status="done", max_tool_calls=0
        )
    made = plan_rules.check({"steps": list(steps)}, plan_review.room_of(run, frozenset(done)))
    plan_review.add_steps(plan, made, len(done))
    plan_review.ask(run, plan, 1, made)
    return ApprovalRequest.objects.get(subject_kind="plan", subject_id=str(plan.pk))


def client_of(request: ApprovalRequest, role: str = "approver") -> Client:
    return factories.signed_in(factories.person(request.team, role), headers={"HX-Request": "true"})


def three() -> ApprovalRequest:
    return asked(
        step("a", tools=["list_files"], max_tool_calls=2),
        step("b", "a", tools=["read_file", "list_files"], max_tool_calls=3),
        step("c", "b"),
    )


class Sent(HTMLParser):
    """What a browser sends of a form: its controls, ticked boxes, and nothing of buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: dict[str, list[str]] = {}
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        name = its.get("name")
        if tag == "textarea" and name:
            self._area = name
            self.data.setdefault(name, []).append("")
        elif tag == "input" and name and (its.get("type") != "checkbox" or "checked" in its):
            self.data.setdefault(name, []).append(its.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.data[self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            text = self.data[self._area][-1].removeprefix("\n")
            self.data[self._area][-1] = text.replace("\n", "\r\n")
            self._area = None


class Editor:
    """A person at the form, without a script: each press sends all of it and takes the next page."""

    def __init__(self, request: ApprovalRequest) -> None:
        self.request, self.client = request, client_of(request)
        self.address = f"/approvals/{request.pk}/arguments"
        self.take(self.client.get(self.address))

    def take(self, answer: Any) -> Any:
        self.status, self.html = answer.status_code, answer.content.decode()
        self.data = Sent(self.html).data
        return answer

    def press(self, button: str = "", **typed: Any) -> Editor:
        """`typed`: by name, with `__` for a dot."""
        data = self.data | {name.replace("__", "."): value for name, value in typed.items()}
        self.take(self.client.post(self.address, data | ({"to": button} if button else {})))
        return self

    def titles(self) -> list[str]:
        return [self.data[name][0] for name in sorted(self.data) if name.endswith(".title")]

    def values(self) -> list[dict[str, Any]]:
        """As the other tab shows it."""
        other = self.client.post(self.address, self.data | {"to": "json"})
        return list(json.loads(Sent(other.content.decode()).data["json"][0])["steps"])

    def now(self) -> ApprovalRequest:
        self.request.refresh_from_db()
        return self.request

    def fieldset(self, number: int) -> str:
        return self.html.split('<fieldset class="plan-edit"')[number]


# ── shown ──────────────────────────────────────────────────────────────────────────────────────


def shown(request: ApprovalRequest, role: str = "approver") -> str:
    return client_of(request, role).get(f"/approvals/{request.pk}").content.decode()


def test_a_plan_is_told_in_a_sentence_a_graph_and_a_list() -> None:
    request = three()
    ToolTier.objects.create(team=request.team, tool="read_file", tier="high")
    html = shown(request)
    assert "Helper wants to work by this plan" in html
    assert html.count('class="graph-node"') == 3 and html.count('class="graph-edge"') == 2
    part = html.split('id="plan-step-b"', 1)[1].split("</li>", 1)[0]
    assert "Do b" in part and "Do b well." in part and "at most 3 calls" in part
    assert 'href="#plan-step-a"' in part and "Do a" in part
    assert re.search(r'<code>read_file</code> <span class="tier" data-tier="high">', part)
    assert re.search(r'<code>list_files</code> <span class="tier" data-tier="low">', part)
    totals = re.sub(r"<[^>]+>", "", html.split('class="plan-totals"', 1)[1].split("</p>", 1)[0])
    assert "3 steps" in totals and "up to 5 tool calls" in totals and "1 begins at once" in totals
    assert totals.index("read_file") < totals.index("list_files")


def test_what_an_earlier_plan_has_done_is_part_of_the_picture() -> None:
    html = shown(asked(step("next", "old"), done=("old", "other")))
    assert "Did old" in html.split('id="plan-step-next"', 1)[1]
    assert html.count('class="graph-node" data-status="done"') == 1


def test_hostile_words_stay_words_in_what_is_shown_and_in_the_form() -> None:
    request = asked(step("a", title=HOSTILE, instruction=HOSTILE), step("b", "a"))
    for html in (shown(request), Editor(request).html):
        assert "<script>alert" not in html
        assert "<b>" not in html.replace("<b>1</b>", "").replace("<b>2</b>", "").replace("<b>0</b>", "")
    assert "\u202e" not in shown(request)
    assert "hidden characters" in Editor(request).html


def test_what_is_no_plan_is_shown_as_what_it_is() -> None:
    request = three()
    for arguments in ({"steps": "all of them"}, {"amount": 5}, {"steps": [1, {"tools": 7}, {"key": None}]}):
        ApprovalRequest.objects.filter(pk=request.pk).update(arguments=arguments)
        assert client_of(request).get(f"/approvals/{request.pk}").status_code == 200
    Run.objects.all().delete()
    assert client_of(request).get(f"/approvals/{request.pk}").status_code == 200


def test_a_changed_plan_shows_what_was_changed_and_by_whom() -> None:
    request = three()
    editor = Editor(request).press("remove:2").press("add")
    editor.press(step__1__title="Read all", step__1__instruction="Other words.", step__1__tools=["write_file"],
                 step__2__title="Sum up", step__2__instruction="Add it up.", step__2__after=["a"])  # fmt: skip
    assert editor.status == 200, editor.html
    html = shown(request)
    changed = html.split('id="plan-step-b"', 1)[1].split("</li>", 1)[0]
    assert "<del>Do b</del> <ins>Read all</ins>" in changed
    assert "<ins>Other words.</ins>" in changed and "<del>Do b well." in changed
    assert "<del><code>read_file</code></del>" in changed and "<ins><code>write_file</code>" in changed
    added = html.split('id="plan-step-step-3"', 1)[1].split("</li>", 1)[0]
    assert "added" in added and "Sum up" in added
    assert re.search(r'taken out</span> <del dir="auto">Do c</del>', html)
    assert "Changed by person-" in html
    untouched = html.split('id="plan-step-a"', 1)[1].split("</li>", 1)[0]
    assert "<del" not in untouched and "changed" not in untouched


def test_the_page_costs_as_many_queries_for_forty_steps_as_for_one(django_assert_max_num_queries: Any) -> None:
    many = asked(*(step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(40)), max_children=40)
    client = client_of(many)
    with django_assert_max_num_queries(20):
        html = client.get(f"/approvals/{many.pk}").content.decode()
    assert html.count('class="plan-step"') == 40
    with django_assert_max_num_queries(20):
        assert client.get(f"/approvals/{many.pk}/arguments").content.decode().count('class="plan-edit"') == 40


# ── the form ───────────────────────────────────────────────────────────────────────────────────


def test_what_nobody_touched_is_no_change() -> None:
    editor = Editor(three())
    assert editor.values() == editor.request.arguments["steps"]
    editor.press()
    assert editor.status == 422 and "Nothing is changed yet" in editor.html
    assert editor.now().status == "pending"


def test_every_button_keeps_what_was_typed() -> None:
    editor = Editor(three())
    typed = {"step__0__title": "Typed", "step__1__instruction": "Line\r\nline", "step__2__calls": "many"}
    editor.press("add", **typed).press("down:0").press("up:2").press("form").press("json")
    assert editor.data["tab"] == ["json"]
    editor.press("form")
    titles = editor.titles()
    assert titles == ["Do b", "Do c", "Typed", ""]
    assert editor.data["step.0.instruction"] == ["Line\r\nline"]
    assert editor.data["step.1.calls"] == ["many"]
    assert editor.now().status == "pending"


def test_a_new_step_has_a_key_that_nobody_typed_and_the_next_key() -> None:
    editor = Editor(asked(step("step-2"), step("x"), done=("step-3",))).press("add").press("add")
    keys = [editor.data[f"step.{n}.key"][0] for n in range(4)]
    assert keys[:2] == ["step-2", "x"] and len({*keys, "step-3"}) == 5
    assert re.search(r'name="step.3.title" [^>]*autofocus', editor.html)
    assert editor.html.count("autofocus") == 1


def test_what_came_after_a_step_that_is_taken_out_still_waits_for_what_was_before() -> None:
    editor = Editor(three()).press("remove:1")
    assert editor.titles() == ["Do a", "Do c"]
    assert editor.values()[1]["after"] == ["a"]
    assert "Put it back" in editor.html


def test_a_step_that_was_taken_out_comes_back_as_it_was_typed() -> None:
    editor = Editor(three()).press("remove:1", step__1__title="Typed").press("add")
    editor.press("restore:0")
    assert editor.titles() == ["Do a", "Typed", "Do c", ""]
    assert "b" in editor.values()[2]["after"]
    assert "Put it back" not in editor.html


def test_a_step_that_was_taken_out_in_the_json_can_be_put_back_in_the_form() -> None:
    editor = Editor(three()).press("json")
    editor.press("form", json=json.dumps({"steps": [step("a"), step("c", "a")]}))
    assert "Put it back" in editor.html
    assert editor.press("restore:0").titles() == ["Do a", "Do b", "Do c"]


def test_a_changed_plan_is_approved_as_the_form_holds_it() -> None:
    editor = Editor(three()).press(step__1__calls="4", step__1__tools=["read_file"], step__2__after=["a"])
    assert (editor.status, editor.now().status) == (200, "approved")
    b, c = editor.request.arguments["steps"][1:]
    assert (b["max_tool_calls"], b["tools"], c["after"]) == (4, ["read_file"], ["a"])
    assert editor.request.effect == "Work through this plan of 3 steps (up to 6 tool calls)"


def test_a_circle_is_told_at_the_steps_that_make_it_by_their_titles() -> None:
    editor = Editor(three()).press(step__0__after=["c"])
    assert editor.status == 422
    for number in (1, 2, 3):
        said = unescape(editor.fieldset(number))
        assert "in a circle: “Do a” → “Do c” → “Do b” → “Do a”" in said
    assert editor.now().status == "pending"
    assert editor.data["step.0.after"] == ["c"]


@pytest.mark.parametrize(
    ("typed", "at", "said"),
    [
        ({"step__0__title": " "}, 1, "This is needed."),
        ({"step__2__instruction": ""}, 3, "This is needed."),
        ({"step__1__title": "x" * 300}, 2, "It has 300 characters; at most 200 are allowed."),
        ({"step__0__calls": "two"}, 1, "A whole number"),
        ({"step__0__calls": "-1"}, 1, "A whole number"),
        ({"step__0__calls": "٣"}, 1, "A whole number"),
        ({"step__0__calls": "0"}, 1, "say how many calls it may make"),
        ({"step__0__tools": ["rm"], "step__0__calls": "1"}, 1, "The agent has no tool “rm”"),
        ({"step__2__after": ["nobody"]}, 3, "“nobody” is no step of this plan"),
        ({"step__2__after": ["c"]}, 3, "It comes after itself"),
    ],
)
def test_what_is_wrong_with_a_step_stands_at_its_field(typed: dict[str, Any], at: int, said: str) -> None:
    editor = Editor(three()).press(**typed)
    assert editor.status == 422
    assert [number for number in (1, 2, 3) if said in editor.fieldset(number)] == [at]
    assert 'aria-invalid="true"' in editor.fieldset(at) or "itself" in said
    assert editor.now().status == "pending"


def test_too_many_calls_and_no_steps_are_told_at_the_top() -> None:
    editor = Editor(three()).press(step__0__calls="8")
    assert editor.status == 422
    assert "may make 11 tool calls together; 9 are left" in editor.fieldset(0)
    assert editor.data["step.0.calls"] == ["8"]
    editor = Editor(three()).press("remove:0").press("remove:0").press("remove:0").press()
    assert editor.status == 422 and "Add at least one" in editor.html


def test_five_hundred_steps_are_refused_and_stay_in_the_json() -> None:
    editor = Editor(three()).press("json")
    many = json.dumps({"steps": [step(f"s{number}") for number in range(500)]})
    for button in ("", "form"):
        editor.press(button, json=many)
        assert editor.status == 422 and "500" in editor.html
        assert json.loads(editor.data["json"][0]) == json.loads(many)
    assert editor.now().status == "pending"


@pytest.mark.parametrize(
    "value",
    [
        {"steps": [], "more": 1},
        {"steps": "x"},
        {"steps": [7]},
        {"steps": [{"key": 3}]},
        {"steps": [{"key": "a", "tools": [1]}]},
        {"steps": [{"key": "a", "colour": "red"}]},
        {"steps": [{"key": "a", "max_tool_calls": 1.5}]},
    ],
)
def test_what_no_form_can_hold_stays_in_the_json_with_the_reason(value: Any) -> None:
    editor = Editor(three()).press("json").press("form", json=json.dumps(value))
    assert editor.status == 422
    assert "a form can" in editor.html or "can a form" in editor.html
    assert json.loads(editor.data["json"][0]) == value


def test_a_form_that_was_tampered_with_changes_nothing_and_breaks_nothing() -> None:
    editor = Editor(three())
    for button in ("remove:99", "remove:-1", "up:x", "restore:0", "down:²", "nonsense", "remove:"):
        assert editor.press(button).status == 200
    removed = ["{", "[]", '{"step": {"key": 1}, "at": 0, "followers": []}', '{"step": {"key": "z"}}']
    assert editor.press("form", removed=removed).status == 200
    assert editor.titles() == ["Do a", "Do b", "Do c"]


def test_a_plan_with_every_box_ticked_can_be_sent() -> None:
    every = list(registry.names())[:20]
    steps = (step(f"s{n}", *(f"s{m}" for m in range(n)), tools=every, max_tool_calls=1) for n in range(40))
    editor = Editor(asked(*steps, tools=every, max_children=40, max_tool_calls=100))
    assert editor.press(step__39__title="Another").status == 200
    assert editor.now().status == "approved"


def test_characters_that_no_database_stores_are_replaced() -> None:
    editor = Editor(three()).press(step__0__title="A\x00B")
    assert (editor.status, editor.now().arguments["steps"][0]["title"]) == (200, "A\ufffdB")


def test_other_teams_do_not_see_it_and_who_may_not_decide_cannot_change_it() -> None:
    request = three()
    address = f"/approvals/{request.pk}/arguments"
    stranger = factories.signed_in(factories.person(factories.team()))
    assert stranger.get(address).status_code == 404
    assert stranger.get(f"/approvals/{request.pk}").status_code == 404
    assert stranger.post(address, {"to": "add"}).status_code == 404
    viewer = client_of(request, "viewer")
    assert 'class="plan-edit"' not in viewer.get(address).content.decode()
    assert viewer.post(address, Editor(request).data | {"step.0.title": "Mine"}).status_code == 403
    assert "wants to work by this plan" in shown(request, "viewer")
    request.refresh_from_db()
    assert request.arguments["steps"][0]["title"] == "Do a"


def test_who_edits_too_late_learns_who_was_first() -> None:
    editor = Editor(three())
    other = client_of(editor.request)
    other.post(f"/approvals/{editor.request.pk}/decision", {"decision": "approve", "revision": "1"})
    editor.press(step__0__title="Late")
    assert editor.status == 409 and "Somebody was first" in editor.html


def test_without_a_script_the_whole_page_comes_back() -> None:
    request = three()
    plain = factories.signed_in(factories.person(request.team, "approver"))
    address = f"/approvals/{request.pk}/arguments"
    data = Sent(plain.get(address).content.decode()).data
    answer = plain.post(address, data | {"to": "add"})
    html = answer.content.decode()
    assert answer.status_code == 200 and html.startswith("<!doctype html>")
    assert html.count('class="plan-edit"') == 4


def test_a_plan_is_not_answered_in_a_tools_place() -> None:
    assert "place" in shown(three())
    assert "Answer in the tool" not in shown(three())
