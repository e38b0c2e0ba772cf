"""A live page on PostgreSQL hears of a change that is committed behind a later one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from sync_server.db.feed_store import Topic, append_feed
from sync_server.web.live_io import LiveHub
from tests.sync_server.real_parts import NOON, HandClock

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
