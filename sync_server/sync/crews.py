"""For whom the taps of one device are judged: a tablet given on brings the former crew's work."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from sync_server.access.account_store import areas_of
from sync_server.access.tablet_store import TabletIdentity, accounts_of_tablet
from sync_server.db.server_store import restored_at
from sync_server.sync.apply import why_strange
from sync_server.sync.effects import CrewContext, actors_of_crew, context_of
from sync_server.sync.event_time import EventTime, last_word_utc
from sync_server.sync.inbox import Broken, Entry
from sync_server.sync.scope import buckets_among
from sync_server.sync.senders import Sender
from sync_server.sync.told_steps import ToldSteps
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.operations import Operation
from wire_contracts.orders import ENTITY


class Papers(NamedTuple):
    """What all judgements of one transaction read and write."""

    book: OrderBook
    words: FieldWords
    told: ToldSteps


class Crews(NamedTuple):
    """One context for each enrolment of a device, newest first, and what the device may see."""

    contexts: Sequence[CrewContext]
    buckets: frozenset[str]

    @property
    def is_after_a_restore(self) -> bool:
        """Whether this server goes on from a backup."""
        return self.contexts[0].restored_at_utc is not None

    def context_of(self, entry: Entry, time: EventTime) -> CrewContext:
        """Return for whom a tap is judged."""
        newest = self.contexts[0]
        if isinstance(entry, Broken) or len(self.contexts) == 1:
            return newest
        head = newest.book.head(next(orders_of([entry]), ""))
        holder_crew_id = None if head is None else head.crew_id
        found = context_of(self.contexts, last_word_utc(entry.at, time), holder_crew_id)
        if not why_strange(found, entry, time):
            return found
        # the server's own clock was set back since: the author and the order tell the crew
        fitting = (
            each
            for each in self.contexts
            if holder_crew_id in {None, each.tablet.crew_id} and not why_strange(each, entry, time)
        )
        return next(fitting, found)


def crews_of(
    connection: Connection, sender: Sender, enrolments: Sequence[TabletIdentity], papers: Papers
) -> Crews:
    """Return the crews of a device, its enrolments given newest first."""
    known = [(each, accounts_of_tablet(connection, each.tablet_id)) for each in enrolments]
    restored_at_utc = restored_at(connection)
    contexts = [
        CrewContext(
            tablet=tablet,
            actors=actors_of_crew(known, tablet.crew_id),
            area_ids=frozenset(areas_of(connection, tablet.crew_id)),
            now_utc=sender.now_utc,
            book=papers.book,
            words=papers.words,
            is_revoked=sender.is_revoked,
            restored_at_utc=restored_at_utc,
            step_words=papers.told.step_words,
            finished=papers.told.finished,
            worked=papers.told.worked,
            steps=papers.told.steps,
            replica_id=sender.replica_id,
        )
        for tablet in enrolments
    ]
    (tablet, actors), area_ids = known[0], contexts[0].area_ids
    return Crews(contexts, frozenset(buckets_among(tablet, area_ids, actors)))


def orders_of(operations: Iterable[Operation]) -> Iterator[str]:
    """Yield every order that is looked at: locked one by one, two pushes would wait crosswise."""
    for each in operations:
        order_id = None if each.payload is None else each.payload.get("order_id")
        if each.entity == ENTITY:
            yield each.entity_id
        elif isinstance(order_id, str):
            yield order_id
