"""`manage.py run_agent <agent> "<goal>" [--wait]`: start a run from the command line and follow it."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from agentops.accounts.access import Actor, SetUp
from agentops.core.errors import AgentOpsError
from runs.actions import start_run
from runs.models import Run

LOOK_AGAIN_SECONDS = 0.5


class Command(BaseCommand):
    help = "Start a run of an agent. With --wait, print what happens until it ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agent", help="the agent's name, such as support-desk")
        parser.add_argument("goal")
        parser.add_argument("--wait", action="store_true", help="follow the run to its end")
        parser.add_argument("--user", help="start it in this person's name and with their rights")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run, _new = start_run(
                self._actor(options["user"]), agent=options["agent"], goal=options["goal"], via="command"
            )
        except AgentOpsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"run {run.pk}")
        if options["wait"]:
            self._follow(run)

    def _actor(self, name: str | None) -> Actor:
        """Whoever may run commands here may do everything; `--user` acts as somebody."""
        if name is None:
            return SetUp()
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no person named {name}.")
        return Actor(user)

    def _follow(self, run: Run) -> None:
        seen = 0
        while True:
            ended = Run.objects.get(pk=run.pk)
            for event in run.events.filter(seq__gt=seen).order_by("seq"):
                seen = event.seq
                facts = " ".join(f"{name}={value}" for name, value in event.data.items() if value not in ("", None))
                self.stdout.write(f"{event.at:%H:%M:%S} {event.kind:<15} {facts}")
            if ended.is_final and seen >= ended.seq:
                break
            connection.close()
            time.sleep(LOOK_AGAIN_SECONDS)
        self.stdout.write(f"\n{ended.status} ({ended.stop_reason})  {ended.cost_usd:.4f} USD  {ended.steps} steps")
        self.stdout.write(ended.answer or ended.stop_detail)
        if ended.status != Run.Status.SUCCEEDED:
            raise SystemExit(1)
