"""`manage.py seed_demo`: four agents, their shop, its mails, a policy, a budget and a schedule."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agentops.demo.seed import seed


class Command(BaseCommand):
    help = (
        "Make the demo: a shop, its mails, four agents, a policy, a budget and a schedule that is off. "
        "Adds what is missing, changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed()
        self.stdout.write(f"Demo: made {', '.join(made)}." if made else "Demo: everything is there already.")
