from django.apps import AppConfig


class AgentOpsConfig(AppConfig):
    name = "agentops"
