"""An answer that comes while the server looks who is silent keeps the watch going."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, event

from sync_server.sync.lone_workers import ask_for_silent, note_watch
from sync_server.work_orders.order import Fact
from tests.sync_server.real_parts import HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.site_facts import LoneWorkerEvent, WatchEvent, watch_json


def say(connection: Connection, said: WatchEvent, now_utc: datetime) -> None:
    """Keep what a tablet says of its watch, good for half an hour."""
    wall_ms = ms_from_utc(now_utc)
    told = LoneWorkerEvent(event=said, person="Li Wei", due_ms=wall_ms + 1_800_000, place="")
    fact = Fact(
        fact_id=f"fact-{said}",
        fact_type=FactType.LONE_WORKER,
        order_id=None,
        actor="li",
        tablet_id="tablet-1",
        op_id=f"op-{said}",
        payload=watch_json(told),
        happened_at_utc=now_utc,
        received_at_utc=now_utc,
    )
    note_watch(connection, fact, DeviceTime(wall_ms=wall_ms, mono_ms=1, boot_id="b", offset_ms=0))


def test_an_answer_between_look_and_question_keeps_the_watch(
    postgres_engine: Engine, clock: HandClock
) -> None:
    engine, up_since_utc = postgres_engine, clock.now_utc() - timedelta(days=1)
    with engine.begin() as connection:
        say(connection, WatchEvent.STARTED, clock.now_utc())
    clock.advance(minutes=36)
    with engine.begin() as looking:
        answered: list[bool] = []

        @event.listens_for(looking, "before_cursor_execute")
        def answer(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("UPDATE") and not answered:
                answered.append(True)
                with engine.begin() as other:
                    say(other, WatchEvent.CONFIRMED, clock.now_utc())

        asked = ask_for_silent(looking, clock.now_utc(), up_since_utc)
    assert (asked, answered) == (0, [True])

    clock.advance(hours=5)
    with engine.begin() as connection:
        assert ask_for_silent(connection, clock.now_utc(), up_since_utc) == 1
