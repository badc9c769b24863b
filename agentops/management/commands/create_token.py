"""`manage.py create_token <user> --scopes …`: makes an API token and prints it, once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentops.accounts.access import SCOPES
from agentops.accounts.tokens import create_token
from agentops.core.errors import InvalidInput


class Command(BaseCommand):
    help = "Makes an API token that acts for a person within its scopes, and prints it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="who the token acts for: a username")
        parser.add_argument(
            "--scopes", nargs="+", required=True, help=f"any of {', '.join(SCOPES)}; spaces or commas between"
        )
        parser.add_argument("--days", type=int, default=90, help="how long it lives (default 90)")
        parser.add_argument("--name", default="command line", help="what uses it")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        try:
            owner = users.get_by_natural_key(options["user"])
        except get_user_model().DoesNotExist:
            raise CommandError(f"There is no user {options['user']}. Make one under /admin/.") from None
        scopes = [scope for part in options["scopes"] for scope in part.replace(",", " ").split()]
        try:
            token, secret = create_token(owner, options["name"], scopes, options["days"])
        except InvalidInput as error:
            raise CommandError(str(error)) from None
        self.stderr.write(
            f"For {owner}, until {token.expires_at:%Y-%m-%d}: {', '.join(token.scopes)}. "
            "Keep it safe: it is shown only now."
        )
        self.stdout.write(secret)
