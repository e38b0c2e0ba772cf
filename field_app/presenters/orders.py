"""OrdersPresenter: the list of orders, searched, filtered and read page by page."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from field_app.orders.order_store import OrderFilter, OrderPage, OrderQuery
from field_app.presenters.crew_line import crew_text
from field_app.presenters.ports import PresenterContext
from field_app.presenters.rows import filter_chips, order_row
from field_app.presenters.stage import Stage
from field_app.presenters.views import OrdersView
from field_app.tablet import Tablet

PAGE_ROWS: Final = 200
"""Rows read at once: 200 cost 1 ms to read and 10 ms to draw (tablet guide section 7)."""


class OrdersPresenter:
    """The list."""

    def __init__(self, tablet: Tablet, context: PresenterContext) -> None:
        """Show the orders of `tablet`."""
        self._tablet = tablet
        self._context = context
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
        query = self._query
        self._stage.read(lambda: self._tablet.desk.page(query), self._draw)

    def search(self, text: str) -> None:
        """Show the orders whose number, title, address or meter contain every word."""
        self._query = replace(self._query, search=text, limit=PAGE_ROWS)
        self.refresh()

    def choose_filter(self, key: str) -> None:
        """Show what one filter lets through; `key` comes from its chip."""
        self._query = replace(self._query, chosen=OrderFilter(key), limit=PAGE_ROWS)
        self.refresh()

    def show_more(self) -> None:
        """Read one page more."""
        if self.view.has_more:
            self._query = replace(self._query, limit=self._query.limit + PAGE_ROWS)
            self.refresh()

    def _draw(self, page: OrderPage) -> None:
        t = self._context.words
        self._stage.draw(
            OrdersView(
                crew_text=crew_text(self._tablet.identity),
                search_text=self._query.search,
                filters=filter_chips(t, page, self._query.chosen),
                rows=tuple(order_row(line, self._context) for line in page.lines),
                total_count=page.total_count,
                has_more=len(page.lines) < page.total_count,
                empty_text="" if page.lines else self._empty_text(),
                is_busy=False,
            )
        )

    def _empty_text(self) -> str:
        t = self._context.words
        if self._query.search.strip():
            return t("No order contains these words.")
        if self._query.chosen is OrderFilter.OPEN:
            return t("Nothing to do at the moment.")
        return t("No orders here.")
