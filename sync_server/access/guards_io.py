"""FastAPI dependencies: no route without a person who holds its action, or a tablet."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from sync_server.access.account_store import Person
from sync_server.access.browser_store import BROWSER_LIFE
from sync_server.access.desk import AccessDesk
from sync_server.access.refusals import factor_unset, role_refused, token_missing
from sync_server.access.roles import Action, Role, may, roles_with
from sync_server.access.session_store import ABSOLUTE_LIMIT, Visitor, proved_person
from sync_server.access.tablet_store import TabletIdentity, TokenHolder
from sync_server.config import FactorRule
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

BROWSER_COOKIE = "lamplighter_browser"
SESSION_COOKIE = "lamplighter_session"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1); all others need our own Origin."""


def access_desk(request: Request) -> AccessDesk:
    """Return the desk that `build_app` put into `app.state.access`."""
    desk: AccessDesk = request.app.state.access
    return desk


@dataclass(frozen=True, slots=True)
class Require:
    """A dependency that yields the person when their role holds the action.

    A test can read `action` off a route's dependencies and hold it against the table.

    Attributes:
        action: What the person must be allowed to do.
        is_export: Whether a file of people or of the audit is taken away.
    """

    action: Action
    is_export: bool = False

    def __call__(self, request: Request) -> Person:
        """Return the person; raise ContractError for no session, a wrong role or origin."""
        check_origin(request)
        visitor = visitor_of(request)
        person = proved_person(visitor)
        if not may(person.role, self.action):
            possible = ", ".join(roles_with(self.action))
            raise role_refused(person.login, person.role, self.action, possible)
        if not visitor.has_factor and self._is_factor_asked(request, person):
            raise factor_unset(f"{request.method} {request.url.path}")
        return person

    def _is_factor_asked(self, request: Request, person: Person) -> bool:
        """Return whether somebody without a second factor is sent to set one up.

        What concerns the own session alone stays open: that is where it is set up.
        """
        rule: FactorRule = getattr(request.app.state, "factor_rule", FactorRule.NOBODY)
        if rule is FactorRule.NOBODY or self.action is Action.OWN_SESSION:
            return False
        is_export = self.is_export and rule is FactorRule.EXPORTS
        return person.role is Role.ADMINISTRATOR or is_export


def require(action: Action, *, is_export: bool = False) -> Require:
    """Return the dependency for a route: `person: Annotated[Person, Depends(require(...))]`."""
    return Require(action, is_export)


def person_of(request: Request) -> Person:
    """Return who holds the session cookie; raise ContractError when nobody does."""
    return proved_person(visitor_of(request))


def visitor_of(request: Request) -> Visitor:
    """Return who holds the session cookie, also where a second factor was not shown yet."""
    return access_desk(request).visitor_for(session_token(request))


def session_token(request: Request) -> str:
    """Return the session cookie; raise ContractError when there is none."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        raise token_missing("session cookie", "log in")
    return token


def require_tablet(request: Request) -> TabletIdentity:
    """Return the tablet that holds the bearer token; raise ContractError when none does."""
    return access_desk(request).tablet_for(_bearer_token(request))


def require_token_holder(request: Request) -> TokenHolder:
    """Return whom the bearer token was issued to, even when it is revoked or has expired."""
    return access_desk(request).holder_of(_bearer_token(request))


def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise token_missing("tablet token", "send the header Authorization: Bearer TOKEN")
    return token.strip()


def check_origin(request: Request) -> None:
    """Raise ContractError when another site's page sends a request that changes something.

    The browser's Origin must be this server's own scheme, host and port (behind TLS only https);
    a client that sends none must say `Sec-Fetch-Site: same-origin`.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None and request.headers.get("sec-fetch-site") == "same-origin":
        return
    ours = urlsplit(origin or "")
    is_https: bool = getattr(request.app.state, "is_https", False)
    if ours.netloc != request.headers.get("host") or ours.scheme not in _schemes(is_https=is_https):
        raise ContractError(
            place=f"{request.method} {request.url.path}",
            field="Origin",
            problem=f"is {origin!r}, not this server",
            remedy="use the pages of this server",
            code=Code.ORIGIN_REFUSED,
        )


def _schemes(*, is_https: bool) -> frozenset[str]:
    """Return how our own pages may have been loaded: where TLS is in front, only through it."""
    return frozenset({"https"} if is_https else {"http", "https"})


def set_session_cookie(response: Response, token: str, *, is_https: bool) -> None:
    """Put the session into a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(ABSOLUTE_LIMIT.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_https,
        path="/",
    )


def set_browser_cookie(response: Response, token: str, *, is_https: bool) -> None:
    """Let the browser be known at its next log-in; it opens nothing by itself."""
    response.set_cookie(
        BROWSER_COOKIE,
        token,
        max_age=int(BROWSER_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_https,
        path="/login",
    )


def clear_session_cookie(response: Response, *, is_https: bool) -> None:
    """Take the session cookie back."""
    response.delete_cookie(
        SESSION_COOKIE, httponly=True, samesite="strict", secure=is_https, path="/"
    )


def client_address(request: Request) -> str:
    """Return the address that failed log-ins are counted by."""
    return request.client.host if request.client is not None else "unknown"
