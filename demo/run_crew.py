"""The crew's process of the demo without a screen: a real tablet's store, sync and forms (R26)."""

import argparse
import threading
from pathlib import Path

from demo.hands import Job, Step, next_step
from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.town_clock_io import join_clock
from field_app.crew import HeadlessCrew
from field_app.sync.reasons import Reason, SyncProblem
from wire_contracts.work_order_states import WorkOrderState

PAUSE_S = 0.5
"""Wall seconds between two steps: slow enough to be watched on the control room's page."""


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


def work(crew: HeadlessCrew, places: Places, stop: threading.Event) -> None:
    """Sync and take the next step, again and again until told to stop."""
    while not stop.is_set():
        verdict = crew.sync_now()
        step = next_step(jobs_of(crew), is_offline=verdict.reason is Reason.NO_NETWORK)
        if step is not None:
            take(crew, step, places)
        stop.wait(PAUSE_S)


def enrol(crew: HeadlessCrew, server_url: str, code: str, stop: threading.Event) -> None:
    """Trade the code for a token, waiting for the server to be there."""
    while not crew.is_enrolled and not stop.is_set():
        try:
            crew.enrol(server_url, code, device_name="demo tablet")
        except SyncProblem as problem:
            print(f"not enrolled yet: {problem}", flush=True)
            stop.wait(PAUSE_S)


def main() -> None:
    """Run the crew until told to stop."""
    parser = argparse.ArgumentParser(description="the demo's crew without a screen")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--server-url", required=True)
    parser.add_argument("--code", default="", help="one-time code, for the first start")
    arguments = parser.parse_args()
    places = Places(arguments.data)
    stop = stop_when_told()
    crew = HeadlessCrew(places.crew_folder, join_clock(places.clock_file))
    try:
        enrol(crew, arguments.server_url, arguments.code, stop)
        work(crew, places, stop)
    finally:
        crew.close()


if __name__ == "__main__":
    main()
