"""The route of the operator figures: what a period's alerts asked of those who watched."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sync_server.db.engine_io import reading
from sync_server.detection.watch.round_store import load_rounds
from sync_server.ledgers.period import Period, Span, neighbours, parse_period, period_of
from sync_server.operator_figures.figures import (
    ack_times,
    bad_actors,
    chattering,
    load_of,
    loads_of_operators,
    rule_worths,
    stale,
)
from sync_server.operator_figures.figures_store import (
    acknowledged_by,
    alerts_raised,
    alerts_standing,
    watched_meters,
    watches,
)
from sync_server.web.figure_views import (
    ack_rows,
    load_cards,
    load_chart,
    look_card,
    offender_rows,
    operator_rows,
    stale_rows,
    worth_rows,
)
from sync_server.web.guarded_io import SeeAlerts
from sync_server.web.office_labels import SPAN_NAMES
from sync_server.web.page_queries_store import account_names
from sync_server.web.pages_io import Pages, Reader

MOST_STALE: Final = 30


def figures_router(pages: Pages) -> APIRouter:
    """Return the route of the figures."""
    router = APIRouter()

    @router.get("/figures")
    def figures(request: Request, person: SeeAlerts, period: str = "") -> Response:
        """Show the figures of a day, week, month or year; unless said the present week."""
        zone, now_utc = pages.settings.zone, pages.clock.now_utc()
        today = now_utc.astimezone(zone).date()
        chosen = parse_period(period, zone) if period else period_of(Span.WEEK, today, zone)
        before, behind = neighbours(chosen, zone)
        reader = pages.reader(person)
        return pages.page(
            request,
            reader,
            "figures.html",
            "figures",
            period=chosen.text,
            before=before.text,
            behind=behind.text if behind.from_utc < now_utc else "",
            spans=[
                (
                    reader.words.gettext(name),
                    period_of(span, chosen.first_day, zone).text,
                    span is chosen.span,
                )
                for span, name in SPAN_NAMES.items()
            ],
            **_figures(pages, reader, chosen),
        )

    return router


def _figures(pages: Pages, reader: Reader, period: Period) -> dict[str, object]:
    now_utc, words = pages.clock.now_utc(), reader.words
    until_utc = max(period.from_utc, min(period.to_utc, now_utc))
    with reading(pages.engine) as connection:
        alerts = alerts_raised(connection, period.from_utc, until_utc)
        standing = stale(alerts_standing(connection), now_utc)
        watched = watches(connection, period.from_utc, until_utc)
        done = acknowledged_by(connection, period.from_utc, until_utc)
        meters = watched_meters(connection)
        names = account_names(connection)
        rounds = load_rounds(connection)
    load = load_of(alerts, period.from_utc, until_utc)
    chatter = chattering(alerts)
    days = (until_utc - period.from_utc) / timedelta(days=1)
    return {
        "cards": [
            *load_cards(load, words, len(chatter), standing),
            look_card(rounds, words, now_utc),
        ],
        "chart": load_chart(load, words),
        "offenders": offender_rows(bad_actors(alerts), words),
        "acks": ack_rows(ack_times(alerts)),
        "worths": worth_rows(rule_worths(alerts, meters, days), words),
        "operators": operator_rows(loads_of_operators(alerts, watched, done), names),
        "stale": stale_rows(standing[:MOST_STALE], words, now_utc),
        "is_cut": len(standing) > MOST_STALE,
    }
