"""Pokes tablets when something of theirs changed: one look at the index for all of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sync_server.access.guards_io import require_tablet
from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.change_store import head_and_horizon
from sync_server.db.engine_io import reading
from sync_server.sync.poke_store import heads_of, revoked_among
from sync_server.sync.scope import buckets_of_tablet
from wire_contracts.pokes import BEAT, BEAT_S, POKE_CONTENT_TYPE, POKE_PATH, Poke, dump_poke
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER

LOOK_WALL_S = 0.5
"""Pause between two looks at the head; a look costs a third of a millisecond. Whoever writes,
this process or another: the index says it."""

STREAMS_PER_TABLET = 2
"""One, and the one that a broken network has not yet ended; a third ends the oldest."""

STREAM_WALL_S = 600.0
"""A stream ends after this long and the tablet comes back: the guard and the scope look again."""

_LOOKS_PER_CHECK = 10
"""Every so many looks tablets whose access has ended lose their stream."""

_NOTHING = -1
"""No head of the index: the next look tells every stream."""


class _Stream:
    """One tablet that listens."""

    def __init__(self, tablet_id: str, buckets: frozenset[str], seq: int) -> None:
        self.tablet_id = tablet_id
        self.buckets = buckets
        self.seq = seq
        self.is_over = False
        self.news = asyncio.Event()

    def tell(self, seq: int) -> None:
        if seq > self.seq:
            self.seq = seq
            self.news.set()

    def end(self) -> None:
        self.is_over = True
        self.news.set()


class PokeHub:
    """Looks at the index once and pokes every tablet that it concerns."""

    def __init__(self, engine: Engine) -> None:
        """Take the database; nothing is looked at before the first tablet listens."""
        self._engine = engine
        self._streams: list[_Stream] = []
        self._task: asyncio.Task[None] | None = None
        self._head_told = _NOTHING
        self.is_closed = False

    @property
    def stream_count(self) -> int:
        """Return how many streams are open."""
        return len(self._streams)

    def close(self) -> None:
        """End every stream; may be called from any thread, before the server stops."""
        self.is_closed = True

    async def stream(self, tablet: TabletIdentity) -> AsyncIterator[str]:
        """Yield a poke at once, one at every change of the tablet's buckets, and beats between."""
        stream = await asyncio.to_thread(self._open, tablet)
        self._admit(stream)
        ends_at = asyncio.get_running_loop().time() + STREAM_WALL_S
        try:
            yield dump_poke(Poke(seq=stream.seq, protocol=PROTOCOL))
            while not stream.is_over and asyncio.get_running_loop().time() < ends_at:
                try:
                    await asyncio.wait_for(stream.news.wait(), BEAT_S)
                except TimeoutError:
                    yield BEAT
                    continue
                stream.news.clear()
                if not stream.is_over:
                    yield dump_poke(Poke(seq=stream.seq, protocol=PROTOCOL))
        finally:
            with contextlib.suppress(ValueError):
                self._streams.remove(stream)

    def _open(self, tablet: TabletIdentity) -> _Stream:
        with reading(self._engine) as connection:
            buckets = frozenset(buckets_of_tablet(connection, tablet))
            seq = max(heads_of(connection, buckets).values(), default=0)
        return _Stream(tablet.tablet_id, buckets, seq)

    def _admit(self, stream: _Stream) -> None:
        mine = [each for each in self._streams if each.tablet_id == stream.tablet_id]
        for old in mine[: 1 - STREAMS_PER_TABLET or None]:
            old.end()
        self._streams.append(stream)
        self._head_told = _NOTHING  # what was told while this one opened, it has not heard
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        looks = 0
        while self._streams and not self.is_closed:
            looks += 1
            with contextlib.suppress(SQLAlchemyError):
                await self._look()
                if looks % _LOOKS_PER_CHECK == 0:
                    await self._check_access()
            await asyncio.sleep(LOOK_WALL_S)
        for stream in self._streams:
            stream.end()

    async def _look(self) -> None:
        head = await asyncio.to_thread(self._head)
        if head == self._head_told:
            return
        self._head_told = head
        buckets = {bucket for stream in self._streams for bucket in stream.buckets}
        try:
            heads = await asyncio.to_thread(self._heads, buckets)
        except SQLAlchemyError:
            self._head_told = _NOTHING
            raise
        for stream in self._streams:
            stream.tell(max((heads.get(each, 0) for each in stream.buckets), default=0))

    async def _check_access(self) -> None:
        tablet_ids = {stream.tablet_id for stream in self._streams}
        revoked = await asyncio.to_thread(self._revoked, tablet_ids)
        for stream in self._streams:
            if stream.tablet_id in revoked:
                stream.end()

    def _head(self) -> int:
        with reading(self._engine) as connection:
            return head_and_horizon(connection)[0]

    def _heads(self, buckets: set[str]) -> dict[str, int]:
        with reading(self._engine) as connection:
            return heads_of(connection, buckets)

    def _revoked(self, tablet_ids: set[str]) -> set[str]:
        with reading(self._engine) as connection:
            return revoked_among(connection, tablet_ids)


def poke_router(hub: PokeHub) -> APIRouter:
    """Return the route on which tablets listen; it needs a tablet's token."""
    router = APIRouter()

    @router.get(POKE_PATH)
    async def poke(
        request: Request, tablet: Annotated[TabletIdentity, Depends(require_tablet)]
    ) -> StreamingResponse:
        """Answer with events for as long as the tablet listens."""
        del request
        headers = {
            PROTOCOL_HEADER: str(PROTOCOL),
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # a proxy that gathers what it passes on would sit on pokes
        }
        return StreamingResponse(hub.stream(tablet), media_type=POKE_CONTENT_TYPE, headers=headers)

    return router
