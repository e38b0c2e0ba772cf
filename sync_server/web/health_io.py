"""The routes that machines ask: alive, ready, metrics."""

import ipaddress
from collections.abc import Callable

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from sync_server.access.guards_io import Require
from sync_server.access.roles import Action
from sync_server.db.engine_io import reading
from sync_server.web.pages_io import Pages


def _is_this_machine(request: Request) -> bool:
    if request.client is None or "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def health_router(engine: Engine, check: Callable[[Request], None]) -> APIRouter:
    """Return the routes that machines ask; `check` refuses who may not see the metrics."""
    router = APIRouter()

    @router.get("/health/live")
    def live() -> Response:
        """Say that the process answers."""
        return PlainTextResponse("ok\n")

    @router.get("/health/ready")
    def ready() -> Response:
        """Say whether the database answers; 503 when it does not."""
        try:
            with reading(engine) as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return JSONResponse({"database": "does not answer"}, status_code=503)
        return JSONResponse({"database": "ok"})

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        """Give the metrics to a caller on this machine, or to a person who sees gateways."""
        check(request)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def people_or_this_machine(pages: Pages) -> Callable[[Request], None]:
    """Return the check of a process with pages: it knows people by their sessions."""

    def check(request: Request) -> None:
        if not (pages.settings.are_metrics_local and _is_this_machine(request)):
            Require(Action.SEE_GATEWAYS)(request)

    return check


def _this_machine_alone(request: Request) -> None:
    if not _is_this_machine(request):
        raise HTTPException(403)


def health_app(engine: Engine) -> FastAPI:
    """Return what a process without pages serves: alive, ready, and metrics to this machine."""
    app = FastAPI(openapi_url=None)
    app.include_router(health_router(engine, _this_machine_alone))
    return app
