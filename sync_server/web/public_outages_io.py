"""The public page of interruptions: what, where, when and why, without anybody's data."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.db.engine_io import reading
from sync_server.outages.interruption import Interruption, OutageState
from sync_server.outages.interruption_store import newest_interruptions, places_of
from sync_server.web.desk_names_store import load_names
from sync_server.web.labels import MEDIA, label
from sync_server.web.pages_io import LANGUAGE_COOKIE, Pages
from sync_server.web.words import Words

_SHOWN = frozenset({OutageState.ANNOUNCED, OutageState.RUNNING})


def public_outages_router(pages: Pages) -> APIRouter:
    """Return the route of the public page."""
    router = APIRouter()

    @router.get("/outages")
    def outages(request: Request) -> Response:
        """Show the interruptions that are announced or running, without a log-in."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, pages.settings.language)
        words = pages.words(chosen if chosen in {"zh", "en"} else pages.settings.language)
        now_utc = pages.clock.now_utc()
        with reading(pages.engine) as connection:
            names = load_names(connection)
            found = [
                (each, _communities(connection, each.interruption_id))
                for each in newest_interruptions(connection)
                if each.state in _SHOWN and each.to_utc > now_utc
            ]
        rows = []
        for each, communities in sorted(found, key=lambda pair: pair[0].from_utc):
            places = [names.communities[key] for key in communities]
            where = [one.zh if words.language == "zh" else one.en for one in places]
            rows.append(_row(each, where, words))
        return pages.door(request, "outages_public.html", rows=rows)

    return router


def _communities(connection: Connection, interruption_id: int) -> list[str]:
    """Return the communities that are concerned; single homes have none that is told."""
    places = places_of(connection, interruption_id)
    return [each.community_id for each in places if each.community_id is not None]


def _row(found: Interruption, where: list[str], words: Words) -> tuple[str, ...]:
    return (
        str(found.medium),
        label(words, MEDIA, found.medium),
        words.moment(found.from_utc),
        words.moment(found.to_utc),
        "、".join(where) if words.language == "zh" else ", ".join(where),
        found.reason,
        "running" if found.state is OutageState.RUNNING else "",
    )
