"""What all sockets share: who may open one, how frames go out, and how it ends.

Close codes: 4400 bad address, 4401 not signed in or no longer, 4403 no longer allowed, 4404 not there or not to be
seen, 1009 a frame that is too big, 1011 our fault. The socket is accepted before it is refused, since a browser
learns no code otherwise.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from .ending import end
from .frames import Frame
from .hub import hub
from .sight import SignIn, teams_seen
from .threads import in_thread
from .viewer import Viewer

log = structlog.get_logger(__name__)

LARGEST_FRAME = 1024
"""Bytes a client may send at once. Nothing it says is heeded."""


class Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


class LiveConsumer(AsyncWebsocketConsumer):
    """Subclasses say what to watch in `watch`."""

    viewer: Viewer
    seq: int | None = None
    """The last event sent. Events up to it that the hub also delivers are skipped."""
    _serving: asyncio.Task[None] | None = None

    async def watch(self, teams: frozenset[int]) -> None:
        """Join the hub and send what came before. `teams` are those the viewer may see. Raises Refused."""
        raise Refused(4404)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._serving:
                await end({self._serving})

    async def connect(self) -> None:
        await self.accept()
        self._serving = asyncio.create_task(self._serve())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or bytes_data or "") > LARGEST_FRAME:
            await self.close(1009)

    async def _serve(self) -> None:
        try:
            code = await self._until_ended()
        except Refused as refused:
            code = refused.code
        except OSError:
            return  # the browser went away in mid-frame
        except Exception:
            log.exception("a socket failed", path=self.scope["path"])
            code = 1011
        await self.close(code)

    async def _until_ended(self) -> int:
        sign_in = self._sign_in()
        teams = (await in_thread(teams_seen, [sign_in])).get(sign_in)
        if teams is None:
            raise Refused(4401)
        self.viewer = Viewer(sign_in)
        ended = self.viewer.closed
        sending: asyncio.Future[None] = asyncio.create_task(self._watch_and_send(teams))
        try:
            await asyncio.wait([sending, ended], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            return ended.result()
        finally:
            hub().leave(self.viewer)
            await end({sending})  # a browser that reads nothing would hold it
            if not sending.cancelled():
                sending.exception()  # the browser has gone: nobody is there to hear of it

    async def _watch_and_send(self, teams: frozenset[int]) -> None:
        await self.watch(teams)
        while True:
            await self.send_frame(await self.viewer.next())

    async def send_frame(self, frame: Frame) -> None:
        if frame.seq is not None:
            if not frame.resync and self.seq is not None and frame.seq <= self.seq:
                return
            self.seq = frame.seq
        await self.send(text_data=frame.text)

    def _sign_in(self) -> SignIn:
        user, session = self.scope["user"], self.scope["session"]
        if not user.is_authenticated:
            raise Refused(4401)
        return SignIn(session.session_key, user.pk, user.get_session_auth_hash())
