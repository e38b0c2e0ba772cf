"""How access is refused: one function per reason, each naming the problem and the remedy."""

from datetime import datetime

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


def token_missing(place: str, remedy: str) -> ContractError:
    """Return the refusal of a request that carries no token."""
    return ContractError(
        place=place,
        field="token",
        problem="is missing",
        remedy=remedy,
        code=Code.TOKEN_MISSING,
    )


def token_invalid(place: str, remedy: str) -> ContractError:
    """Return the refusal of a token that the server never issued."""
    return ContractError(
        place=place,
        field="token",
        problem="is not one that this server issued",
        remedy=remedy,
        code=Code.TOKEN_INVALID,
    )


def factor_missing(place: str) -> ContractError:
    """Return the refusal of a session that has shown the password and no second factor."""
    return ContractError(
        place=place,
        field="second factor",
        problem="was not shown yet",
        remedy="type the code of your app at /login/code",
        code=Code.FACTOR_MISSING,
    )


def factor_unset(place: str) -> ContractError:
    """Return the refusal of somebody who must set up a second factor first."""
    return ContractError(
        place=place,
        field="second factor",
        problem="is asked here and you have none",
        remedy="set one up at /me/second-factor",
        code=Code.FACTOR_UNSET,
    )


def token_expired(place: str, expired_at_utc: datetime, remedy: str) -> ContractError:
    """Return the refusal of a token whose time is over."""
    return ContractError(
        place=place,
        field="token",
        problem=f"expired at {expired_at_utc.isoformat(timespec='seconds')}",
        remedy=remedy,
        code=Code.TOKEN_EXPIRED,
    )


def token_revoked(place: str, revoked_at_utc: datetime, remedy: str) -> ContractError:
    """Return the refusal of a token that was taken back."""
    return ContractError(
        place=place,
        field="token",
        problem=f"was revoked at {revoked_at_utc.isoformat(timespec='seconds')}",
        remedy=remedy,
        code=Code.TOKEN_REVOKED,
    )


def role_refused(actor: str, role: str, action: str, possible: str) -> ContractError:
    """Return the refusal of an action that the role does not hold."""
    return ContractError(
        place=f"account {actor}",
        field="role",
        problem=f"{str(role)!r} may not {action}",
        remedy=f"ask one of: {possible}",
        code=Code.ROLE_REFUSED,
    )


def not_found(place: str, what: str) -> ContractError:
    """Return the refusal of a thing that does not exist."""
    return ContractError(
        place=place,
        field=what,
        problem="does not exist",
        remedy="reload the list and choose again",
        code=Code.NOT_FOUND,
    )
