"""Lists watched by people who see the same teams: what changed in them, and the number of changes so far."""

from __future__ import annotations

from . import channels, frames
from .frames import Frame
from .viewer import Viewer


class ListFeed:
    """`version` is the sum over teams and lists, so it grows with every change that these viewers hear of."""

    def __init__(self, teams: frozenset[int], names: frozenset[str]) -> None:
        self.teams, self.names = teams, names
        self.viewers: set[Viewer] = set()
        self._versions: dict[tuple[int, str], int] = {}

    @property
    def version(self) -> int:
        return sum(self._versions.values())

    @property
    def keys(self) -> dict[tuple[int, str], str]:
        return {(team, name): channels.version_key(team, name) for team in self.teams for name in self.names}

    def receive(self, team_id: int, version: int, name: str, ids: list[str]) -> None:
        if name not in self.names:
            return
        known = self._versions.get((team_id, name), version)
        self._versions[team_id, name] = max(version, known)
        missed = version > known + 1
        if missed:
            self.resync()
        else:
            self.send(frames.list_changed(name, ids, self.version))

    def settle(self, versions: dict[tuple[int, str], int]) -> None:
        """Take what Redis says. A message under way may then come with a number that is known already."""
        self._versions = versions

    def resync(self) -> None:
        self.send(frames.list_resync(self.version))

    def beat(self) -> None:
        self.send(frames.list_heartbeat(self.version))

    def send(self, frame: Frame) -> None:
        for viewer in self.viewers:
            if not viewer.offer(frame):
                viewer.restart(frames.list_resync(self.version))
