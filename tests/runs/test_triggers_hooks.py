"""Webhooks: who is heard, what is taken out of a body, and that nothing starts twice."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from agentops.accounts.models import Membership, Role
from agentops.core.errors import InvalidInput
from agentops.rest import short_bodies, throttle
from agentops.rest.short_bodies import ShortBodies
from runs import actions, hooks
from runs.models import AgentVersion, Firing, Run, Trigger
from tests.api.problems import assert_problem

from . import factories

pytestmark = pytest.mark.django_db


def declared(name: str, kind: str = "text", required: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "kind": kind,
        "required": required,
        "help": "",
        "choices": [],
        "default": None,
    } | more


INPUTS = [
    declared("order", required=True),
    declared("count", "number"),
    declared("urgent", "yes_no"),
    declared("all", "long"),
]
MAPPING = {"order": "/order/id", "count": "/order/items/0/count", "urgent": "/urgent"}
BODY = {"order": {"id": "A-1042", "items": [{"count": 3}]}, "urgent": True}


def webhook(**options: Any) -> Trigger:
    of = factories.team()
    known = {"kind": "webhook", "name": "Orders", "goal": "Look at the order.", "mapping": MAPPING}
    found = factories.agent(of, inputs=options.pop("declared", INPUTS))
    owner = factories.person(of, Role.OPERATOR)
    return actions.create_trigger(owner, agent=found.name, **{**known, **options})


def send(to: Trigger, body: Any = BODY, *, at: int | None = None, secret: str = "", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int(time.time()) if at is None else at
    signed = {hooks.HEADER: hooks.sign(secret or hooks.secret_of(to), at, data)}
    return Client(enforce_csrf_checks=True).post(
        hooks.path_of(to), data, "application/json", headers={**signed, **headers}
    )


def test_a_delivery_starts_a_run_with_inputs_out_of_its_body() -> None:
    trigger = webhook(inputs={"all": "every one"}, priority=-1, limits={"max_steps": 4})
    answer = send(trigger, **{"X-AgentOps-Delivery": "d-1"})
    run = Run.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"result": "started", "reason": "", "run": str(run.pk), "delivery": "d-1"}
    assert run.inputs == {"order": "A-1042", "count": 3, "urgent": True, "all": "every one"}
    assert (run.goal, run.started_via, run.priority, run.max_steps) == ("Look at the order.", "webhook", -1, 4)
    assert run.started_by == trigger.owner


def test_what_comes_from_outside_taints_the_run_from_the_start() -> None:
    send(webhook())
    assert Run.objects.get().tainted_by == "webhook Orders"


def test_a_body_that_feeds_nothing_taints_nothing() -> None:
    send(webhook(mapping={}, declared=[]), {"any": "thing"})
    assert Run.objects.get().tainted_by == ""


@pytest.mark.parametrize("header", hooks.DELIVERY_HEADERS)
def test_a_delivery_sent_again_gets_the_same_run(header: str) -> None:
    trigger = webhook()
    first = send(trigger, **{header: "d-1"})
    again = send(trigger, at=int(time.time()) - 7, **{header: "d-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() and Run.objects.count() == 1
    assert send(trigger, at=int(time.time()) - 9, **{header: "d-2"}).status_code == 201


def test_without_a_number_the_signed_words_are_the_delivery() -> None:
    trigger, at = webhook(), int(time.time())
    assert [send(trigger, at=at).status_code for _ in range(2)] == [201, 200]
    assert send(trigger, at=at - 1).status_code == 201


def test_who_replays_it_under_another_number_starts_nothing() -> None:
    trigger, at = webhook(), int(time.time())
    first = send(trigger, at=at, **{"X-AgentOps-Delivery": "d-1"})
    replayed = send(trigger, at=at, **{"X-AgentOps-Delivery": "d-2"})
    assert replayed.status_code == 200 and replayed.json() == first.json()
    assert Run.objects.count() == 1
    meant = send(trigger, BODY | {"sent": "d-2"}, at=at, **{"X-AgentOps-Delivery": "d-2"})
    assert meant.status_code == 201 and meant.json()["delivery"] == "d-2"


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_five_times_at_once_starts_one_run() -> None:
    trigger = webhook()
    body = json.dumps(BODY).encode()
    answers = factories.at_once(*[lambda: send(trigger, body, **{"X-AgentOps-Delivery": "d-1"}).status_code] * 5)
    assert sorted(answers) == [200, 200, 200, 200, 201] and Run.objects.count() == 1


NOW = 1_800_000_000


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"t={NOW}",
        "v1=" + "0" * 64,
        f"t={NOW},v1=" + "0" * 64,
        f"t={NOW},v1=" + "0" * 63,
        f"t=-{NOW},v1=" + "0" * 64,
        "t=" + "9" * 40 + ",v1=" + "0" * 64,
        hooks.sign("hook_another", NOW, b"{}"),
        hooks.sign("hook_secret", NOW, b"{ }"),
        hooks.sign("hook_secret", NOW, b"{}").upper(),
        hooks.sign("hook_secret", NOW, b"{}").replace(str(NOW), str(NOW + 1)),
        hooks.sign("hook_secret", NOW - 301, b"{}"),
        hooks.sign("hook_secret", NOW + 301, b"{}"),
    ],
)
def test_a_signature_that_is_not_right_is_none(header: str) -> None:
    with pytest.raises(hooks.Unsigned):
        hooks.check_signature(header, b"{}", "hook_secret", NOW)


@pytest.mark.parametrize("off", [-300, -1, 0, 299.5, 300])
def test_clocks_may_differ_by_five_minutes(off: float) -> None:
    header = hooks.sign("hook_secret", NOW, b"{}")
    assert hooks.check_signature(header, b"{}", "hook_secret", NOW + off) == NOW


@pytest.mark.parametrize("seconds", [-301 - 5, 301 + 5])
def test_an_unsigned_an_old_and_a_future_delivery_are_refused(seconds: int) -> None:
    trigger = webhook()
    assert_problem(send(trigger, secret="hook_wrong"), 401)
    answer = send(trigger, at=int(time.time()) + seconds)
    assert "5 minutes" in assert_problem(answer, 401)["detail"]
    assert answer["WWW-Authenticate"] == hooks.HEADER
    assert not Run.objects.exists() and not Firing.objects.exists()


def test_a_secret_is_its_webhooks_own_and_ends_when_it_is_replaced() -> None:
    trigger, other = webhook(), webhook()
    old = hooks.secret_of(trigger)
    assert len(old) == 48 and old != hooks.secret_of(other)
    assert_problem(send(trigger, secret=hooks.secret_of(other)), 401)
    changed = actions.replace_secret(factories.admin(trigger.team), trigger)
    assert_problem(send(trigger, secret=old), 401)
    assert send(changed).status_code == 201


def test_the_secret_is_stored_nowhere() -> None:
    trigger = webhook()
    send(trigger)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{hooks.secret_of(trigger)[5:]}%"]
            )
            assert cursor.fetchone() == (0,), table


def test_nobody_is_there_at_another_address_nor_at_a_schedules() -> None:
    trigger = webhook()
    Trigger.objects.update(kind="schedule")
    assert_problem(send(trigger), 404)
    assert Client().get(hooks.path_of(trigger)).status_code == 405


def test_a_webhook_that_is_switched_off_says_so_to_who_signs() -> None:
    made = webhook()
    trigger = actions.switch_trigger(factories.admin(made.team), made, active=False)
    assert "switched off" in assert_problem(send(trigger), 409)["detail"]
    assert_problem(send(trigger, secret="hook_wrong"), 401)
    assert not Run.objects.exists()


WRONG: list[tuple[str, Any, str, str]] = [
    ("nothing there", {"order": {}}, "inputs.order", "nothing at /order/id"),
    ("null", {"order": {"id": None}}, "inputs.order", "needed"),
    ("an object for a text", {"order": {"id": {}}}, "inputs.order", "must be text"),
    ("a text for a number", {"order": {"id": "1", "items": [{"count": "3"}]}}, "inputs.count", "must be a number"),
    ("a text for yes or no", {"order": {"id": "1"}, "urgent": "yes"}, "inputs.urgent", "yes or no"),
    ("a text of a megabyte less", {"order": {"id": "x" * 100_000}}, "inputs.order", "characters"),
]


@pytest.mark.parametrize(("body", "field", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_body_that_does_not_fit_is_refused_by_its_field_and_kept_in_the_history(
    body: Any, field: str, words: str
) -> None:
    trigger = webhook()
    detail = assert_problem(send(trigger, body), 422, field)["detail"]
    assert words in detail
    fired = trigger.firings.get()
    assert (fired.result, fired.reason, fired.run) == ("refused", detail, None)
    assert not Run.objects.exists()


def test_what_was_refused_may_come_again() -> None:
    trigger = webhook()
    Membership.objects.update(role=Role.VIEWER)
    assert "may start no runs" in assert_problem(send(trigger, **{"X-AgentOps-Delivery": "d-1"}), 403)["detail"]
    Membership.objects.update(role=Role.OPERATOR)
    assert send(trigger, **{"X-AgentOps-Delivery": "d-1"}).status_code == 201
    assert [fired.result for fired in trigger.firings.all()] == ["started"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"n": NaN}', 400, None),
        (b"[" * 50_000, 400, None),
        (b"[1]", 422, "body"),
        (b'"text"', 422, "body"),
        (b"null", 422, "body"),
        (b'{"order": {"id": "a\\u0000b"}}', 422, "order.id"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, status: int, field: str | None) -> None:
    assert_problem(send(webhook(), body), status, field)
    assert not Run.objects.exists()


def test_a_delivery_while_the_last_run_lives_is_left_out_where_that_is_wanted() -> None:
    trigger = webhook(overlap=False)
    assert send(trigger, **{"X-AgentOps-Delivery": "d-1"}).status_code == 201
    at = int(time.time()) - 3
    left_out = send(trigger, at=at, **{"X-AgentOps-Delivery": "d-2"})
    assert (left_out.status_code, left_out.json()["result"]) == (200, "skipped")
    Run.objects.update(status="succeeded", ended_at=timezone.now())
    assert send(trigger, at=at - 1, **{"X-AgentOps-Delivery": "d-3"}).status_code == 201


def test_a_long_or_garbled_number_of_a_delivery_is_refused() -> None:
    for number in ("x" * 151, "a\tb"):
        assert_problem(
            send(webhook(name=number[:2].strip() or "x"), **{"X-AgentOps-Delivery": number}), 422, "X-AgentOps-Delivery"
        )


def test_too_many_deliveries_and_too_many_bad_signatures_are_told_when_to_come_again(settings: Any) -> None:
    throttle._client.cache_clear()
    settings.AGENTOPS_DELIVERIES_A_MINUTE, settings.AGENTOPS_API_REFUSALS_A_MINUTE = 2, 2
    trigger, other = webhook(), webhook()
    now = int(time.time())
    answers = [send(trigger, at=now - n) for n in range(5)]
    assert [answer.status_code for answer in answers][:2] == [201, 201] and answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    assert send(other).status_code == 201
    client = Client(REMOTE_ADDR="203.0.113.7")
    bad = [client.post(hooks.path_of(other), b"{}", "application/json").status_code for _ in range(5)]
    assert bad[0] == 401 and bad[-1] == 429


def test_a_numbers_text_and_a_whole_body_may_be_inputs() -> None:
    trigger = webhook(mapping={"order": "/id", "all": ""})
    send(trigger, {"id": 17, "x": [1]})
    assert Run.objects.get().inputs == {"order": "17", "all": json.dumps({"id": 17, "x": [1]}, indent=2)}


def test_an_agent_that_declares_nothing_takes_what_is_mapped() -> None:
    trigger = webhook(declared=[], mapping={"a": "/a", "b": "/b", "c": "/c"})
    send(trigger, {"a": 1.5, "b": {"x": "y"}})
    assert Run.objects.get().inputs == {"a": 1.5, "b": json.dumps({"x": "y"}, indent=2)}


def test_what_the_agent_asks_for_by_now_counts() -> None:
    trigger = webhook(mapping={"order": "/order/id"})
    AgentVersion.objects.update(inputs=[declared("colour", required=True)])
    assert_problem(send(trigger), 422, "inputs.order")


RFC = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7, "~1": 9}
"""As in RFC 6901, section 5."""


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", RFC), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/m~0n", 8),
     ("/ ", 7), ("/~01", 9)],
)  # fmt: skip
def test_a_place_is_a_json_pointer(pointer: str, value: Any) -> None:
    hooks.check_pointer(pointer, "mapping.x")
    assert hooks.at(RFC, pointer) == value


@pytest.mark.parametrize(
    "pointer", ["/foo/2", "/foo/-", "/foo/00", "/foo/bar", "/foo/0/x", "/nothing", "/foo/-1", "/foo/²"]
)
def test_a_place_that_is_not_there_holds_nothing(pointer: str) -> None:
    assert hooks.at(RFC, pointer) is hooks._MISSING


@pytest.mark.parametrize("pointer", ["order", "$.order", "/a~b", "/a~2", "/\x00", "/" + "x" * 300, 7, None, ["/a"]])
def test_what_is_no_place_is_refused_when_it_is_written(pointer: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        webhook(mapping={"order": pointer})
    assert refused.value.field == "mapping.order"


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("mapping.colour", {"mapping": {"order": "/o", "colour": "/c"}}),
        ("mapping", {"mapping": {f"n{n}": "/n" for n in range(30)}}),
        ("inputs.order", {"mapping": {}}),
        ("inputs.count", {"inputs": {"count": "many"}}),
        ("cron", {"cron": "* * * * *"}),
    ],
)
def test_a_webhook_that_cannot_work_is_not_made(field: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        webhook(**options)
    assert refused.value.field == field and not Trigger.objects.exists()


def test_a_body_beyond_the_limit_is_refused() -> None:
    trigger = webhook()
    assert_problem(send(trigger, b'{"x": "' + b"x" * hooks.MOST_BYTES + b'"}'), 413)
    assert_problem(send(trigger, b'{"x": "' + b"x" * 10_000_000 + b'"}'), 413)
    assert not Run.objects.exists()


class Sender:
    """Sends a long body piece by piece, and counts the pieces that were taken."""

    def __init__(self, pieces: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.pieces, self.taken, self.said = pieces, 0, []  # type: ignore[var-annotated]
        self.answered_after = -1
        self.scope = {"type": "http", "path": "/hooks/x", "headers": headers}

    async def receive(self) -> dict[str, Any]:
        self.taken += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": self.taken < self.pieces}

    async def send(self, message: Any) -> None:
        if not self.said:
            self.answered_after = self.taken
        self.said.append(message)

    def status(self) -> int:
        async def inside(scope: Any, receive: Any, send: Any) -> None:
            message = await receive()
            await send({"status": 200, "body": message["body"]})

        asyncio.run(ShortBodies(inside, "/hooks/", hooks.MOST_BYTES)(self.scope, self.receive, self.send))
        return int(self.said[0]["status"])


def test_ten_megabytes_are_refused_before_they_are_read_and_let_go_by() -> None:
    announced = Sender(160, [(b"content-length", b"10485760")])
    assert (announced.status(), announced.answered_after, announced.taken) == (413, 0, 160)
    hidden = Sender(160, [])
    assert (hidden.status(), hidden.answered_after, hidden.taken) == (413, 5, 160)
    lying = Sender(160, [(b"content-length", b"10")])
    assert (lying.status(), lying.answered_after, lying.taken) == (413, 5, 160)
    assert json.loads(hidden.said[1]["body"])["status"] == 413


def test_of_an_endless_body_no_more_is_let_by_than_the_bounds_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Sender(10**9, [])
    assert (endless.status(), endless.taken) == (413, 5 + short_bodies.LET_BY // 65_536)

    class Silent(Sender):
        async def receive(self) -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(short_bodies, "LET_BY_SECONDS", 0.01)
    assert Silent(1, [(b"content-length", b"10485760")]).status() == 413


def test_a_short_body_arrives_whole_in_one_piece() -> None:
    short = Sender(4, [])
    assert short.status() == 200 and len(short.said[0]["body"]) == 4 * 65_536
