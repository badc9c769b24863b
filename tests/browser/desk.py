"""A team with an agent and people, runs of scripts, and pages that people have open."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from agentops.accounts.access import SCOPES, Actor
from agentops.accounts.tokens import create_token
from approvals.models import ApprovalRequest, ToolTier
from runs.actions import cancel_run, start_run
from runs.models import Run
from tests.acceptance.stack import eventually
from tests.api import factories

from .site import Site

MODEL = "sim-browser"
TOOLS = ["look", "pay", "register", "publish"]
SLOW = 30_000
"""Milliseconds for what workers have to do first; all else has Playwright's own patience."""


class Desk:
    def __init__(self, site: Site, browser: Browser) -> None:
        self.site = site
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._said: list[str] = []
        self.expected: list[str] = []
        """Parts of console messages that the test provokes."""
        self.team = factories.team()
        self.person = factories.person(self.team)
        self.agent = factories.agent(
            self.team, tools=TOOLS, model_chain=[MODEL], max_output_tokens=1024, max_seconds=600
        )

    def context(self, who: User | None = None, **options: Any) -> BrowserContext:
        """A browser of its own, signed in as `who`; as nobody when None."""
        made = self._browser.new_context(base_url=self.site.url, **options)
        self._contexts.append(made)
        made.on("console", lambda said: self._said.append(said.text) if said.type in {"error", "warning"} else None)
        made.on("weberror", lambda thrown: self._said.append(str(thrown.error)))
        if who:
            name = settings.SESSION_COOKIE_NAME
            value = factories.signed_in(who).cookies[name].value
            made.add_cookies([{"name": name, "value": value, "url": self.site.url}])
        return made

    def page(self, path: str, who: User | None = None, **options: Any) -> Page:
        page = self.context(who or self.person, **options).new_page()
        page.goto(path)
        return page

    def set_tier(self, tool: str, tier: str, seconds: int | None = None) -> None:
        ToolTier.objects.create(team=self.team, tool=tool, tier=tier, timer_seconds=seconds)

    def start(self, *turns: dict[str, Any]) -> Run:
        run, _ = start_run(Actor(self.person), agent=self.agent.name, goal=script(*turns), via="api")
        return run

    def waits(self, *runs: Run) -> list[ApprovalRequest]:
        """What the runs wait for, once they do: one request each."""
        return [
            eventually(
                lambda run=run: ApprovalRequest.objects.filter(status="pending", context__run_id=str(run.pk)).first(),
                f"{run.pk} asks for an approval",
            )
            for run in runs
        ]

    def decide_by_rest(self, request: ApprovalRequest, who: User, **body: Any) -> None:
        _, secret = create_token(who, "test", SCOPES)
        connection = HTTPConnection(self.site.url.removeprefix("http://"), timeout=30)
        connection.request(
            "POST",
            f"/api/approvals/{request.pk}/decision",
            json.dumps({"revision": request.revision, **body}),
            {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()

    def complaints(self) -> list[str]:
        return [said for said in self._said if not any(part in said for part in self.expected)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        for run in Run.objects.live().filter(team=self.team):
            cancel_run(Actor(self.person), run.pk)


def script(*turns: dict[str, Any]) -> str:
    """A goal that brings its run; after the last turn the model says `Done.`"""
    return f"Do as told.\n```sim {json.dumps({'turns': list(turns)})}```"


def head(page: Page) -> Locator:
    """Of a run's page; its `data-status` is the run's."""
    return page.locator("#run-head")


def live(page: Page) -> Locator:
    """Where the page says whether it is live."""
    return page.locator("[data-live]").first


def strip(page: Page, request: ApprovalRequest) -> Locator:
    """The request's row in the queue."""
    return page.locator(f"#row-{request.pk}")


def opened(page: Page, request_id: UUID | None = None) -> Locator:
    """The request that is open beside the queue."""
    return page.locator(f'#request .request[data-id="{request_id}"]' if request_id else "#request .request")
