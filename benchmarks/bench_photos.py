"""Three days offline, then a link that breaks: what it costs to bring everything to the server.

Run `make bench-photos`. 72 simulated hours with 400 operations, 60 of them photos of 2 MB, then a
link that resets at random bytes every ten seconds of 1 Mbit/s, refuses a tenth of the requests
before their body and swallows a tenth of the answers; a server restored from a backup half-way.
Bytes are counted on the link: what a tablet's kernel had buffered when the link broke is not sent.
"""

import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.field_app.three_days import Outcome, Plan, ThreeDays

RESULTS = Path(__file__).parent / "results"
MOST_SENT = 1.15
SEEDS = (72, 73, 74)
PHOTO_SIDE = 1630
"""Noise of so many pixels a side is a JPEG of 2.0 MB."""


def _run(seed: int, *, is_restored: bool) -> tuple[Outcome, float]:
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(seed=seed, photo_side=PHOTO_SIDE, is_restored=is_restored)
        outcome = ThreeDays(Path(folder), plan).run()
    return outcome, time.monotonic() - began_s


def _line(seed: int, outcome: Outcome, took_s: float) -> str:
    restored = f", {outcome.lost_on_restore} lost by the restore came again"
    return (
        f"seed {seed}: {outcome.operations} operations, {outcome.photos} photos, "
        f"{outcome.content_bytes / 1e6:.1f} MB; sent {outcome.ratio:.3f} x content in "
        f"{outcome.requests} requests ({outcome.refused} refused, {outcome.swallowed} answers "
        f"swallowed, {outcome.resets} resets), {outcome.syncs} syncs"
        f"{restored if outcome.lost_on_restore else ''}; problems {len(outcome.problems())}; "
        f"{took_s:.0f} s"
    )


def main() -> int:
    """Run every seed, without and with a restore, print and keep what came of it."""
    lines, rows, is_well = [], [], True
    for seed in SEEDS:
        for is_restored in (False, True):
            outcome, took_s = _run(seed, is_restored=is_restored)
            is_well = is_well and not outcome.problems() and outcome.ratio <= MOST_SENT
            rows.append({**asdict(outcome), "seed": seed, "ratio": outcome.ratio, "s": took_s})
            lines.append(_line(seed, outcome, took_s))
            print(lines[-1], *outcome.problems()[:10], sep="\n  ", flush=True)
    lines.append(
        f"goal: at most {MOST_SENT} x content, no problem: {'met' if is_well else 'MISSED'}"
    )
    print(lines[-1])
    RESULTS.mkdir(exist_ok=True)
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    (RESULTS / "photos.json").write_text(json.dumps({**machine, "rows": rows}, indent=1) + "\n")
    (RESULTS / "photos.txt").write_text("\n".join(lines) + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
