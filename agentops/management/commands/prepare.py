"""`manage.py prepare`: the database up to date, the demo, a first admin. Run by `up`, and once by compose."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction

ADVISORY_LOCK = 0x41676E744F7073
"""Two machines that start at the same time prepare one after the other."""


class Command(BaseCommand):
    help = "Migrate, create the first admin and the demo where they are missing. Safe to run again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
            if not options["no_demo"]:
                call_command("seed_demo", stdout=self.stderr)
            password = self._first_admin()  # last: nothing may fail between drawing it and showing it
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
        if password:
            self.stdout.write(f"Sign in:  admin / {password}   (shown only this once)")

    @transaction.atomic
    def _first_admin(self) -> str:
        """The password, when there was no admin yet."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return ""
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", "admin@localhost", password)
        return password
