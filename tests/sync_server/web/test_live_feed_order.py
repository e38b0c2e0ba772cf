"""A live page on PostgreSQL hears of a change that is committed behind a later one."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from sync_server.db.engine_io import open_engine
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.notices_io import FEED_CHANNEL, Listener
from sync_server.web.live_io import LiveHub
from tests.sync_server.real_parts import NOON, HandClock, wait_until

DEADLINE_S = 60.0


async def topics_heard(engine: Engine) -> list[str]:
    """Return what a page hears while a slow transaction is overtaken by a quick one."""
    hub = LiveHub(engine, HandClock())
    stream = hub.stream(0, "somebody")
    heard: list[str] = []

    async def hear(topic: str) -> None:
        async for event in stream:
            heard.extend(name for name in (Topic.ORDER, Topic.ALERT) if f"data: {name}" in event)
            if topic in heard:
                return

    with engine.connect() as slow, slow.begin():
        append_feed(slow, Topic.ORDER, "slow", NOON)
        with engine.begin() as quick:
            append_feed(quick, Topic.ALERT, "quick", NOON)
        await asyncio.wait_for(hear(Topic.ALERT), DEADLINE_S)
        before = [*heard]
        slow.commit()
    await asyncio.wait_for(hear(Topic.ORDER), DEADLINE_S)
    hub.close()
    return before + heard[len(before) :]


def test_a_change_committed_behind_a_later_one_is_heard(postgres_engine: Engine) -> None:
    with ThreadPoolExecutor(1) as own:  # a browser of this session may have a loop in this thread
        heard = own.submit(lambda: asyncio.run(topics_heard(postgres_engine))).result()

    assert heard == [Topic.ALERT, Topic.ORDER]


async def heard_across(listening: Engine, acting: Engine) -> list[str]:
    """Return what a page of one process hears of another one."""
    hub = LiveHub(listening, HandClock())
    stream = hub.stream(0, "somebody")
    heard: list[str] = []
    await anext(stream)
    with acting.begin() as connection:
        append_feed(connection, Topic.ALERT, "elsewhere", NOON)

    async def hear() -> None:
        async for event in stream:
            heard.extend(name for name in (Topic.ALERT,) if f"data: {name}" in event)
            if heard:
                return

    await asyncio.wait_for(hear(), DEADLINE_S)
    hub.close()
    return heard


def test_a_page_hears_what_another_process_did(postgres_engine: Engine) -> None:
    other = open_engine(postgres_engine.url.render_as_string(hide_password=False))
    with ThreadPoolExecutor(1) as own:
        work = own.submit(lambda: asyncio.run(heard_across(postgres_engine, other)))
        heard = work.result()
    other.dispose()

    assert heard == [Topic.ALERT]


def test_a_listener_is_told_at_the_commit_and_listens_again_after_its_connection_is_gone(
    postgres_engine: Engine,
) -> None:
    told = threading.Semaphore(0)
    listener = Listener(postgres_engine, FEED_CHANNEL, told.release)
    listener.start()
    try:
        wait_until(lambda: listener.is_listening)
        with postgres_engine.begin() as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN'"
            connection.execute(text(query))
        wait_until(lambda: not listener.is_listening)
        wait_until(lambda: listener.is_listening)
        while told.acquire(blocking=False):
            pass
        with postgres_engine.begin() as connection:
            append_feed(connection, Topic.ALERT, "x", NOON)
        is_told = told.acquire(timeout=DEADLINE_S)
    finally:
        listener.close()

    assert is_told
