"""Owns the feed: every change that a live page must hear of, in the order of its commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, select

from sync_server.db.bulk_io import put_rows
from sync_server.db.feed_tables import FEED
from sync_server.db.notices_io import FEED_CHANNEL, tell
from wire_contracts.frames import ms_from_utc, utc_from_ms


class Topic(StrEnum):
    """What changed."""

    ALERT = "alert"
    ORDER = "order"
    GATEWAY = "gateway"
    QUARANTINE = "quarantine"
    REVIEW = "review"
    REQUEST = "request"
    CALL = "call"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One change: `feed_id` rises with every row and is the Last-Event-ID of the live page."""

    feed_id: int
    topic: Topic
    ref_id: str
    at_utc: datetime


def append_feed(connection: Connection, topic: Topic, ref_id: str, now_utc: datetime) -> None:
    """Add a change to the feed, in the transaction of the change itself."""
    append_feed_all(connection, topic, [ref_id], now_utc)


def append_feed_all(
    connection: Connection, topic: Topic, ref_ids: Sequence[str], now_utc: datetime
) -> None:
    """Add changes of one topic to the feed; none is added twice for one id."""
    at_ms = ms_from_utc(now_utc)
    rows = [(str(topic), each, at_ms) for each in sorted(set(ref_ids))]
    put_rows(connection, FEED, rows, names=("topic", "ref_id", "at_ms"))
    tell(connection, FEED_CHANNEL)


def read_feed(connection: Connection, after_id: int, limit: int) -> Sequence[FeedEntry]:
    """Return at most `limit` changes after `after_id`, oldest first."""
    rows = connection.execute(
        select(FEED).where(FEED.c.feed_id > after_id).order_by(FEED.c.feed_id).limit(limit)
    )
    return [
        FeedEntry(
            feed_id=row.feed_id,
            topic=Topic(row.topic),
            ref_id=row.ref_id,
            at_utc=utc_from_ms(row.at_ms),
        )
        for row in rows
    ]


def newest_feed_id(connection: Connection) -> int:
    """Return the id of the newest change, 0 when there is none."""
    newest: int | None = connection.execute(select(func.max(FEED.c.feed_id))).scalar_one()
    return newest or 0
