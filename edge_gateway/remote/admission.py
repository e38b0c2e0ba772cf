"""Decides whether a verified command is for this gateway and in time."""

from datetime import datetime, timedelta

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import Command

TOLERATED_AHEAD = timedelta(minutes=5)
"""How far a signer's clock may run ahead; further means that a clock is wrong, and with a wrong
clock nobody can tell what has expired."""


def admit(command: Command, gateway_id: str, now_utc: datetime, place: str) -> None:
    """Return when the command may be carried out now; raise ContractError otherwise."""
    if command.gateway_id != gateway_id:
        raise ContractError(
            place=place,
            field="gw",
            problem=f"is for {command.gateway_id!r}",
            remedy=f"sign it for {gateway_id!r}",
            code=Code.COMMAND_ADDRESSEE,
        )
    if command.created_at_utc > now_utc + TOLERATED_AHEAD:
        raise ContractError(
            place=place,
            field="created",
            problem=f"{command.created_at_utc.isoformat()} is to come, it is {now_utc.isoformat()}",
            remedy="set the clock of the gateway, or the signer's",
            code=Code.COMMAND_EARLY,
        )
    if command.expires_at_utc <= now_utc:
        raise ContractError(
            place=place,
            field="expires",
            problem=f"{command.expires_at_utc.isoformat()} is over",
            remedy="sign it again",
            code=Code.COMMAND_EXPIRED,
        )
