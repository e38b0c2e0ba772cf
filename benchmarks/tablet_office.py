"""An office in the benchmark's own process that deals out many orders in pages, as JSON text."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wire_contracts.fields import FieldReader
from wire_contracts.operations import OperationResult, Outcome, PushAnswer, WrittenPush
from wire_contracts.orders import ENTITY, OrderType, SafetyClass, WorkOrderDocument, order_json
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    dump_pull,
    hash_row,
    parse_pull,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

NOW_UTC = datetime(2026, 11, 21, 6, 12, tzinfo=UTC)
PAGE_ROWS = 500
EPOCH = 20261121


class StillClock:
    """A clock that stands still."""

    def now_utc(self) -> datetime:
        """Return the one moment."""
        return NOW_UTC

    def wall_seconds(self, seconds: float) -> float:
        """Return the seconds unchanged."""
        return seconds


def order_rows(count: int) -> list[EntityRow]:
    """Return so many orders of a large town, all of one crew."""
    media = tuple(Medium)
    rows = []
    for number in range(count):
        document = WorkOrderDocument(
            number=f"WO-{number + 101:06d}",
            state=WorkOrderState.RELEASED,
            order_type=OrderType.LEAK_CHECK,
            medium=media[number % 3],
            safety_class=(SafetyClass.A, SafetyClass.B, SafetyClass.C)[min(number % 40, 2)],
            priority=1 + number % 4,
            title=BilingualText(en=f"Gas flows all night {number}", zh=f"夜间持续用气 {number}"),
            address=f"解放大街 {number % 400} 号 {number % 30} 栋",
            created_at_utc=NOW_UTC - timedelta(hours=2),
            due_at_utc=NOW_UTC + timedelta(minutes=number % 4000),
            meter_id=f"GM-{100001 + number}",
            device_serial=f"{80231122 + number}",
            crew_id="crew-3",
        )
        body = order_json(document)
        entity_id = f"01900000-0000-7000-8000-{number:012d}"
        rows.append(
            EntityRow(
                entity=ENTITY,
                entity_id=entity_id,
                seq=number + 1,
                row_hash=hash_row(ENTITY, entity_id, body),
                document=body,
            )
        )
    return rows


class PagedOffice:
    """Answers pulls page by page; every answer is written to JSON and read again, as on a wire."""

    def __init__(self, rows: Sequence[EntityRow]) -> None:
        """Deal out `rows`."""
        checksum = 0
        for row in rows:
            checksum ^= row.row_hash
        self._end = BucketEnd(count=len(rows), checksum=checksum)
        self._bodies = [self._page(rows, start) for start in range(0, len(rows), PAGE_ROWS)]

    def _page(self, rows: Sequence[EntityRow], start: int) -> bytes:
        page = rows[start : start + PAGE_ROWS]
        is_last = start + PAGE_ROWS >= len(rows)
        answer = PullAnswer(
            server_epoch=EPOCH,
            server_now_ms=int(NOW_UTC.timestamp() * 1000),
            token=f"t{start // PAGE_ROWS + 1}",
            has_more=not is_last,
            buckets=(
                BucketPage(
                    bucket="crew:crew-3",
                    is_reset=start == 0,
                    rows=page,
                    end=self._end if is_last else None,
                ),
            ),
        )
        return dump_pull(answer)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the page after the token; nothing after the last one."""
        del limit
        index = 0 if token is None else int(token[1:])
        if index >= len(self._bodies):
            return PullAnswer(
                server_epoch=EPOCH,
                server_now_ms=int(NOW_UTC.timestamp() * 1000),
                token=str(token),
                has_more=False,
            )
        return parse_pull(FieldReader(place="pull", values=json.loads(self._bodies[index])), token)

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return that everything was applied."""
        return PushAnswer(
            server_epoch=EPOCH,
            server_now_ms=int(NOW_UTC.timestamp() * 1000),
            results=[
                OperationResult(op_id=json.loads(body)["op_id"], outcome=Outcome.APPLIED)
                for body in push.bodies
            ],
        )
