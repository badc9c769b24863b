"""`manage.py seed_demo`: the support desk agent, its shop, mails, policy and budget."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agentops.demo.seed import seed


class Command(BaseCommand):
    help = "Make the demo: a shop, its mails, the support desk agent, a policy and a budget. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed()
        self.stdout.write(f"Demo: made {', '.join(made)}." if made else "Demo: everything is there already.")
