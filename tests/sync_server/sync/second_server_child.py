"""One of two servers over one database, with the tablets that happen to reach it.

`python -m tests.sync_server.sync.second_server_child URL SEED`: it takes one line of JSON (who
pushes, which orders there are, pushes that reach both servers), says `ready`, begins with the next
line, says `done`, pulls to the end after one more and tells as JSON what its tablets have.
"""

import json
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import OperationalError

from sync_server.access.tablet_store import TabletIdentity, tablet_as_it_was
from sync_server.db.engine_io import open_engine
from sync_server.sync.service import SyncService
from sync_server.work_orders.order_store import add_note, assign
from tests.sync_server.people_parts import Pen
from tests.sync_server.real_parts import HandClock
from tests.sync_server.tablet_model import ModelTablet
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import WrittenPush
from wire_contracts.work_order_states import WorkOrderEvent

ROUNDS = 10
_STEPS = ("accept", "depart", "arrive", "begin", "pause", "resume", "finish")


@dataclass(slots=True, kw_only=True)
class Server:
    """This process's service, its tablets and its dispatcher."""

    service: SyncService
    tablets: Sequence[ModelTablet]
    dispatcher: str
    orders: Sequence[str]
    rng: random.Random
    noted: list[str]

    def work(self, number: int) -> None:
        """Let every tablet tap, push and pull, and the office have a word."""
        for place, tablet in enumerate(self.tablets):
            for _ in range(self.rng.randint(1, 4)):
                self._tap(tablet, f"{place} {number} {self.rng.random()}")
            tablet.push(self.service, self.rng.choice([3, 200]))
            tablet.pull(self.service, self.rng.choice([2, 500]))
        with suppress(ContractError, RefusedTransition, OperationalError):
            self._office(number)

    def _tap(self, tablet: ModelTablet, words: str) -> None:
        order_id = self.rng.choice(self.orders)
        seen = tablet.orders().get(order_id, {})
        pen, kind = tablet.pen, self.rng.randrange(4)
        if kind == 0:
            note = str(seen.get("note") or "")
            self.noted.append(words)
            tablet.write(pen.set(order_id, "note", note, f"{note}\n{words}".strip()))
        elif kind == 1:
            tablet.write(pen.set(order_id, "diagnosis", seen.get("diagnosis") or "", words))
        elif kind == 2:
            events = [event for event in WorkOrderEvent if str(event) in _STEPS]
            tablet.write(pen.go(order_id, self.rng.choice(events)))
        else:
            tablet.write(pen.answers(order_id))

    def _office(self, number: int) -> None:
        order_id, actor = self.rng.choice(self.orders), self.dispatcher
        clock = HandClock()
        with self.service._engine.begin() as connection:
            if number % 3:
                words = f"office {number} {self.rng.random()}"
                add_note(connection, order_id, words, actor, clock.now_utc())
                self.noted.append(words)
            else:
                crew_id = self.rng.choice(["crew-1", "crew-2"])
                assign(connection, order_id, crew_id, actor, clock.now_utc())


def main() -> None:
    """Work beside the other server, then tell."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    engine = open_engine(sys.argv[1])
    rng, clock = random.Random(int(sys.argv[2])), HandClock()  # pinned
    asked = json.loads(sys.stdin.readline())
    service = SyncService(engine, clock)
    identities: dict[str, TabletIdentity] = {}
    with engine.begin() as connection:
        for tablet_id in [*asked["tablets"], asked["shared"]]:
            identities[tablet_id] = tablet_as_it_was(connection, tablet_id)[0]
    tablets = [
        ModelTablet(
            identity=identities[tablet_id],
            pen=Pen(actor=actor, clock=clock),
            rng=random.Random(rng.random()),
        )
        for tablet_id, actor in asked["tablets"].items()
    ]
    server = Server(
        service=service,
        tablets=tablets,
        dispatcher=asked["dispatcher"],
        orders=asked["orders"],
        rng=rng,
        noted=[],
    )
    shared = service.for_tablet(identities[asked["shared"]])
    pushes = [WrittenPush(replica_id="shared", bodies=each) for each in asked["pushes"]]
    told: dict[str, str] = {}
    _meet("ready")
    for number in range(ROUNDS):
        if number < len(pushes):
            told |= {each.op_id: each.outcome for each in shared.push(pushes[number]).results}
        server.work(number)
    for tablet in tablets:
        while tablet.disk.outbox:
            tablet.push(service)
    _meet("done")
    sys.stdout.write(json.dumps(_told(server, told)) + "\n")
    engine.dispose()


def _meet(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _told(server: Server, shared: dict[str, str]) -> dict[str, object]:
    for tablet in server.tablets:
        tablet.pull(server.service)
    return {
        "shared": shared,
        "noted": server.noted,
        "made": sorted(op_id for tablet in server.tablets for op_id in tablet.made),
        "told": {
            op_id: result.outcome
            for tablet in server.tablets
            for op_id, result in tablet.told.items()
        },
        "seqs": [result.seq for tablet in server.tablets for result in tablet.told.values()],
        "buckets": [
            {name: [end.count, end.checksum] for name, end in tablet.sums().items()}
            for tablet in server.tablets
        ],
    }


if __name__ == "__main__":
    main()
