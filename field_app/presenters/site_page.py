"""Owns what the sheets of one order share: the order's work, what was typed, whom to name."""

from collections.abc import Mapping

from field_app.orders.seen_order_store import OrderGoneError
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.dates import time_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.watch import name_of
from field_app.tablet import Tablet


class SitePage:
    """One sheet of one order.

    `page` names its answers among the order's drafts; empty: the answers carry whole names.
    """

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str, page: str) -> None:
        """Work on the order `order_id`."""
        self._tablet = tablet
        self._context = context
        self._order_id = order_id
        self._page = page

    @property
    def t(self) -> Words:
        """Return the reader's words."""
        return self._context.words

    def read(self) -> SiteSheet | None:
        """Return the order's work, None when the order has gone."""
        try:
            return self._tablet.site.sheet(self._order_id)
        except OrderGoneError:
            return None

    def typed_before(self, data: SiteSheet) -> Mapping[str, str]:
        """Return what was typed on this page and not sealed yet."""
        return data.values_of(self._page) if self._page else data.typed

    def saved_at_ms(self, data: SiteSheet) -> int | None:
        """Return when the last answer about the order's work was kept."""
        return data.saved_at_ms

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers of this page."""
        return self._tablet.site.keep(self._order_id, self._page, answers)

    def _name(self, actor: str) -> str:
        """Return the name of a person of this tablet; a name from another crew stays as it is."""
        return name_of(self._tablet, actor)

    def _time(self, at_ms: int) -> str:
        return time_text(
            self._context.words, at_ms, self._context.clock.now_utc(), self._context.zone
        )

    def _subtitle(self, sheet: SiteSheet) -> str:
        return f"{sheet.document.number}  ·  {sheet.document.address}"
