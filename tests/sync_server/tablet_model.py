"""A tablet in memory that follows the rules of the protocol, for tests of the server."""

import copy
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import xor

from sync_server.access.tablet_store import TabletIdentity
from sync_server.sync.service import SyncService
from tests.sync_server.people_parts import Pen
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.operations import (
    Operation,
    OperationKind,
    OperationResult,
    PushRequest,
    write_push,
)
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import BucketEnd, BucketPage, PullAnswer
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the base: as it came, with what the checksum needs."""

    document: JsonObject
    seq: int
    row_hash: int


@dataclass(slots=True)
class Disk:
    """What survives a restart, and what a backup holds."""

    token: str | None = None
    buckets: dict[str, dict[Key, Row]] = field(default_factory=dict)
    ends: dict[str, BucketEnd] = field(default_factory=dict)
    outbox: list[Operation] = field(default_factory=list)
    n: int = 0
    replica_id: str = ""


@dataclass(slots=True)
class ModelTablet:
    """One tablet of the simulation."""

    identity: TabletIdentity
    pen: Pen
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # pinned
    disk: Disk = field(default_factory=Disk)
    made: dict[str, str] = field(default_factory=dict)
    told: dict[str, OperationResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.disk.replica_id = self._random_id()
        self.pen.ids = iter(self._random_id, "")

    def _random_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    # --- work

    def orders(self) -> dict[str, JsonObject]:
        """The base overlaid with what waits in the outbox (invariant I9)."""
        rows = {
            entity_id: dict(row.document)
            for bucket in self.disk.buckets.values()
            for (entity, entity_id), row in bucket.items()
            if entity == ENTITY
        }
        for operation in self.disk.outbox:
            if operation.entity_id in rows:
                _overlay(rows[operation.entity_id], operation)
        return dict(rows)

    def write(self, operation: Operation) -> None:
        """Seal an operation: it is in the outbox from here on, whatever happens."""
        self.disk.outbox.append(operation)
        self.disk.n = self.pen.n
        self.made[operation.op_id] = operation.actor

    def backup(self) -> Disk:
        return copy.deepcopy(self.disk)

    def restore(self, backup: Disk) -> None:
        """Come back as an older copy: what was made since is gone with the disk."""
        lost = {each.op_id for each in self.disk.outbox} - {each.op_id for each in backup.outbox}
        for op_id in lost:
            self.made.pop(op_id)
        self.disk = copy.deepcopy(backup)
        self.pen.n = self.disk.n

    # --- push

    def request(self, count: int) -> PushRequest:
        return PushRequest(
            replica_id=self.disk.replica_id, operations=tuple(self.disk.outbox[:count])
        )

    def take_results(self, results: Mapping[str, OperationResult], *, must_renew: bool) -> None:
        self.disk.outbox = [each for each in self.disk.outbox if each.op_id not in results]
        self.told.update(results)
        if must_renew:
            self.disk.replica_id = self._random_id()

    def push(self, service: SyncService, count: int = 200) -> None:
        request = self.request(count)
        if request.operations:
            answer = service.for_tablet(self.identity).push(write_push(request))
            results = {result.op_id: result for result in answer.results}
            self.take_results(results, must_renew=answer.must_renew_replica)

    # --- pull

    def take_page(self, answer: PullAnswer) -> None:
        """Keep page and token in one step (trap T4); the outbox is left alone (trap T10)."""
        for bucket in answer.dropped_buckets:
            self.disk.buckets.pop(bucket, None)
            self.disk.ends.pop(bucket, None)
        for page in answer.buckets:
            self._take_bucket(page)
        self.disk.token = answer.token

    def _take_bucket(self, page: BucketPage) -> None:
        rows = {} if page.is_reset else self.disk.buckets.get(page.bucket, {})
        for gone in page.tombstones:
            rows.pop((gone.entity, gone.entity_id), None)
        for row in page.rows:
            rows[row.entity, row.entity_id] = Row(row.document, row.seq, row.row_hash)
        self.disk.buckets[page.bucket] = rows
        if page.end is not None:
            self.disk.ends[page.bucket] = page.end

    def pull(self, service: SyncService, limit: int = 500) -> None:
        """Pull until the head is reached."""
        while True:
            answer = service.for_tablet(self.identity).pull(self.disk.token, limit)
            self.take_page(answer)
            if not answer.has_more:
                return

    def sums(self) -> dict[str, BucketEnd]:
        """What the tablet counts itself, per bucket."""
        return {
            bucket: BucketEnd(
                count=len(rows), checksum=reduce(xor, (row.row_hash for row in rows.values()), 0)
            )
            for bucket, rows in self.disk.buckets.items()
        }


def _overlay(document: dict[str, JsonValue], operation: Operation) -> None:
    if operation.kind is OperationKind.SET:
        document[operation.field] = operation.new
    elif operation.kind is OperationKind.GO:
        key = (WorkOrderState(str(document["state"])), WorkOrderEvent(operation.field))
        document["state"] = str(WORK_ORDER.table.get(key, key[0]))
