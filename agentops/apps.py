"""Makes every Django process a client of the queue, tells sockets of lost rights, registers the checks."""

from django.apps import AppConfig


class AgentOpsConfig(AppConfig):
    name = "agentops"

    def ready(self) -> None:
        import agentops.celery  # noqa: F401 - the app that `shared_task` binds to
        from agentops.accounts.news import access_changed
        from agentops.live import publish

        from . import checks  # noqa: F401 - importing it registers them

        access_changed.connect(publish.access_changed)
