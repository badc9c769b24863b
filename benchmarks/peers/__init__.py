"""The peers' side: programs that run in an environment of their own, where there is nothing of AgentOps."""
