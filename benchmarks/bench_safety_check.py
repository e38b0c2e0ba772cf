"""How many taps and how much time a home check takes: the real presenters, a simulated inspector.

Run `make bench-safety-check`. Time is simulated: each item is looked at for as long as the list
below says, each tap takes 1.1 s (Fitts' law for a 56 dp target at arm's length: 0.6 to 1.0 s, and
gloves), each written word 2 s. What the tablet itself needs is measured beside it.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from benchmarks.tablet_office import NOW_UTC, StillClock
from field_app.demo_office import DemoOffice, prepare_demo
from field_app.i18n import ChosenWords
from field_app.patrols.home_check import GROUPS
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.home import HomePage
from field_app.presenters.home_blocks import HomeData
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import SheetPresenter
from field_app.tablet import Tablet, open_tablet
from wire_contracts.home_checks import CheckItem

RESULTS = Path(__file__).parent / "results"
TAP_S = 1.1
WORD_S = 2.0
LIMIT_S = 90.0

LOOK_S: Mapping[CheckItem, float] = {
    CheckItem.METER: 5.0,
    CheckItem.METER_VALVE: 4.0,
    CheckItem.PIPE_TIGHTNESS: 15.0,
    CheckItem.PIPE_CORROSION: 5.0,
    CheckItem.PIPE_ENCLOSED: 4.0,
    CheckItem.HOSE: 7.0,
    CheckItem.STOVE_FLAMEOUT: 8.0,
    CheckItem.WATER_HEATER_FLUE: 7.0,
    CheckItem.VENTILATION: 4.0,
    CheckItem.KITCHEN_USE: 3.0,
    CheckItem.GAS_ALARM: 5.0,
    CheckItem.SAFETY_EDUCATION: 10.0,
}
"""Seconds to look at an item: our assumption, 77 s in all; a soap test alone takes 15 s."""


@dataclass(slots=True)
class Inspector:
    """Counts what an inspector does."""

    taps: int = 0
    words: int = 0
    app_s: float = 0.0

    def tap(self, presenter: SheetPresenter[HomeData], key: str, value: str) -> None:
        """Choose one answer."""
        began_s = time.perf_counter()
        presenter.choose(key, value)
        self.app_s += time.perf_counter() - began_s
        self.taps += 1

    def press(self, presenter: SheetPresenter[HomeData], key: str) -> None:
        """Press a button."""
        began_s = time.perf_counter()
        presenter.tap(key)
        self.app_s += time.perf_counter() - began_s
        self.taps += 1

    def write(self, presenter: SheetPresenter[HomeData], key: str, words: Sequence[str]) -> None:
        """Write some words."""
        presenter.type(key, " ".join(words))
        self.words += len(words)
        self.taps += 1

    def seconds(self) -> float:
        """Return the simulated time of the visit."""
        return sum(LOOK_S.values()) + self.taps * TAP_S + self.words * WORD_S + self.app_s


def _open(tablet: Tablet, household_id: str) -> SheetPresenter[HomeData]:
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("zh_CN"), clock=StillClock(), zone=UTC
    )
    parts = RoundParts(
        desk=tablet.inspections,
        site=tablet.site,
        forms=tablet.forms,
        photos=tablet.photos,
        hardware=desktop_hardware(tablet.vault),
        context=context,
        network=tuple,
    )
    presenter = SheetPresenter(HomePage(parts, household_id), context)
    presenter.attach(lambda _view: None)
    return presenter


def without_hazards(tablet: Tablet) -> Inspector:
    """Check a home in which all is in order."""
    inspector, presenter = Inspector(), _open(tablet, "hh-0")
    for key, _ in GROUPS:
        inspector.tap(presenter, key, "ok")
    inspector.press(presenter, "done")
    return inspector


def with_hazard(tablet: Tablet) -> Inspector:
    """Check a home with a cracked hose; the household refuses to sign."""
    inspector, presenter = Inspector(), _open(tablet, "hh-2")
    for key, items in GROUPS:
        if CheckItem.HOSE not in items:
            inspector.tap(presenter, key, "ok")
            continue
        inspector.tap(presenter, key, "wrong")
        for item in items:
            inspector.tap(presenter, f"item:{item}", "wrong" if item is CheckItem.HOSE else "ok")
    inspector.write(presenter, "note:hose", ("hose", "cracked"))
    inspector.tap(presenter, "notice", "refused")
    inspector.press(presenter, "done")
    return inspector


def main() -> int:
    """Check both homes; print and keep taps and time; 1 when the plain one takes too long."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        clock = StillClock()
        prepare_demo(folder, clock)
        office = DemoOffice(clock)
        tablet = open_tablet(folder, clock, connect=lambda _identity: office)
        tablet.sync_now()
        homes = {"no hazard": without_hazards(tablet), "one hazard": with_hazard(tablet)}
        kept = sum(home.visited_at_utc is not None for home in tablet.inspections.homes())
        tablet.close()
    lines = [
        f"{name}: {one.taps} taps, {one.words} words, {one.seconds():.1f} s simulated "
        f"({sum(LOOK_S.values()):.0f} s of looking, {1000 * one.app_s:.0f} ms of the tablet)"
        for name, one in homes.items()
    ]
    plain = homes["no hazard"].seconds()
    is_met = plain < LIMIT_S and kept == len(homes)
    word = "met" if is_met else "MISSED"
    lines.append(f"goal: a home without hazards under {LIMIT_S:.0f} s: {plain:.1f} s, {word}")
    print(*lines, sep="\n")
    RESULTS.mkdir(exist_ok=True)
    body = {
        name: {"taps": one.taps, "words": one.words, "seconds": round(one.seconds(), 1)}
        for name, one in homes.items()
    }
    text = json.dumps({"at": NOW_UTC.isoformat(), "limit_s": LIMIT_S, **body}, indent=1)
    (RESULTS / "safety_check.json").write_text(text + "\n")
    (RESULTS / "safety_check.txt").write_text("\n".join(lines) + "\n")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
