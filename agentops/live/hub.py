"""One per web process: from one Redis subscription to everybody who looks on here."""

from __future__ import annotations

import asyncio
from uuid import UUID

import redis
import structlog
from django.db import Error as DatabaseError

from . import channels, connections, frames, messages, said
from .ending import end
from .history import History
from .list_feed import ListFeed
from .run_feed import RunFeed
from .sight import teams_seen
from .subscriber import Subscriber
from .threads import in_thread
from .viewer import Viewer

log = structlog.get_logger(__name__)

BEAT = 5.0
"""Seconds between heartbeats. Each also checks that every viewer may still look on."""
UNDER_WAY = 0.2
"""Seconds that an announcement may take after its commit before the event counts as lost."""
SIGNED_OUT, NO_LONGER_ALLOWED, NOT_THERE = 4401, 4403, 4404

Feed = RunFeed | ListFeed


class Hub:
    """Belongs to one event loop; nothing here is called from a thread."""

    def __init__(self, *, beat: float = BEAT) -> None:
        self._beat_seconds = beat
        self._runs: dict[UUID, RunFeed] = {}
        self._lists: dict[tuple[frozenset[int], frozenset[str]], ListFeed] = {}
        self._feeds: dict[Viewer, Feed] = {}
        self._teams: dict[Viewer, frozenset[int]] = {}
        self._redis = connections.for_loop()
        self._resyncing: asyncio.Task[None] | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self._subscriber = Subscriber(on_message=self._received, on_lost=self._lost, on_back=self._back)
        self._heart = asyncio.get_running_loop().create_task(self._beat_forever())

    async def watch_run(self, viewer: Viewer, run_id: UUID, team_id: int, history: History) -> None:
        """From the return on the viewer gets every event committed later. Raises Gone.

        To miss nothing, the caller then reads what came before and skips what comes twice.
        """
        self._teams[viewer] = frozenset({team_id})
        feed = self._runs.setdefault(run_id, RunFeed(run_id, history))
        self._join(viewer, feed)
        await self._subscriber.subscribe({channels.of_run(run_id), channels.ACCESS})
        await feed.open()
        self._say_if_down(viewer)

    async def said(self, run_id: UUID) -> list[frames.Frame]:
        """What the run's open step has said so far; nothing when Redis is out of reach."""
        try:
            return await said.read(self._redis, run_id)
        except (redis.RedisError, OSError) as error:
            log.debug("what was said could not be read", error=str(error))  # the subscriber reports the outage
            return []

    async def watch_lists(self, viewer: Viewer, teams: frozenset[int], names: frozenset[str]) -> None:
        """The first frame is a heartbeat with the present version."""
        self._teams[viewer] = teams
        feed = self._lists.setdefault((teams, names), ListFeed(teams, names))
        self._join(viewer, feed)
        await self._subscriber.subscribe({channels.ACCESS, *(channels.of_team(team) for team in teams)})
        await self._settle([feed])
        viewer.offer(frames.list_heartbeat(feed.version))
        self._say_if_down(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Its channels stay subscribed until the next heartbeat: a reload finds them warm."""
        self._teams.pop(viewer, None)
        feed = self._feeds.pop(viewer, None)
        if feed:
            feed.viewers.discard(viewer)

    async def close(self) -> None:
        _hubs.pop(asyncio.get_running_loop(), None)
        await end({self._heart, *self._looking})
        await self._subscriber.close()
        await self._redis.aclose()

    def _join(self, viewer: Viewer, feed: Feed) -> None:
        self._feeds[viewer] = feed
        feed.viewers.add(viewer)

    def _say_if_down(self, viewer: Viewer) -> None:
        if not self._subscriber.live:
            viewer.offer(frames.status(live=False))

    # What the subscriber reports

    def _received(self, channel: str, message: str) -> None:
        kind, _, name = channel.partition(":")
        try:
            if kind == "run" and (feed := self._runs.get(UUID(name))):
                feed.receive(message)
            elif kind == "team":
                version, listed, ids = messages.read_change(message)
                for each in self._lists.values():
                    if int(name) in each.teams:
                        each.receive(int(name), version, listed, ids)
            elif kind == channels.ACCESS:
                self._look_again(messages.read_people(message))
        except (ValueError, KeyError, TypeError) as error:
            log.error("a message that nobody understands", channel=channel, error=repr(error))

    def _lost(self) -> None:
        self._say_to_all(frames.status(live=False))

    def _back(self) -> None:
        self._say_to_all(frames.status(live=True))
        self._resyncing = asyncio.get_running_loop().create_task(self._resync())

    def _say_to_all(self, frame: frames.Frame) -> None:
        feeds: list[Feed] = [*self._runs.values(), *self._lists.values()]
        for feed in feeds:
            feed.send(frame)

    async def _resync(self) -> None:
        """After an outage of Redis: nobody knows what was said meanwhile."""
        runs, lists = list(self._runs.values()), list(self._lists.values())
        try:
            positions = await self._positions(runs)
        except DatabaseError as error:
            log.warning("positions could not be read; the next heartbeat will", error=str(error))
            positions = {}
        for feed in runs:
            if feed.seq is not None:
                feed.resync(max(feed.seq, positions.get(feed.run_id, 0)))
        await self._settle(lists)
        for each in lists:
            each.resync()

    # The heartbeat

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(self._beat_seconds)
            try:
                await self._beat()
            except DatabaseError as error:
                log.warning("no heartbeat: the database does not answer", error=str(error))
            except Exception:
                log.exception("a heartbeat failed")  # and the next must still come

    async def _beat(self) -> None:
        await self._subscriber.ping()
        await self._forget_unwatched()
        await self._check_sight()
        runs = [feed for feed in self._runs.values() if feed.seq is not None]
        positions = await self._positions(runs)
        for feed in runs:
            if feed.run_id not in positions:
                feed.close(NOT_THERE)
        behind = [feed for feed in runs if (feed.seq or 0) < positions.get(feed.run_id, 0)]
        if behind:
            await asyncio.sleep(UNDER_WAY)
        for feed in behind:
            if (feed.seq or 0) < positions[feed.run_id]:
                await feed.catch_up()
        for feed in runs:
            feed.beat()
        lists = list(self._lists.values())
        await self._settle(lists)
        for each in lists:
            each.beat()

    async def _positions(self, feeds: list[RunFeed]) -> dict[UUID, int]:
        by_history: dict[History, list[UUID]] = {}
        for feed in feeds:
            by_history.setdefault(feed.history, []).append(feed.run_id)
        found: dict[UUID, int] = {}
        for history, ids in by_history.items():
            found |= await in_thread(history.positions, ids)
        return found

    def _look_again(self, users: frozenset[int]) -> None:
        watching = {viewer.sign_in.user_id for viewer in self._teams}
        if watching & users:
            task = asyncio.get_running_loop().create_task(self._check_sight(users))
            self._looking.add(task)
            task.add_done_callback(self._looked)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("could not look who may still look on; the heartbeat will", error=str(error))

    async def _check_sight(self, users: frozenset[int] | None = None) -> None:
        """Ends sockets whose sign-in is over or whose team is out of sight; follows people into new teams."""
        checked = {
            viewer: teams for viewer, teams in self._teams.items() if users is None or viewer.sign_in.user_id in users
        }
        if not checked:
            return
        now = await in_thread(teams_seen, {viewer.sign_in for viewer in checked})
        for viewer, had in checked.items():
            teams = now.get(viewer.sign_in)
            feed = self._feeds.get(viewer)
            if feed is None:
                continue
            if teams is None or not had <= teams:
                viewer.close(SIGNED_OUT if teams is None else NO_LONGER_ALLOWED)
                self.leave(viewer)
            elif isinstance(feed, ListFeed) and had < teams:
                self.leave(viewer)
                await self.watch_lists(viewer, teams, feed.names)

    async def _settle(self, feeds: list[ListFeed]) -> None:
        keys = {pair: key for feed in feeds for pair, key in feed.keys.items()}
        if not keys or not self._subscriber.live:
            return
        try:
            values = await self._redis.mget(list(keys.values()))
        except (redis.RedisError, OSError) as error:
            log.debug("versions could not be read", error=str(error))  # the subscriber reports the outage
            return
        versions = {pair: int(value or 0) for pair, value in zip(keys, values, strict=True)}
        for feed in feeds:
            feed.settle({pair: versions[pair] for pair in feed.keys})

    async def _forget_unwatched(self) -> None:
        self._runs = {run_id: feed for run_id, feed in self._runs.items() if feed.viewers}
        self._lists = {key: feed for key, feed in self._lists.items() if feed.viewers}
        wanted = {channels.of_run(run_id) for run_id in self._runs}
        wanted |= {channels.ACCESS} if self._feeds else set()
        wanted |= {channels.of_team(team) for feed in self._lists.values() for team in feed.teams}
        await self._subscriber.keep_only(wanted)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The running loop's own, made when first asked for."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
