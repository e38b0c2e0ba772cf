"""A tablet hears that something of its own changed, soon and over a stream that is its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from sync_server.access.tablet_store import TabletIdentity, revoke_tablet
from sync_server.db.change_store import Publication, crew_bucket, publish
from sync_server.db.engine_io import open_engine
from sync_server.sync import poke_io
from sync_server.sync.poke_io import STREAMS_PER_TABLET, PokeHub
from tests.sync_server.people_parts import Utility, found_utility
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.pokes import BEAT, PokeReader

SOON_S = 60.0


@pytest.fixture
def utility(engine: Engine, clock: HandClock) -> Utility:
    return found_utility(engine, clock)


def change(engine: Engine, crew_id: str, name: str) -> int:
    thing = Publication(
        entity="thing",
        entity_id=name,
        document={"name": name},
        buckets=frozenset({crew_bucket(crew_id)}),
    )
    with engine.begin() as connection:
        return publish(connection, thing, NOON)


class Listener:
    """Reads one tablet's stream."""

    def __init__(self, hub: PokeHub, tablet: TabletIdentity) -> None:
        self._pieces: AsyncIterator[str] = hub.stream(tablet)
        self._reader = PokeReader()

    async def piece(self) -> str:
        return await asyncio.wait_for(anext(self._pieces), SOON_S)

    async def seq(self) -> int:
        while True:
            pokes = list(self._reader.feed(await self.piece()))
            if pokes:
                return pokes[-1].seq

    async def is_over(self) -> bool:
        try:
            await self.piece()
        except StopAsyncIteration:
            return True
        return False


class HubThatOpensSlowly(PokeHub):
    """Holds one tablet's stream between its look at the index and its place among the others."""

    def __init__(self, engine: Engine, held: TabletIdentity) -> None:
        super().__init__(engine)
        self._held = held
        self.has_looked, self.may_go_on = threading.Event(), threading.Event()

    @override
    def _open(self, tablet: TabletIdentity) -> "poke_io._Stream":
        stream = super()._open(tablet)
        if tablet == self._held:
            self.has_looked.set()
            self.may_go_on.wait(SOON_S)
        return stream


def listening(act: Callable[[PokeHub], Awaitable[None]], utility: Utility) -> None:
    """Run `act` with a hub, which is closed whatever happens."""

    async def run() -> None:
        hub = PokeHub(utility.engine)
        try:
            await act(hub)
        finally:
            hub.close()

    # a thread of its own: a browser of another test may keep a loop running in this one
    with ThreadPoolExecutor(max_workers=1) as alone:
        alone.submit(asyncio.run, run()).result()


def test_a_change_of_the_crew_is_told_and_one_of_another_crew_is_not(utility: Utility) -> None:
    async def act(hub: PokeHub) -> None:
        listener = Listener(hub, utility.tablet)
        first = await listener.seq()
        other = await asyncio.to_thread(change, utility.engine, "crew-2", "theirs")
        mine = await asyncio.to_thread(change, utility.engine, "crew-1", "mine")

        assert first < other < mine
        assert await listener.seq() == mine

    listening(act, utility)


def test_a_change_while_a_stream_opens_is_told_to_it_too(utility: Utility) -> None:
    async def act(_: PokeHub) -> None:
        hub = HubThatOpensSlowly(utility.engine, utility.tablet)
        other, listener = Listener(hub, utility.other_tablet), Listener(hub, utility.tablet)
        await other.seq()
        first = asyncio.create_task(listener.seq())
        await asyncio.to_thread(hub.has_looked.wait, SOON_S)
        mine = await asyncio.to_thread(change, utility.engine, "crew-1", "mine")
        theirs = await asyncio.to_thread(change, utility.engine, "crew-2", "theirs")

        assert await other.seq() == theirs  # the hub looked, and told who was there
        hub.may_go_on.set()
        assert await first < mine
        assert await listener.seq() == mine
        hub.close()

    listening(act, utility)


def test_a_change_that_another_process_wrote_is_told(utility: Utility) -> None:
    async def act(hub: PokeHub) -> None:
        listener = Listener(hub, utility.tablet)
        await listener.seq()
        other = open_engine(utility.engine.url.render_as_string(hide_password=False))
        seq = await asyncio.to_thread(change, other, "crew-1", "mine")
        other.dispose()

        assert await listener.seq() == seq

    listening(act, utility)


def test_a_tablet_that_is_revoked_loses_its_stream(
    utility: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poke_io, "LOOK_WALL_S", 0.01)

    async def act(hub: PokeHub) -> None:
        mine, other = Listener(hub, utility.tablet), Listener(hub, utility.other_tablet)
        await mine.seq()
        await other.seq()
        with utility.engine.begin() as connection:
            revoke_tablet(connection, utility.tablet.tablet_id, "test", NOON)

        assert await mine.is_over()
        seq = await asyncio.to_thread(change, utility.engine, "crew-2", "theirs")
        assert await other.seq() == seq
        assert hub.stream_count == 1

    listening(act, utility)


def test_one_stream_too_many_of_a_tablet_ends_the_oldest(utility: Utility) -> None:
    async def act(hub: PokeHub) -> None:
        listeners = [Listener(hub, utility.tablet) for _ in range(STREAMS_PER_TABLET + 1)]
        for listener in listeners:
            await listener.seq()

        assert await listeners[0].is_over()
        assert hub.stream_count == STREAMS_PER_TABLET
        seq = await asyncio.to_thread(change, utility.engine, "crew-1", "mine")
        assert [await each.seq() for each in listeners[1:]] == [seq] * STREAMS_PER_TABLET

    listening(act, utility)


def test_a_silent_stream_beats(utility: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poke_io, "BEAT_S", 0.01)

    async def act(hub: PokeHub) -> None:
        listener = Listener(hub, utility.tablet)
        await listener.seq()

        assert await listener.piece() == BEAT

    listening(act, utility)


def test_a_server_that_stops_ends_every_stream(utility: Utility) -> None:
    async def act(hub: PokeHub) -> None:
        listeners = [Listener(hub, each) for each in (utility.tablet, utility.other_tablet)]
        for listener in listeners:
            await listener.seq()
        hub.close()

        assert [await each.is_over() for each in listeners] == [True, True]
        assert hub.stream_count == 0

    listening(act, utility)


def test_a_stream_ends_after_its_time_so_that_the_guard_looks_again(
    utility: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poke_io, "STREAM_WALL_S", 0.0)

    async def act(hub: PokeHub) -> None:
        listener = Listener(hub, utility.tablet)
        await listener.seq()

        assert await listener.is_over()

    listening(act, utility)
