"""TabletDesks: where the crew's taps become words, each made when it is first wanted.

The list of orders is on the glass before any of them is imported.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from field_app.orders.stamps import Stamps
from field_app.store.database_io import Database
from wire_contracts.clock import Clock

if TYPE_CHECKING:
    from field_app.checklists.form_desk import FormDesk
    from field_app.orders.call_desk import CallDesk
    from field_app.orders.site_desk import SiteDesk
    from field_app.patrols.inspection_desk import InspectionDesk


class TabletDesks:
    """The desks of one tablet."""

    database: Database
    stamps: Stamps
    _clock: Clock

    @cached_property
    def inspections(self) -> "InspectionDesk":
        """Return the rounds of an inspector."""
        from field_app.patrols.inspection_desk import (  # noqa: PLC0415 - after the first list
            InspectionDesk,
        )

        return InspectionDesk(self.database, self.stamps)

    @cached_property
    def site(self) -> "SiteDesk":
        """Return the work on site."""
        from field_app.orders.site_desk import SiteDesk  # noqa: PLC0415 - after the first list

        return SiteDesk(self.database, self.stamps)

    @cached_property
    def calls(self) -> "CallDesk":
        """Return calls for help and the watch over who works alone."""
        from field_app.orders.call_desk import CallDesk  # noqa: PLC0415 - after the first list

        return CallDesk(self.database, self.stamps)

    @cached_property
    def forms(self) -> "FormDesk":
        """Return the checklists of the office."""
        from field_app.checklists.form_desk import FormDesk  # noqa: PLC0415 - after the first list

        return FormDesk(self.database, self.stamps, self._clock)
