from django.apps import AppConfig


class AgentOpsConfig(AppConfig):
    name = "agentops"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - importing it registers them
