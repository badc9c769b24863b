"""`manage.py run_agent <agent> "<goal>" [--wait]`: start a run from the command line and follow it."""

from __future__ import annotations

import json
import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.urls import reverse

from agentops.accounts.access import Actor, SetUp
from agentops.core.errors import AgentOpsError
from agentops.following import happenings
from agentops.narrating import Narrator
from runs.actions import start_run
from runs.inputs import from_text
from runs.models import Agent, Run

EXIT = {Run.Status.SUCCEEDED: 0, Run.Status.FAILED: 1, Run.Status.CANCELLED: 3}
PRIORITIES = {choice.name.lower(): choice for choice in Run.Priority}
DETACHED = 130
"""As shells report ctrl-C."""


class Command(BaseCommand):
    help = (
        "Start a run of an agent. With --wait, show what happens until it ends; ctrl-C stops showing, not the run. "
        "Exits with 0 when it succeeded, 1 when it failed, 3 when it was cancelled, 130 after ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agent", help="the agent's name, such as support-desk")
        parser.add_argument("goal")
        parser.add_argument("--wait", action="store_true", help="show the run until it ends")
        parser.add_argument(
            "--input", action="append", default=[], metavar="NAME=VALUE", help="what the agent asks for; may repeat"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
        parser.add_argument("--team", default="", help="when several teams have an agent of this name")
        parser.add_argument(
            "--priority", default="normal", choices=PRIORITIES, help="within its team: high goes before normal and low"
        )
        parser.add_argument("--user", help="start it in this person's name and with their rights")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._start(options)
        address = f"{settings.ENV.address}{reverse('run', args=[run.pk])}"
        if options["json"]:
            self._say({"type": "run", "id": str(run.pk), "url": address})
        else:
            self.stdout.write(f"run {run.pk}\n{address}")
        if not options["wait"]:
            return
        try:
            ended = self._follow(run, as_json=options["json"])
        except KeyboardInterrupt:
            self.stderr.write(f"\nNo longer following. The run goes on: {address}")
            raise SystemExit(DETACHED) from None
        raise SystemExit(EXIT[Run.Status(ended.status)])

    def _start(self, options: dict[str, Any]) -> Run:
        try:
            actor = self._actor(options["user"])
            run, _new = start_run(
                actor,
                agent=options["agent"],
                goal=options["goal"],
                inputs=self._inputs(actor, options),
                team=options["team"],
                priority=PRIORITIES[options["priority"]],
                via="command",
            )
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached; start the stack first. ({error})") from error
        except AgentOpsError as error:
            field = getattr(error, "field", "")
            raise CommandError(f"{field}: {error}" if field.startswith("inputs") else str(error)) from error
        return run

    def _actor(self, name: str | None) -> Actor:
        """Whoever may run commands here may do everything; `--user` acts as somebody."""
        if name is None:
            return SetUp()
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no person named {name}.")
        return Actor(user)

    def _inputs(self, actor: Actor, options: dict[str, Any]) -> dict[str, Any]:
        given = {}
        for pair in options["input"]:
            name, sign, value = pair.partition("=")
            if not sign or not name:
                raise CommandError(f"--input {pair}: write it as NAME=VALUE.")
            given[name] = value
        agents = Agent.objects.visible_to(actor).filter(name=options["agent"]).select_related("live")
        agent = (agents.filter(team__slug=options["team"]) if options["team"] else agents).first()
        return from_text(agent.live.inputs if agent and agent.live else [], given)

    def _follow(self, run: Run, *, as_json: bool) -> Run:
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a restart of the stack is no news here
        narrator = Narrator(run.pk, self._write)
        for happening in happenings(run.pk):
            if as_json:
                self._say(happening)
            else:
                narrator.tell(happening)
        ended = Run.objects.get(pk=run.pk)
        if as_json:
            facts = ("status", "stop_reason", "stop_detail", "answer", "steps", "tool_calls", "input_tokens")
            counted = {name: getattr(ended, name) for name in (*facts, "output_tokens")}
            self._say({"type": "end", **counted, "cost_usd": str(ended.cost_usd)})
        else:
            narrator.end(ended)
        return ended

    def _say(self, content: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(content))
        self.stdout.flush()

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()
