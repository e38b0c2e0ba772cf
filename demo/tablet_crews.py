"""Decides which crews have a tablet in the demo: the shown one, inspectors, and one with two."""

from collections.abc import Mapping

SHOWN_CREW = "crew-repair-1"
TWO_TABLET_CREW = "crew-repair-2"
PATROL_CREWS = ("crew-patrol-1", "crew-patrol-2")
HOME_CREW = "crew-safety-1"

REPAIR_FIRST, REPAIR_SECOND, WALKS, HOMES = "repair-2a", "repair-2b", "patrol", "homes"

OTHER_TABLETS: Mapping[str, str] = {
    REPAIR_FIRST: TWO_TABLET_CREW,
    REPAIR_SECOND: TWO_TABLET_CREW,
    WALKS: PATROL_CREWS[0],
    HOMES: HOME_CREW,
}
"""Tablet beside the shown one -> its crew."""
