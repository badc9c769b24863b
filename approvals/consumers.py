"""The sockets of lists: which changed, and how often so far. The page fetches what it shows of them."""

from __future__ import annotations

from agentops.live.channels import LISTS
from agentops.live.consumer import LiveConsumer
from agentops.live.hub import hub


class ListConsumer(LiveConsumer):
    names: frozenset[str]

    async def watch(self, teams: frozenset[int]) -> None:
        await hub().watch_lists(self.viewer, teams, self.names)


class ApprovalsConsumer(ListConsumer):
    names = frozenset({"approvals"})


class OverviewConsumer(ListConsumer):
    names = frozenset(LISTS)
