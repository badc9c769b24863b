"""Makes every Django process a client of the queue, and registers the checks of its configuration."""

from django.apps import AppConfig


class AgentOpsConfig(AppConfig):
    name = "agentops"

    def ready(self) -> None:
        import agentops.celery  # noqa: F401 - the app that `shared_task` binds to

        from . import checks  # noqa: F401 - importing it registers them
