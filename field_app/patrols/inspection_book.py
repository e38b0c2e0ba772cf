"""InspectionBook: what one tablet knows about rounds, read and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from field_app.checklists.form_shelf import FormShelf
from field_app.checklists.told_dangers import told_dangers
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.stamps import Stamps
from field_app.patrols import inspection_store
from field_app.patrols.begun_stops import begun_at_stops
from field_app.patrols.home_facts import (
    AskedOrder,
    Unheard,
    orders_asked,
    unheard_orders,
)
from field_app.patrols.inspection_store import SeenHome, SeenMeter, SeenRun
from field_app.patrols.left_places import POINT_FORM, LeftDanger, left_dangers
from field_app.patrols.noted import (
    HOME_FORM,
    FinishedForms,
    finished_since_inside,
    inside_n,
)
from field_app.store import draft_store, outbox_store
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftKey, KeptAnswer
from field_app.store.round_records import record_of
from wire_contracts.fields import JsonValue
from wire_contracts.frames import utc_from_ms
from wire_contracts.home_checks import CheckItem
from wire_contracts.patrol_facts import BegunPoint
from wire_contracts.patrols import Checkpoint, PatrolPlan

METER_FORM = "round_reading@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOf:
    """Which answers are meant: of a run's checkpoint, a home or a meter."""

    record_id: str
    form: str


def point_draft(run_id: str, checkpoint_id: str) -> DraftOf:
    """Return the draft of one checkpoint of a run."""
    return DraftOf(record_id=record_of(run_id), form=f"{POINT_FORM}/{checkpoint_id}")


def home_draft(household_id: str) -> DraftOf:
    """Return the draft of a home."""
    return DraftOf(record_id=record_of(household_id), form=HOME_FORM)


def meter_draft(meter_id: str) -> DraftOf:
    """Return the draft of a meter's reading."""
    return DraftOf(record_id=record_of(meter_id), form=METER_FORM)


def gas_of_forms(thing_id: str) -> DraftOf:
    """Return the draft of gas that was typed over in the checklists of a stop or a home."""
    return DraftOf(record_id=thing_id, form=WORK_FORM)


class InspectionBook:
    """What is read about rounds; `InspectionDesk` adds what an inspector does on them."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        """Read the database; who is at work and what time it is are told by `stamps`."""
        self._database = database
        self._stamps = stamps
        self._shelf = FormShelf()

    def checkpoints(self) -> dict[str, Checkpoint]:
        """Return the checkpoints that this tablet knows."""
        return self._database.read(inspection_store.load_checkpoints)

    def plans(self) -> dict[str, PatrolPlan]:
        """Return the routes of this tablet's crew."""
        return self._database.read(inspection_store.load_plans)

    def has_rounds(self) -> bool:
        """Return whether this tablet's crew inspects anything."""
        return self._database.read(inspection_store.has_rounds)

    def open_run(self) -> SeenRun | None:
        """Return the run that is under way, None without one."""
        return self._database.read(inspection_store.find_open_run)

    def run(self, run_id: str) -> SeenRun:
        """Return one run."""
        return self._database.read(lambda each: inspection_store.load_run(each, run_id))

    def begun(self, run_id: str) -> list[BegunPoint]:
        """Return what was typed at the stops of a run and kept by nobody, by the tablet's clock."""

        def work(connection: Connection) -> list[BegunPoint]:
            run = inspection_store.load_run(connection, run_id)
            known = inspection_store.load_checkpoints(connection)
            return begun_at_stops(connection, run, known)

        return self._database.read(work)

    def homes(self) -> list[SeenHome]:
        """Return the homes on the list."""
        return self._database.read(
            lambda each: inspection_store.load_homes(each, self._now_utc(each))
        )

    def home(self, household_id: str) -> SeenHome | None:
        """Return one home."""
        return self._database.read(lambda each: inspection_store.find_home(each, household_id))

    def inside_n(self, household_id: str) -> int:
        """Return the operation with which this tablet's crew told of a home last; 0: never."""
        return self._database.read(lambda each: inside_n(each, household_id))

    def unheard(self) -> Unheard:
        """Return what became of the orders for dangers that the office does not have."""
        return self._database.read(lambda each: unheard_orders(each, self._stamps.now(each)))

    def left_dangers(self) -> list[LeftDanger]:
        """Return what was noted at places that have left this tablet, and told to nobody."""
        return self._database.read(lambda each: left_dangers(each, self._shelf.find))

    def meters(self) -> list[SeenMeter]:
        """Return the meters of the round."""
        return self._database.read(
            lambda each: inspection_store.load_meters(each, self._now_utc(each))
        )

    def meter(self, meter_id: str) -> SeenMeter | None:
        """Return one meter."""
        return self._database.read(
            lambda each: inspection_store.find_meter(each, meter_id, self._now_utc(each))
        )

    def _now_utc(self, connection: Connection) -> datetime:
        """Return the time by the server's clock, as far as the tablet knows it."""
        now = self._stamps.now(connection)
        return utc_from_ms(now.wall_ms + now.offset_ms)

    def answers(self, draft: DraftOf) -> Mapping[str, JsonValue]:
        """Return the answers kept so far by the person at work."""
        key = self._key(draft)
        return self._database.read(lambda each: draft_store.load_draft(each, key)).answers

    def newest_answers(self, draft: DraftOf) -> Mapping[str, JsonValue]:
        """Return the answers that were kept last, by whomever: a route has one way walked."""
        _author, kept = self.everyones(draft)
        return {each.field: each.value for each in kept}

    def everyones(self, draft: DraftOf) -> tuple[str, list[KeptAnswer]]:
        """Return who is at work, and what everybody has answered, the oldest first."""
        kept = self._database.read(
            lambda each: draft_store.load_everyones(each, draft.record_id, draft.form)
        )
        return self._stamps.actor(), kept

    def told_of_home(self, household_id: str) -> frozenset[CheckItem]:
        """Return the hazards of severity 1 that were told of a home and answered otherwise."""
        return self._database.read(lambda each: told_dangers(each, household_id))

    def finished_in_home(self, household_id: str) -> FinishedForms:
        """Return what the office's forms that were finished in a home say, until one was inside."""
        return self._database.read(lambda each: finished_since_inside(each, household_id))

    def orders_of_home(self, household_id: str) -> list[AskedOrder]:
        """Return the orders that were asked for over dangers of a home, the oldest first."""
        return self._database.read(
            lambda each: orders_asked(outbox_store.entries_of(each, record_of(household_id)))
        )

    def _key(self, draft: DraftOf) -> DraftKey:
        return DraftKey(order_id=draft.record_id, form=draft.form, author=self._stamps.actor())
