from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"
    verbose_name = "Agents and runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import assembly

        assembly.connect()
