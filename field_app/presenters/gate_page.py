"""GatePage: the gate of the wells of an order, kept with the order."""

from collections.abc import Mapping

from typing_extensions import override

from field_app.orders.entry_gate import Detector
from field_app.orders.moments import TimerMoment
from field_app.orders.order_entry import ENTRY, ENTRY_WHY, OrderEntry
from field_app.orders.seen_order_store import OrderGoneError
from field_app.orders.site_sheet import SiteSheet, was_entry_allowed
from field_app.presenters.air_page import AirPage
from field_app.presenters.entry_blocks import entry_blocks
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import Block
from field_app.tablet import Tablet
from wire_contracts.patrol_facts import WellEntry
from wire_contracts.site_facts import GasMeasurement


class GatePage(AirPage[SiteSheet]):
    """The gate of an order."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Guard the wells of the order `order_id`."""
        super().__init__(context)
        self._site = tablet.site
        self._order_id = order_id
        self._entry = OrderEntry()
        self.is_read_again = False

    @override
    def read(self) -> SiteSheet | None:
        """Return the order's work, None when the order has gone."""
        self.is_read_again = False
        try:
            sheet = self._site.sheet(self._order_id)
        except OrderGoneError:
            return None
        self._entry = self._site.entry(self._order_id, sheet.document, sheet.record)
        return sheet

    @override
    def _asked(self, data: SiteSheet, answers: Answers) -> list[Block]:
        """Return the question at an order whose address is a well."""
        entry = self._entry
        if not entry.is_asked:
            return []
        given = answers.get(ENTRY)
        answer = WellEntry(given) if given else entry.answer
        is_unproven = answer is WellEntry.WENT_IN and (
            entry.is_unproven
            if entry.answer is WellEntry.WENT_IN
            else not was_entry_allowed(data.record, data.moment)
        )
        why = answers.get(ENTRY_WHY) or entry.why
        return entry_blocks(self.t, answer, why, is_unproven=is_unproven)

    @override
    def _save(self, answers: Mapping[str, str]) -> int | None:
        self.is_read_again = ENTRY in answers  # whether a test let them in is of that moment
        return self._site.keep(self._order_id, "gate", answers)

    @override
    def _moment(self) -> TimerMoment:
        return self._site.moment()

    @override
    def _subtitle(self, data: SiteSheet) -> str:
        return f"{data.document.number}  ·  {data.document.address}"

    @override
    def _measured(self, detector: Detector | None, gas: GasMeasurement) -> None:
        if detector is not None:
            self._site.use_detector(detector)
        self._site.measure_gas(self._order_id, gas)
