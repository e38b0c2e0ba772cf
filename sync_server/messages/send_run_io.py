"""Sends what waits, every few seconds; one message that fails does not keep the others back."""

import threading
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.db.engine_io import reading
from sync_server.messages.message_store import (
    note_failed,
    note_no_number,
    note_sent,
    waiting_messages,
)
from sync_server.messages.messenger_io import Messenger, MessengerError
from wire_contracts.clock import Clock

_LOG: FilteringBoundLogger = structlog.get_logger()

LOOK_EVERY_S: Final = 10.0
"""Of the site's time: an announcement comes days before."""


def send_once(engine: Engine, clock: Clock, messenger: Messenger, site_name: str) -> int:
    """Return how many messages left.

    Each is noted by itself after it left: a stop in between sends it twice at most, with one id.
    """
    now_utc = clock.now_utc()
    with reading(engine) as connection:
        waiting = waiting_messages(connection, site_name, now_utc)
    sent = 0
    for each in waiting:
        if not each.number:
            with engine.begin() as connection:
                note_no_number(connection, each.message_id)
            continue
        try:
            messenger.send(each.message_id, each.number, each.text)
        except MessengerError as error:
            _LOG.warning("message.failed", message=each.message_id, reason=str(error))
            with engine.begin() as connection:
                note_failed(connection, each, str(error), now_utc)
            continue
        with engine.begin() as connection:
            note_sent(connection, each.message_id, now_utc)
        sent += 1
    return sent


def send_until(
    engine: Engine, clock: Clock, messenger: Messenger, site_name: str, stop: threading.Event
) -> None:
    """Send until `stop`; a look that fails is named, and the next one comes."""
    while not stop.is_set():
        try:
            send_once(engine, clock, messenger, site_name)
        except SQLAlchemyError:
            _LOG.exception("message.look_failed")
        stop.wait(max(clock.wall_seconds(LOOK_EVERY_S), 0.2))
