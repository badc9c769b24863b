"""The socket of one run: what happened since, then what happens."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qs
from uuid import UUID

from agentops.live.consumer import LiveConsumer, Refused
from agentops.live.frames import heartbeat
from agentops.live.history import Gone, Past, replay
from agentops.live.hub import hub
from agentops.live.threads import in_thread

from .models import Event, Run

LARGEST_SEQ = 2**63 - 1


class RunHistory:
    def positions(self, run_ids: Collection[UUID]) -> dict[UUID, int]:
        return dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "seq"))

    def after(self, run_id: UUID, seq: int, limit: int) -> Past:
        position = Run.objects.filter(pk=run_id).values_list("seq", flat=True).first()
        events = Event.objects.filter(run_id=run_id, seq__gt=seq).values_list("seq", "kind", "data")
        return Past(position, list(events[:limit]))


HISTORY = RunHistory()


class RunConsumer(LiveConsumer):
    async def watch(self, teams: frozenset[int]) -> None:
        after = parse_after(self.scope["query_string"])
        run_id: UUID = self.scope["url_route"]["kwargs"]["run_id"]
        team_id = await in_thread(seen_in, run_id, teams)
        try:
            await hub().watch_run(self.viewer, run_id, team_id, HISTORY)
            frames, position = await in_thread(replay, HISTORY, run_id, after)
        except Gone as gone:
            raise Refused(4404) from gone
        for frame in frames:
            await self.send_frame(frame)
        self.seq = position
        for frame in await hub().said(run_id):
            await self.send_frame(frame)
        await self.send_frame(heartbeat(position))  # a page that nothing happens on knows at once that it is live


def seen_in(run_id: UUID, teams: frozenset[int]) -> int:
    """The run's team. Of a run in another team no more is said than of one that never was."""
    team_id = Run.objects.filter(pk=run_id, team_id__in=teams).values_list("team_id", flat=True).first()
    if team_id is None:
        raise Refused(4404)
    return team_id


def parse_after(query_string: bytes) -> int:
    values = parse_qs(query_string.decode("latin1"), keep_blank_values=True).get("after", ["0"])
    if len(values) > 1 or not re.fullmatch("[0-9]{1,19}", values[0]) or int(values[0]) > LARGEST_SEQ:
        raise Refused(4400)
    return int(values[0])
