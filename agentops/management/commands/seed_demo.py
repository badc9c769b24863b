"""`manage.py seed_demo`: three agents, their shop, its mails, a policy and a budget."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agentops.demo.seed import seed


class Command(BaseCommand):
    help = (
        "Make the demo: a shop, its mails, three agents, a policy and a budget. Adds what is missing, changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed()
        self.stdout.write(f"Demo: made {', '.join(made)}." if made else "Demo: everything is there already.")
