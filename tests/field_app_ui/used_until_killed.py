"""Uses the real app until it is killed: `python -m tests.field_app_ui.used_until_killed FOLDER`.

A crew with a PIN types one value after the other into the gas test; each is printed once the app
has nothing left to do.
"""

import itertools
import sys
from pathlib import Path

from tests.field_app_ui.conftest import Field
from tests.field_app_ui.site_flow_parts import open_tool, write
from tests.field_app_ui.test_crew_flows import FIRST, begin_work
from tests.field_app_ui.town_office import make_order

PIN = "285170"


def main(folder: Path) -> None:
    """Type until the end."""
    crew = Field(folder, folder / "pictures")
    crew.office.orders = [make_order(number) for number in range(9)]
    crew.enrol()
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin(PIN)
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    for number in itertools.count(1):
        write(ui, "oxygen_pct", str(number))
        print(number, flush=True)  # noqa: T201  # the parent reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
