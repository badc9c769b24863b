"""Pages of triggers without a browser: the list, both forms, the history, and who may do what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.access import Actor
from agentops.accounts.models import Membership, Role, Team
from runs import actions, hooks
from runs.models import Firing, Run, Trigger
from tests.api import factories

pytestmark = pytest.mark.django_db

INPUTS = [
    {"name": "order", "label": "Order", "kind": "text", "required": True, "help": "", "choices": [], "default": None},
    {
        "name": "urgent",
        "label": "Urgent",
        "kind": "yes_no",
        "required": False,
        "help": "",
        "choices": [],
        "default": None,
    },
]


class Desk:
    """A team with an agent, and a person at the console."""

    def __init__(self, role: Role = Role.OPERATOR, inputs: list[Any] | None = None) -> None:
        self.team: Team = factories.team()
        self.agent = factories.agent(self.team, "helper", inputs=INPUTS if inputs is None else inputs)
        self.user: User = factories.person(self.team, role)
        self.client: Client = factories.signed_in(self.user)

    @property
    def typed(self) -> dict[str, str]:
        return {"agent": f"{self.team.slug}/helper", "goal": "Look.", "priority": "0", "name": "Mail"}

    def schedule(self, **typed: str) -> Any:
        times = {"kind": "schedule", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "missed": "once"}
        return self.client.post(reverse("trigger-new"), {**self.typed, **times, "input.order": "A-1", **typed})

    def webhook(self, **typed: str) -> Any:
        known = {"kind": "webhook", "map.order": "/order/id", "overlap": "yes"}
        return self.client.post(reverse("trigger-new"), {**self.typed, **known, **typed})

    def read(self, name: str, *parts: Any, **query: str) -> str:
        answer = self.client.get(reverse(name, args=parts), query)
        assert answer.status_code == 200, answer.status_code
        return text_of(answer)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_empty_list_says_what_to_do_first(desk: Desk) -> None:
    page = desk.read("triggers")
    assert "Nothing starts by itself yet" in page and "New schedule" in page and "New webhook" in page
    viewer = factories.signed_in(factories.person(desk.team, Role.VIEWER))
    page = text_of(viewer.get(reverse("triggers")))
    assert "New schedule" not in page and "An operator or an admin" in page


def test_a_schedule_is_made_and_shown_with_its_next_times(desk: Desk) -> None:
    answer = desk.schedule(**{"input.urgent": "yes", "max_cost_usd": "0.25"})
    trigger = Trigger.objects.get()
    assert (answer.status_code, answer.url) == (302, reverse("trigger", args=[trigger.pk]))
    assert (trigger.inputs, trigger.limits) == ({"order": "A-1", "urgent": True}, {"max_cost_usd": "0.25"})
    page = desk.read("trigger", trigger.pk)
    assert "At 09:00 on Monday through Friday" in page and "0 9 * * 1-5" in page and "Europe/Berlin" in page
    assert len(re.findall(r'<time [^>]*data-time="exact"', page)) == 5
    assert "It has not fired yet." in page and "Test now" in page
    listed = desk.read("triggers")
    assert "Mail" in listed and "never yet" in listed and "At 09:00 on Monday through Friday" in listed


def test_times_are_written_in_the_persons_zone(desk: Desk) -> None:
    desk.client.post(reverse("settings-profile"), {"name": "Ada", "email": "", "time_zone": "Asia/Kathmandu"})
    desk.schedule(cron="0 9 1 1 *", timezone="UTC")
    assert "-01-01 14:45:00" in desk.read("trigger", Trigger.objects.get().pk)


ERRORS = [
    ({"cron": "61 * * * *"}, "The minute is 0 to 59"),
    ({"timezone": "Mars/Olympus"}, "There is no time zone"),
    ({"goal": " "}, "Say what the agent is to do each time"),
    ({"name": ""}, "Give it a name"),
    ({"agent": "nobody"}, "Choose an agent from the list"),
    ({"missed": "all"}, "start together"),
    ({"missed": "sometimes"}, "Missed times are left out"),
    ({"priority": "9"}, "Choose a priority"),
    ({"input.order": ""}, "This is needed to start"),
    ({"input.colour": "red"}, "It asks for no input"),
    ({"max_steps": "many"}, "Write a number"),
    ({"max_steps": "31"}, "own limit is 30"),
]


@pytest.mark.parametrize(("typed", "words"), ERRORS, ids=[words for _, words in ERRORS])
def test_what_cannot_work_comes_back_with_what_was_typed(desk: Desk, typed: dict[str, str], words: str) -> None:
    answer = desk.schedule(**typed)
    page = text_of(answer)
    assert answer.status_code == 422 and words in page and 'role="alert"' in page
    for name, value in {"name": "Mail", "goal": "Look.", **typed}.items():
        if name in ("name", "goal", "cron", "timezone") and value.strip():
            assert value in page
    assert not Trigger.objects.exists()


def test_a_webhook_is_made_and_its_secret_shown_this_once(desk: Desk) -> None:
    answer = desk.webhook()
    trigger = Trigger.objects.get()
    secret = hooks.secret_of(trigger)
    page = text_of(answer)
    assert answer.status_code == 201 and secret in page and "not shown again" in page
    assert "no-store" in answer["Cache-Control"]
    assert (trigger.mapping, trigger.overlap, trigger.owner) == ({"order": "/order/id"}, True, desk.user)
    again = desk.read("trigger", trigger.pk)
    assert secret not in again and f"http://testserver/hooks/{trigger.pk}" in again and hooks.HEADER in again
    assert "&quot;order&quot;: {" in again, "a body to try it with"


def test_a_replaced_secret_is_shown_once_too(desk: Desk) -> None:
    desk.webhook()
    before = Trigger.objects.get()
    page = text_of(desk.client.post(reverse("trigger-secret", args=[before.pk])))
    assert hooks.secret_of(Trigger.objects.get()) in page and hooks.secret_of(before) not in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"map.order": "order"}, "A place begins with /"),
        ({"map.order": ""}, "This is needed to start"),
        ({"map.colour": "/c"}, "asks for no input"),
    ],
)
def test_a_place_that_is_none_is_said_beside_its_field(desk: Desk, typed: dict[str, str], words: str) -> None:
    answer = desk.webhook(**typed)
    assert answer.status_code == 422 and words in text_of(answer)
    assert not Trigger.objects.exists()


def test_an_agent_that_asks_for_nothing_gets_what_is_named(desk: Desk) -> None:
    desk = Desk(inputs=[])
    desk.webhook(places="order_id /order/id\nall *")
    trigger = Trigger.objects.get()
    assert trigger.mapping == {"order_id": "/order/id", "all": ""}
    page = desk.read("trigger-edit", trigger.pk)
    assert "order_id /order/id" in page and "all *" in page
    assert "is not a name and a place" in text_of(desk.webhook(name="Other", places="order_id"))


def test_editing_shows_what_is_stored_and_saves_it_in_ones_own_name(desk: Desk) -> None:
    desk.schedule(**{"input.urgent": "no", "max_steps": "7"})
    trigger = Trigger.objects.get()
    other = factories.person(desk.team, Role.OPERATOR)
    client = factories.signed_in(other)
    page = text_of(client.get(reverse("trigger-edit", args=[trigger.pk])))
    typed = dict(re.findall(r'<input[^>]* name="([\w.]+)"[^>]*? value="([^"]*)"', page))
    assert (typed["cron"], typed["input.order"], typed["max_steps"]) == ("0 9 * * 1-5", "A-1", "7")
    assert re.search(r'name="input.urgent" value="no" checked', page)
    sent = {
        **desk.typed,
        **typed,
        "agent": desk.typed["agent"],
        "input.urgent": "no",
        "missed": "skip",
        "goal": "Else.",
    }
    answer = client.post(reverse("trigger-edit", args=[trigger.pk]), sent)
    assert answer.status_code == 302, text_of(answer)
    changed = Trigger.objects.get()
    assert (changed.goal, changed.missed, changed.limits, changed.owner) == ("Else.", "skip", {"max_steps": 7}, other)
    assert changed.next_at == trigger.next_at
    stale = client.post(reverse("trigger-edit", args=[trigger.pk]), {**sent, "goal": "Once more."})
    assert stale.status_code == 409 and "meanwhile" in text_of(stale)


def test_the_form_asks_what_another_agent_asks(desk: Desk) -> None:
    key = f"{desk.team.slug}/helper"
    assert 'name="input.order"' in desk.read("trigger-inputs", agent=key, kind="schedule")
    webhook = desk.read("trigger-inputs", agent=key, kind="webhook")
    assert 'name="map.order"' in webhook and 'name="input.order"' in webhook
    assert 'name="input' not in desk.read("trigger-inputs", agent="no/body", kind="schedule")


def test_the_form_says_when_it_would_be_due_or_what_is_wrong(desk: Desk) -> None:
    page = desk.read("trigger-times", cron="0 9 * * *", timezone="UTC")
    assert "At 09:00 every day" in page and page.count("<time ") == 5
    assert "The minute is 0 to 59" in desk.read("trigger-times", cron="61 * * * *", timezone="UTC")


def test_nobody_without_an_agent_to_start_gets_a_form() -> None:
    viewer = Desk(Role.VIEWER)
    assert "No agent that you may start" in viewer.read("trigger-new")
    assert viewer.schedule().status_code == 422 and not Trigger.objects.exists()


def test_trying_a_schedule_leads_to_its_run_and_marks_it_a_test(desk: Desk) -> None:
    desk.schedule()
    trigger = Trigger.objects.get()
    sent = [desk.client.post(reverse("trigger-test", args=[trigger.pk]), {"key": "k"}) for _ in range(2)]
    run = Run.objects.get()
    assert {answer.url for answer in sent} == {reverse("run", args=[run.pk])}
    assert f"test by {desk.user.username}" in desk.read("trigger", trigger.pk)
    assert run.pk and "Queued" in desk.read("triggers")


def test_trying_a_webhook_takes_a_body_and_says_what_is_wrong_with_it(desk: Desk) -> None:
    desk.webhook()
    trigger = Trigger.objects.get()
    address = reverse("trigger-test", args=[trigger.pk])
    for body, words in [
        ("", "not JSON"),
        ("[1]", "JSON object"),
        ('{"order": {}}', "nothing at /order/id"),
        ("{" + " " * hooks.MOST_BYTES + "}", "too large"),
    ]:
        answer = desk.client.post(address, {"body": body})
        assert answer.status_code == 422 and words in text_of(answer), words
    assert not Run.objects.exists()
    assert desk.client.post(address, {"body": '{"order": {"id": "A-7"}}'}).status_code == 302
    assert Run.objects.get().inputs == {"order": "A-7"}


def test_it_is_switched_off_and_on_from_the_list(desk: Desk) -> None:
    desk.schedule()
    address = reverse("trigger-switch", args=[Trigger.objects.get().pk])
    assert desk.client.post(address, {"active": "no", "back": "list"}).url == reverse("triggers")
    assert "switched off" in desk.read("triggers") and Trigger.objects.get().next_at is None
    desk.client.post(address, {"active": "yes"})
    assert Trigger.objects.get().next_at is not None


def test_deleting_asks_first_and_leaves_the_runs(desk: Desk) -> None:
    desk.schedule()
    trigger = Trigger.objects.get()
    desk.client.post(reverse("trigger-test", args=[trigger.pk]))
    assert "Delete Mail?" in desk.read("trigger", trigger.pk)
    assert desk.client.post(reverse("trigger-delete", args=[trigger.pk])).url == reverse("triggers")
    assert not Trigger.objects.exists() and Run.objects.count() == 1


def test_a_page_says_when_its_owner_may_start_nothing_any_more(desk: Desk) -> None:
    desk.schedule()
    Membership.objects.update(role=Role.VIEWER)
    admin = factories.signed_in(factories.person(desk.team))
    page = text_of(admin.get(reverse("trigger", args=[Trigger.objects.get().pk])))
    assert "It would start nothing now." in page and desk.user.username in page


def test_a_long_history_goes_page_by_page(desk: Desk) -> None:
    desk.schedule()
    trigger = Trigger.objects.get()
    Firing.objects.bulk_create(
        Firing(trigger=trigger, key=str(n), result="refused", reason=f"reason {n:02}") for n in range(45)
    )
    page = desk.read("trigger", trigger.pk)
    assert page.count('data-result="refused"') == 30
    older = re.search(r"cursor=([^\"]+)\">Older", page)
    assert older
    rest = text_of(desk.client.get(f"{reverse('trigger', args=[trigger.pk])}?cursor={older[1]}"))
    assert rest.count('data-result="refused"') == 15 and "Older" not in rest
    seen = set(re.findall(r"reason (\d\d)", page)) | set(re.findall(r"reason (\d\d)", rest))
    assert len(seen) == 45


def test_the_list_asks_the_database_as_often_for_many_as_for_few(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    actor = Actor(desk.user)
    for n in range(30):
        trigger = actions.create_trigger(
            actor, kind="webhook", agent="helper", name=f"Hook {n}", goal="Look.", mapping={"order": "/o"}
        )
        actions.try_trigger(actor, trigger, key="k", body={"o": "A"})
    with django_assert_max_num_queries(12):
        assert "Hook 29" in desk.read("triggers")
    assert "Hook 7" in desk.read("triggers", q="hook 7") and "Hook 8" not in desk.read("triggers", q="hook 7")
    assert "Nothing has this name" in desk.read("triggers", q="zzz")


def test_runs_are_found_by_what_started_them(desk: Desk) -> None:
    desk.schedule()
    Trigger.objects.update(next_at=timezone.now())
    actions.fire_due()
    run = Run.objects.get()
    assert str(run.pk) in desk.read("runs", via="schedule")
    assert str(run.pk) not in desk.read("runs", via="webhook")


def test_hostile_words_stay_words(desk: Desk) -> None:
    hostile = "<script>alert(1)</script>'\"; $(rm -rf /)"
    desk.webhook(name=hostile, goal=hostile, **{"map.order": "/" + hostile})
    page = desk.read("trigger", Trigger.objects.get().pk)
    assert "<script>alert" not in page and "<script>alert" not in desk.read("triggers")
