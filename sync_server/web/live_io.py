"""Server-sent events: one follower of the feed for all pages, each page resuming where it was.

Nothing of it is kept in the process: any number of processes serve pages of one database.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sync_server.db.engine_io import reading
from sync_server.db.feed_store import FeedEntry, newest_feed_id, read_feed
from sync_server.db.notices_io import FEED_CHANNEL, Listener
from sync_server.detection.watch.round_store import load_rounds
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc

POLL_WALL_S = 0.04
"""Pause between two looks at the feed; a look costs a third of a millisecond."""

LONGEST_PAUSE_S = 1.0
"""Wall seconds without a notice of PostgreSQL after which the feed is looked at all the same."""

BEAT_WALL_S = 2.0
"""A page that hears no beat for four of them says that its list is stale."""

STREAM_WALL_S = 600.0
"""A stream ends after this long and the browser comes back: the guard then looks again."""

MOST_STREAMS = 20
"""Open pages of one account; a browser that is told to open more must close some."""

LOOK_BACK = 200
"""Ids before the last one that are looked at again: PostgreSQL hands them out before the commit, so
that a change may appear behind a later one (trap T1). On SQLite none can."""

MADE_WALL_S = 30.0
"""From when a page is made to when it listens, and as long as a transaction may take."""

_LOOKS_PER_LOOK_BACK = 12
"""Every so many looks, about twice a second."""

_PAGE = 500
_WAITING = 2000
RETRY_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beat:
    """Nothing changed, the link is alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one look at the feed brought: a flood of changes is one event, not hundreds."""

    feed_id: int
    topics: Sequence[str]
    is_late: bool = False


class _End:
    """The stream is over: the server stops, or the page fell too far behind."""


Item = _Change | _Beat | _End


class LiveHub:
    """Reads the feed once and hands every change to every page that listens."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Take the database; nothing is polled before the first page listens."""
        self._engine = engine
        self._clock = clock
        self._listeners: set[asyncio.Queue[Item]] = set()
        self._open: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._after = 0
        self._is_following = asyncio.Event()
        self._seen: set[int] = set()
        self._late_words = ""
        self._can_be_late = engine.dialect.name != "sqlite"
        self._woken = asyncio.Event()
        self.is_closed = False

    @property
    def listener_count(self) -> int:
        """Return how many pages listen now."""
        return len(self._listeners)

    def close(self) -> None:
        """End every stream; may be called from any thread, before the server stops."""
        self.is_closed = True

    def is_full(self, account_id: str) -> bool:
        """Return whether the account has as many streams as one may have."""
        return self._open[account_id] >= MOST_STREAMS

    async def stream(self, after_id: int, account_id: str) -> AsyncIterator[str]:
        """Yield the events after `after_id`, then live ones, as text of an event stream.

        A place beyond the feed's end, which no page of ours was given, counts as its end.
        """
        queue: asyncio.Queue[Item] = asyncio.Queue(_WAITING)
        self._listeners.add(queue)
        self._open[account_id] += 1
        self._start()
        ends_at = asyncio.get_running_loop().time() + STREAM_WALL_S
        try:
            # before the page is told that it listens: what it does then comes behind this place
            sent = after_id = min(after_id, await asyncio.to_thread(self._newest))
            await self._look_at_detection()
            yield f"retry: {RETRY_MS}\n\n{self._beat()}"
            await self._is_following.wait()
            async for change in self._behind(after_id):
                yield _event(change)
            async for change in self._backlog(after_id):
                sent = change.feed_id
                yield _event(change)
            while asyncio.get_running_loop().time() < ends_at:
                item = await queue.get()
                if isinstance(item, _End):
                    return
                if isinstance(item, _Beat):
                    yield self._beat()
                elif item.is_late or item.feed_id > sent:
                    sent = max(sent, item.feed_id)
                    yield _event(item)
        finally:
            self._listeners.discard(queue)
            self._open[account_id] -= 1

    def _beat(self) -> str:
        """Return the site's time; of detection that stands still when it last looked, 0: never."""
        return f"event: beat\ndata: {ms_from_utc(self._clock.now_utc())}{self._late_words}\n\n"

    async def _look_at_detection(self) -> None:
        """See whether the detectors still look at the meters: every beat says so to every page."""
        with contextlib.suppress(SQLAlchemyError):
            self._late_words = await asyncio.to_thread(self._read_late)

    def _read_late(self) -> str:
        with reading(self._engine) as connection:
            rounds = load_rounds(connection)
        if not rounds.is_late(self._clock.now_utc()):
            return ""
        return f" {0 if rounds.good_at_utc is None else ms_from_utc(rounds.good_at_utc)}"

    async def _backlog(self, after_id: int) -> AsyncIterator[_Change]:
        last = after_id
        while True:
            entries = await asyncio.to_thread(self._read, last)
            if entries:
                yield _change_of(entries)
            if len(entries) < _PAGE:
                return
            last = entries[-1].feed_id

    async def _behind(self, after_id: int) -> AsyncIterator[_Change]:
        """Yield what may have been committed behind the page's place since the page was made."""
        span = timedelta(seconds=MADE_WALL_S / self._clock.wall_seconds(1.0))
        since_utc = self._clock.now_utc() - span
        recent = [
            each
            for each in await self._last_entries()
            if each.feed_id <= after_id and each.at_utc >= since_utc
        ]
        if recent:
            yield _Change(feed_id=after_id, topics=_change_of(recent).topics)

    def _read(self, after_id: int) -> Sequence[FeedEntry]:
        with reading(self._engine) as connection:
            return read_feed(connection, after_id, _PAGE)

    def _newest(self) -> int:
        with reading(self._engine) as connection:
            return newest_feed_id(connection)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._is_following = asyncio.Event()
            self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Follow the feed until nobody listens; on PostgreSQL its notices say when to look."""
        listener = self._listener()
        try:
            await self._follow_feed(listener)
        finally:
            if listener is not None:
                await asyncio.to_thread(listener.close)

    def _listener(self) -> Listener | None:
        if not self._can_be_late:
            return None
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._woken = woken

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(woken.set)

        listener = Listener(self._engine, FEED_CHANNEL, wake)
        listener.start()
        return listener

    async def _pause(self, listener: Listener | None) -> None:
        """Wait for the next look: a moment, or for a notice where there are any."""
        await asyncio.sleep(POLL_WALL_S)
        if listener is None or not listener.is_listening:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), LONGEST_PAUSE_S)
        self._woken.clear()

    async def _follow_feed(self, listener: Listener | None) -> None:
        beat_at = asyncio.get_running_loop().time() + BEAT_WALL_S
        looks = 0
        with contextlib.suppress(SQLAlchemyError):
            self._after = await asyncio.to_thread(self._newest)
            self._seen = {each.feed_id for each in await self._last_entries()}
        self._is_following.set()
        while self._listeners and not self.is_closed:
            looks += 1
            with contextlib.suppress(SQLAlchemyError):
                entries = await asyncio.to_thread(self._read, self._after)
                if entries:
                    self._after = entries[-1].feed_id
                    self._seen |= {each.feed_id for each in entries}
                    self._tell(_change_of(entries))
                if listener is not None or looks % _LOOKS_PER_LOOK_BACK == 0:
                    await self._look_back()
            now = asyncio.get_running_loop().time()
            if now >= beat_at:
                beat_at = now + BEAT_WALL_S
                await self._look_at_detection()
                self._tell(_Beat())
            await self._pause(listener)
        self._tell(_End())

    async def _look_back(self) -> None:
        """Tell what was committed behind the last change that was told."""
        entries = [each for each in await self._last_entries() if each.feed_id <= self._after]
        late = [each for each in entries if each.feed_id not in self._seen]
        self._seen = {each.feed_id for each in entries}
        if late:
            topics = _change_of(late).topics
            self._tell(_Change(feed_id=self._after, topics=topics, is_late=True))

    async def _last_entries(self) -> Sequence[FeedEntry]:
        if not self._can_be_late:
            return ()
        return await asyncio.to_thread(self._read, max(0, self._after - LOOK_BACK))

    def _tell(self, item: Item) -> None:
        for queue in tuple(self._listeners):
            if queue.full():
                _empty(queue)
                queue.put_nowait(_End())
            else:
                queue.put_nowait(item)


def _empty(queue: asyncio.Queue[Item]) -> None:
    while not queue.empty():
        queue.get_nowait()


def _change_of(entries: Sequence[FeedEntry]) -> _Change:
    topics = sorted({str(entry.topic) for entry in entries})
    return _Change(feed_id=entries[-1].feed_id, topics=topics)


def _event(change: _Change) -> str:
    """Return one event for each topic; the last one alone moves the place to resume from."""
    told = [f"event: feed\ndata: {topic}\n\n" for topic in change.topics]
    return "".join([*told[:-1], f"id: {change.feed_id}\n{told[-1]}"])


def resume_id(last_event_id: str | None, after: int) -> int:
    """Return where a page left off: the browser's Last-Event-ID, else what the page was made at."""
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        return min(int(last_event_id), 2**62)
    return max(0, min(after, 2**62))
