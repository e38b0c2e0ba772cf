"""GatePage: the gate of the wells of an order, kept with the order."""

from collections.abc import Mapping

from typing_extensions import override

from field_app.orders.entry_gate import Detector
from field_app.orders.moments import TimerMoment
from field_app.orders.order_desk import OrderGoneError
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.air_page import AirPage
from field_app.presenters.ports import PresenterContext
from field_app.tablet import Tablet
from wire_contracts.site_facts import GasMeasurement


class GatePage(AirPage[SiteSheet]):
    """The gate of an order."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Guard the wells of the order `order_id`."""
        super().__init__(context)
        self._site = tablet.site
        self._order_id = order_id

    @override
    def read(self) -> SiteSheet | None:
        """Return the order's work, None when the order has gone."""
        try:
            return self._site.sheet(self._order_id)
        except OrderGoneError:
            return None

    @override
    def _save(self, answers: Mapping[str, str]) -> int | None:
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
