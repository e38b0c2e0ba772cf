"""OrdersPresenter: the list of orders, searched, filtered and read page by page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from field_app.orders.order_list_store import OrderFilter, OrderPage, OrderQuery
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import Locator
from field_app.presenters.crew_line import crew_text
from field_app.presenters.ports import PresenterContext
from field_app.presenters.rows import filter_chips, order_row
from field_app.presenters.stage import Stage
from field_app.presenters.views import OrderRow, OrdersView
from field_app.tablet import Tablet
from wire_contracts.frames import ms_from_utc
from wire_contracts.network import Plane

PAGE_ROWS: Final = 60
"""Rows read at once: seven screens of them; 200 cost 10 ms to lay out (tablet guide section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One page of the list, already in the reader's words."""

    page: OrderPage
    rows: tuple[OrderRow, ...]


class OrdersPresenter:
    """The list."""

    def __init__(
        self, tablet: Tablet, context: PresenterContext, locator: Locator | None = None
    ) -> None:
        """Show the orders of `tablet`; `locator` says where the crew is."""
        self._tablet = tablet
        self._context = context
        self._locator = locator
        self._plane: Plane | None = None
        self._query = OrderQuery(limit=PAGE_ROWS)
        blank = OrdersView(
            crew_text="",
            search_text="",
            filters=(),
            rows=(),
            total_count=0,
            has_more=False,
            empty_text="",
            is_busy=True,
        )
        self._stage = Stage(context.worker, blank)

    @property
    def view(self) -> OrdersView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[OrdersView], None]) -> None:
        """Show every view with `show`, and read the list."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read the list again."""
        now_utc = self._context.clock.now_utc()
        midnight = now_utc.astimezone(self._context.zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        asked = replace(
            self._query,
            now_ms=ms_from_utc(now_utc),
            day_ends_ms=ms_from_utc(midnight + timedelta(days=1)),
        )
        self._stage.read(lambda: self._look(asked), self._draw)

    def _look(self, asked: OrderQuery) -> _Found:
        """Read and word a page: in the background, for a frame has no time for sixty rows."""
        here = self._here()
        page = self._tablet.desk.page(replace(asked, here=here))
        rows = tuple(order_row(line, self._context, here) for line in page.lines)
        return _Found(page=page, rows=rows)

    def _here(self) -> tuple[float, float] | None:
        """Return where the crew is on the site's plane, None where either is not known."""
        fix = fresh_fix(self._locator, self._context.clock.now_utc())
        if fix is None:
            return None
        if self._plane is None:
            self._plane = self._tablet.site.plane()
        if self._plane is None:
            return None
        return self._plane.to_plane(fix.latitude_deg, fix.longitude_deg)

    def search(self, text: str) -> None:
        """Show the orders whose number, title, address or meter contain every word."""
        self._query = replace(self._query, search=text, limit=PAGE_ROWS)
        self.refresh()

    def choose_filter(self, key: str) -> None:
        """Show what one filter lets through; `key` comes from its chip."""
        self._query = replace(self._query, chosen=OrderFilter(key), limit=PAGE_ROWS)
        self.refresh()

    def show_more(self) -> None:
        """Read as many again; while they are on their way they are not asked for again.

        Every reading is from the top, so that doubling reads no row more than twice on the mean.
        """
        if self.view.has_more and self._query.limit <= len(self.view.rows):
            self._query = replace(self._query, limit=self._query.limit * 2)
            self.refresh()

    def _draw(self, found: _Found) -> None:
        t, page = self._context.words, found.page
        self._stage.draw(
            OrdersView(
                crew_text=crew_text(self._tablet.identity),
                search_text=self._query.search,
                filters=filter_chips(t, page, self._query.chosen),
                rows=found.rows,
                total_count=page.total_count,
                has_more=len(page.lines) < page.total_count,
                empty_text="" if page.lines else self._empty_text(),
                is_busy=False,
                overdue_text=t("{count} overdue").format(count=page.overdue_count)
                if page.overdue_count
                else "",
                today_text=t("{count} more today").format(count=page.today_count)
                if page.today_count
                else "",
            )
        )

    def _empty_text(self) -> str:
        t = self._context.words
        if self._query.search.strip():
            return t("No order contains these words.")
        if self._query.chosen is OrderFilter.OPEN:
            return t("Nothing to do at the moment.")
        return t("No orders here.")
