"""One of everything in one team, everybody who could ask for it, and what each of them is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from django.contrib.auth.models import User
from django.contrib.messages import constants, get_messages
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from agentops.accounts.access import SCOPES, Actor
from agentops.accounts.models import AccessChange, Role
from agentops.accounts.tokens import create_token
from approvals.actions import publish_policy
from approvals.models import Policy, Rule
from runs.models import Budget, OutboxMessage, SavedView, Trigger
from tests.api import factories

WRITE = re.compile(r'^(INSERT INTO|UPDATE|DELETE FROM) "(?!django_session|accounts_signinfailure|accounts_apitoken)')
REFUSED = re.compile(r"You may not|; .+ can\.|Only a superuser|superuser can")


class World:
    def __init__(self) -> None:
        self.team = team = factories.team("home")
        agent = factories.agent(team, "helper")
        run = factories.run(agent)
        run.plans.create(number=1, status="done")
        step = factories.step(run)
        call = factories.call(step, status="in_doubt")
        request = factories.held(factories.run(agent))
        self.member = factories.person(team, Role.VIEWER)
        root = factories.person(is_superuser=True)
        policy = Policy.objects.create(team=team)
        Rule.objects.create(policy=policy, position=1, name="All", tool="*", tier="high")
        self.people: dict[str, User] = {role.value: factories.person(team, role) for role in Role}
        self.people |= {"stranger": factories.person(factories.team("elsewhere")), "superuser": root}
        self.people["deactivated"] = factories.person(team)
        publish_policy(Actor(self.people["admin"]), policy)
        budget = Budget.objects.create(team=team, period="day", limit_usd=5)
        mail = OutboxMessage.objects.create(run=run, message_id="<1@home>", recipient="a@example.com", subject="s")
        view = SavedView.objects.create(owner=self.member, team=team, name="Shared", query="status=live")
        hook = Trigger.objects.create(team=team, kind="webhook", name="Hook", agent=agent, goal="Do it.", owner=root)
        token, _ = create_token(self.member, "script", ["runs:read"])
        change = AccessChange.objects.create(kind="roles", by=self.member, by_name="x", person=self.member, team=team)
        sign_in = factories.signed_in(self.member) and self.member.sign_ins.get()  # type: ignore[attr-defined]
        self.values: dict[str, Any] = {
            "run_id": run.pk,
            "call_id": call.pk,
            "request_id": request.pk,
            "number": 1,
            "team": team.slug,
            "team_id": team.pk,
            "name": agent.name,
            "budget_id": budget.pk,
            "message_id": mail.pk,
            "view_id": view.pk,
            "trigger_id": hook.pk,
            "token_id": token.pk,
            "person_id": self.member.pk,
            "username": self.member.username,
            "change_id": change.pk,
            "sign_in_id": sign_in.pk,
            "model": "claude-sonnet-4-5",
            "uidb64": "MQ",
            "token": "set-password",
            "tool": "read_file",
        }
        self.clients = {"anonymous": Client(), **{who: factories.signed_in(user) for who, user in self.people.items()}}
        # Programs of the team's admin, and of a superuser, that may do one thing alone, or all but one.
        self.tokens = {scope: factories.caller(self.people["admin"], scope) for scope in SCOPES}
        self.tokens_without = {scope: factories.caller(root, *(set(SCOPES) - {scope})) for scope in SCOPES}
        User.objects.filter(pk=self.people["deactivated"].pk).update(is_active=False)

    def ask(self, client: Client, method: str, route: str, body: Any = None) -> tuple[str, list[str]]:
        """What came of it, in a word, and the statements that changed something. All is rolled back."""
        address, cookies = self.address(route), deepcopy(client.cookies)
        connection.queries_log.clear()  # Django keeps the last 9,000 of a transaction; the world is one
        with transaction.atomic(), CaptureQueriesContext(connection) as asked:
            if route.startswith("api/"):
                text = json.dumps(body if body is not None else {})
                answer: Any = client.generic(method, address, text if method != "GET" else "", "application/json")
            else:
                answer = getattr(client, method.lower())(address, body or {}, headers={"HX-Request": "true"})
            said = outcome(answer)
            transaction.set_rollback(True)
        client.cookies = cookies  # signing out, say, is undone in the browser too
        return said, [each["sql"] for each in asked if WRITE.match(each["sql"])]

    def address(self, route: str) -> str:
        values = self.values | ({"name": self.values["tool"]} if "tools/" in route else {})
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), route)


def outcome(answer: Any) -> str:
    """in, 422, no (403, or sent back with a refusal), gone (404), or sign-in."""
    if answer.status_code == 401 or (answer.status_code == 302 and "/sign-in/" in answer["Location"]):
        return "sign-in"
    if answer.status_code in {403, 404}:
        return {403: "no", 404: "gone"}[answer.status_code]
    assert answer.status_code != 500, answer.content[:500]
    if answer.status_code == 422:
        return "422"
    if answer.status_code == 302:
        errors = [str(m) for m in get_messages(answer.wsgi_request) if m.level == constants.ERROR]
        if any(REFUSED.search(error) for error in errors):
            return "no"
    return "in"


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site but Django's admin, as the resolver writes it."""
    yield from _walk(get_resolver().url_patterns, "")


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route)
        else:
            yield route, each
