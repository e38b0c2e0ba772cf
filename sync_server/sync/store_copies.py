"""Finds two copies of one tablet's store at work: their numbers order nothing any more (T7)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_server.sync.ledger_store import (
    note_replica,
    numbers_in_use,
    replica_standing,
    retire_replica,
)
from sync_server.sync.questions import ask
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.senders import Sender
from sync_server.sync.word_store import FieldWords
from wire_contracts.codes import Code
from wire_contracts.operations import Operation


class CopyWatch:
    """Watches the numbers of one copy of a store; `numbers`: number -> who holds it."""

    def __init__(self, connection: Connection, sender: Sender) -> None:
        """Know of no number yet."""
        self._connection = connection
        self._sender = sender
        self.numbers: dict[int, set[str]] = {}
        self.are_doubted = False
        """Whether the numbers say nothing of which tap came first."""

    def begin(self, unseen: Sequence[Operation], words: FieldWords) -> None:
        """Believe no numbers of a store that another tablet has, or that counts anew."""
        numbers = {each.n for each in unseen}
        self.numbers = numbers_in_use(self._connection, self._sender.replica_id, numbers)
        if not unseen:
            return
        standing = replica_standing(self._connection, self._sender.replica_id)
        is_anothers = standing.tablet_id not in {None, self._sender.tablet.tablet_id}
        is_used = bool(self.numbers)  # by an operation of another id, for none of these is known
        if is_anothers:
            self._retire(unseen[0])
        if is_anothers or is_used or standing.is_retired:
            self.are_doubted = True
            words.doubt_numbers()

    def see(self, operation: Operation) -> None:
        """Two operations with one number are two copies of a store at work."""
        holders = self.numbers.setdefault(operation.n, set())
        holders.add(operation.op_id)
        if len(holders) > 1:
            self._retire(operation)

    def _retire(self, operation: Operation) -> None:
        replica_id, now_utc = self._sender.replica_id, self._sender.now_utc
        note_replica(self._connection, replica_id, self._sender.tablet.tablet_id, 0, now_utc)
        if retire_replica(self._connection, replica_id, now_utc):
            ask(self._connection, ReviewKind.CLONED_STORE, operation, Code.CONFLICT, now_utc)
