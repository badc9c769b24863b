"""People, teams, roles, sign-ins and tokens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "agentops.accounts"
    label = "accounts"
    verbose_name = "People and tokens"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import signals  # noqa: F401 - importing it connects them
