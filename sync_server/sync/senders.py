"""Who sends operations, and what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync_server.access.tablet_store import TabletIdentity
from wire_contracts.operations import OperationResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who pushes, with which copy of its store, and when it arrived.

    `is_revoked`: the tablet's access was ended; its work came in sealed, and people see it.
    `told`: what a server that was restored since had told of operations (`WrittenPush`).
    `has_closed`: earlier taps of the store wait for a key; a step that cannot be taken without them
    waits, too, and has no outcome.
    """

    tablet: TabletIdentity
    replica_id: str
    now_utc: datetime
    is_revoked: bool = False
    has_closed: bool = False
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutcome:
    """One result per operation in the order sent, and whether the store must be renewed.

    None is of a step that waits (`Sender.has_closed`).

    `server_epoch` is the one under which the outcomes are kept.
    """

    results: Sequence[OperationResult]
    must_renew_replica: bool
    server_epoch: int
