"""The hands of the demo's crew on a real tablet's store: with a window above it or without."""

import threading
from collections.abc import Callable

from demo.drawn_photos_io import signature, valve_photo
from demo.hands import Job, Step, next_step
from demo.places import Places
from field_app.crew import HeadlessCrew
from field_app.sync.reasons import Reason, SyncProblem
from wire_contracts.blobs import BlobRole
from wire_contracts.work_order_states import WorkOrderState

PAUSE_S = 0.5
"""Wall seconds between two steps: slow enough to be watched on the control room's page."""


PIN = "285170"
"""Of the demo's only crew member: without one a tablet keeps no photos."""


def nothing_before(_step: Step) -> None:
    """Take the step at once: nobody watches."""


def jobs_of(crew: HeadlessCrew) -> list[Job]:
    """Return the open orders as the crew sees them, most urgent first."""
    found = []
    for line in crew.open_orders():
        seen = crew.order(line.order_id)
        if seen is not None and seen.document is not None:
            document = seen.document
            found.append(Job(order_id=line.order_id, state=document.state, medium=document.medium))
    return found


def take(crew: HeadlessCrew, step: Step, places: Places) -> None:
    """Do one step; a finding leaves a mark that says it was recorded without a network."""
    if step.event is not None:
        crew.act(step.order_id, step.event)
        return
    finding = step.finding
    if finding is not None:
        crew.photograph(step.order_id, valve_photo(step.order_id))
        crew.photograph(step.order_id, signature(step.order_id), BlobRole.SIGNATURE)
        crew.finish(
            step.order_id,
            finding.result,
            finding.cause,
            note=finding.note,
            measured=finding.measured,
        )
        mark = places.offline_mark(step.order_id)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{WorkOrderState.FINISHED}\n", encoding="utf-8")


def work(
    crew: HeadlessCrew,
    places: Places,
    stop: threading.Event,
    before: Callable[[Step], None] = nothing_before,
    *,
    goes_on: bool = True,
) -> None:
    """Sync and take the next step, again and again until told to stop.

    Args:
        crew: The crew with its tablet.
        places: Where the mark of a finding recorded offline goes.
        stop: Ends the work.
        before: Called with every step before it is taken: a window shows what it is about.
        goes_on: Whether the crew works in the cellar; otherwise it stops on the way.
    """
    while not stop.is_set():
        verdict = crew.sync_now()
        step = next_step(jobs_of(crew), is_offline=goes_on and verdict.reason is Reason.NO_NETWORK)
        if step is not None:
            before(step)
            take(crew, step, places)
        stop.wait(PAUSE_S)


def enrol(
    crew: HeadlessCrew,
    server_url: str,
    code: str,
    stop: threading.Event,
    *,
    name: str = "demo tablet",
) -> None:
    """Trade the code for a token, waiting for the server to be there; then open the tablet."""
    while not crew.is_enrolled and not stop.is_set():
        try:
            crew.enrol(server_url, code, device_name=name)
        except SyncProblem as problem:
            print(f"not enrolled yet: {problem}", flush=True)
            stop.wait(PAUSE_S)
    if crew.is_enrolled:
        crew.protect(PIN)
