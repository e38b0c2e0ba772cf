"""One pass round the loop: a leak, its alert, an order, a crew without a network, quiet again."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Engine

from demo.cellar import is_in_the_cellar
from demo.check_report import LoopTimes
from demo.control_room_io import ControlRoom, LiveWatch
from demo.cut_network_io import CuttableNetwork
from demo.faults import Fault, FaultKind
from demo.faults_io import TruthFile
from demo.places import Places
from demo.story import night_leak
from demo.tablet_crews import SHOWN_CREW
from demo.town import Town
from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import get_alert, list_alerts
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.gallery import pictures_of
from sync_server.config_io import load_config
from sync_server.db.engine_io import reading
from sync_server.run_site import blob_folder
from sync_server.work_orders.order import OrderRecord
from sync_server.work_orders.order_rows_store import find_order
from sync_server.work_orders.order_store import list_orders
from wire_contracts.alert_states import Condition, Disposition
from wire_contracts.blobs import BlobRole
from wire_contracts.clock import Clock
from wire_contracts.kinds import FAMILY, Family
from wire_contracts.orders import ENTITY
from wire_contracts.work_order_states import WorkOrderState

LOOK_EVERY_S = 0.25
"""Wall seconds between two looks at the database."""

STAIRS_S = 1.5
"""Wall seconds from the finding to the street: the way out of the cellar."""

LEAK_AFTER = timedelta(minutes=30)
"""Town time from the loop's begin to the leak."""

T = TypeVar("T")


class LoopBroke(RuntimeError):  # noqa: N818  # reads as what happened
    """The loop did not close in time; the text says at which step."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What the loop touches as a person would: a database to look at, buttons, a leak.

    `stop` ends everything early; `over` is set when the stage is closed.
    """

    places: Places
    town: Town
    engine: Engine
    clock: Clock
    truth: TruthFile
    desk: ControlRoom
    live: LiveWatch
    network: CuttableNetwork
    stop: threading.Event
    over: threading.Event
    tell: Callable[[str], None]
    check_alive: Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Loop:
    """One pass round the loop, with what it came to."""

    stage: Stage
    until_wall_s: float
    leak_after: timedelta = LEAK_AFTER
    times: LoopTimes = field(default_factory=LoopTimes)
    orders_closed_offline: int = 0
    photos_arrived: int = 0

    def play(self) -> None:
        """Go round once; raise LoopBroke at the step that did not come."""
        leak = self._begin_leak()
        alert = self._wait("the alert", lambda: self._alert_of(leak))
        self._note_alert(alert, leak)
        order = self._wait("the work order", lambda: self._order_of(alert))
        self.times.ordered_town_s = self._since(leak)
        self.stage.tell(f"{order.document.number} went out to {order.document.crew_id}")
        self._wait("the crew's finding in the cellar", lambda: self._recorded(order))
        self.times.finished_offline_town_s = self._since(leak)
        self.stage.tell("the crew has closed the leak and recorded it without a network")
        done = self._wait("the finished order at the office", lambda: self._finished(order))
        self.times.order_done_town_s = self._since(leak)
        self.orders_closed_offline += 1
        self.stage.tell(f"{done.document.number} is back: {done.document.result}")
        self.photos_arrived += self._wait("the crew's photos", lambda: self._photos(order))
        self.times.photos_here_town_s = self._since(leak)
        self.stage.tell("photo and signature of the crew are here, byte for byte")
        self.stage.desk.act_on_order(order.order_id, "verify")
        self.stage.desk.act_on_order(order.order_id, "close")
        self._wait("the closed alert", lambda: self._closed(alert))
        self.times.alert_closed_town_s = self._since(leak)
        self.stage.tell("the alert is closed with the crew's finding")

    def _begin_leak(self) -> Fault:
        leak = night_leak(self.stage.town, self.stage.clock.now_utc() + self.leak_after)
        self.stage.truth.inject(leak)
        name = self.stage.town.meter(leak.meter_id).name
        self.stage.tell(f"{leak.meter_id} ({name}) begins to leak {leak.flow_m3h} m³/h")
        return leak

    def _note_alert(self, alert: AlertRecord, leak: Fault) -> None:
        clock = self.stage.clock
        town_s = (alert.raised_at_utc - leak.start_utc).total_seconds()
        self.times.alert_town_s = town_s
        self.times.alert_wall_s = clock.wall_seconds(town_s)
        age_s = (clock.now_utc() - alert.raised_at_utc).total_seconds()
        raised_wall_s = time.monotonic() - clock.wall_seconds(age_s)
        heard_wall_s = self._wait(
            "the live stream", lambda: self.stage.live.first_after("alert", raised_wall_s)
        )
        self.times.live_wall_s = heard_wall_s - raised_wall_s
        self.stage.desk.acknowledge(alert.alert_id)
        self.stage.tell(f"alert on {alert.meter_id}: {alert.evidence.sentence.en}")

    def _wait(self, what: str, look: Callable[[], T | None]) -> T:
        while not self.stage.stop.is_set():
            found = look()
            if found is not None:
                return found
            self.stage.check_alive()
            if time.monotonic() > self.until_wall_s:
                raise LoopBroke(f"{what} did not come in time")
            self.stage.stop.wait(LOOK_EVERY_S)
        raise LoopBroke(f"stopped while waiting for {what}")

    def _since(self, leak: Fault) -> float:
        return (self.stage.clock.now_utc() - leak.start_utc).total_seconds()

    def _alert_of(self, leak: Fault) -> AlertRecord | None:
        with reading(self.stage.engine) as connection:
            found = list_alerts(connection, AlertFilter())
        return next((alert for alert in found if _is_of(alert, leak)), None)

    def _alert(self, alert_id: str) -> AlertRecord:
        with reading(self.stage.engine) as connection:
            return get_alert(connection, alert_id)

    def _order_of(self, alert: AlertRecord) -> OrderRecord | None:
        order_id = self._alert(alert.alert_id).work_order_id
        if order_id is None:
            return None
        with reading(self.stage.engine) as connection:
            return find_order(connection, order_id)

    def _recorded(self, order: OrderRecord) -> OrderRecord | None:
        return order if self.stage.places.offline_mark(order.order_id).exists() else None

    def _finished(self, order: OrderRecord) -> OrderRecord | None:
        with reading(self.stage.engine) as connection:
            found = find_order(connection, order.order_id)
        is_done = found is not None and found.document.state is WorkOrderState.FINISHED
        return found if is_done else None

    def _photos(self, order: OrderRecord) -> int | None:
        """Return how many photos and signatures are whole on the server's disk, None before all."""
        with reading(self.stage.engine) as connection:
            pictures = pictures_of(connection, ENTITY, order.order_id)
        files = BlobFiles(blob_folder(load_config(self.stage.places.server_config)))
        whole = [each for each in pictures if each.is_here and files.is_intact(each.sha256)]
        roles = {each.role for each in whole}
        is_all = len(whole) == len(pictures) and roles == {BlobRole.PHOTO, BlobRole.SIGNATURE}
        return len(whole) if is_all else None

    def _closed(self, alert: AlertRecord) -> AlertRecord | None:
        now = self._alert(alert.alert_id)
        is_closed = (
            now.condition is Condition.NORMAL
            and now.disposition is Disposition.FINDING
            and now.finding_result is not None
        )
        return now if is_closed else None


def _is_of(alert: AlertRecord, leak: Fault) -> bool:
    return (
        alert.meter_id == leak.meter_id
        and FAMILY[alert.kind] is Family.EXCESS
        and alert.raised_at_utc >= leak.start_utc
    )


def mend_what_was_found(stage: Stage) -> None:
    """End the leaks of every meter whose order the crew has finished, until it is over."""
    truth = TruthFile(stage.truth.path)
    while not stage.over.wait(LOOK_EVERY_S):
        with reading(stage.engine) as connection:
            done = [
                order
                for order in list_orders(connection)
                if stage.places.offline_mark(order.order_id).exists()
            ]
        for fault in truth.faults():
            if fault.kind is FaultKind.LEAK and fault.end_utc is None and _is_mended(fault, done):
                truth.repair(fault.fault_id, stage.clock.now_utc())


def _is_mended(leak: Fault, done: Sequence[OrderRecord]) -> bool:
    return any(
        order.document.meter_id == leak.meter_id and order.document.created_at_utc > leak.start_utc
        for order in done
    )


def mind_the_cellar(stage: Stage) -> None:
    """Cut the shown tablet's network while its crew is on the way into a cellar, until the end."""
    while not stage.over.wait(LOOK_EVERY_S):
        with reading(stage.engine) as connection:
            states = {
                order.order_id: order.document.state
                for order in list_orders(connection)
                if order.document.crew_id == SHOWN_CREW
            }
        recorded = [order_id for order_id in states if stage.places.offline_mark(order_id).exists()]
        is_cut = is_in_the_cellar(states, recorded)
        if is_cut and stage.network.is_connected:
            stage.network.cut()
            stage.tell("the crew goes into a cellar: its tablet has no network")
        elif not is_cut and not stage.network.is_connected and not stage.over.wait(STAIRS_S):
            stage.network.restore()
            stage.tell("the crew comes back: its tablet has a network again")
