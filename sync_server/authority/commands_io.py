"""`sync-server ca`: the site's own certificates, made, listed and revoked."""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sync_server.authority.authority_io import CERTIFICATE, REVOKED, Authority, begin_authority
from sync_server.authority.certificate_terms import AuthorityError, Issued, Purpose
from wire_contracts.clock import Clock

AddCommand = Callable[[str, str], argparse.ArgumentParser]
REFUSALS = (AuthorityError,)
"""What ends the command with status 1 and its text."""

_PASSPHRASE = "LAMPLIGHTER_CA_PASSPHRASE"  # noqa: S105  # a variable's name, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityDesk:
    """What the command works with."""

    folder: Path
    clock: Clock
    say: Callable[[str], None]


def add_authority_command(add: AddCommand) -> None:
    """Add the command to the parser of `sync-server`."""
    what = add("ca", "certificates of this site: for the broker, the pages and each gateway")
    steps = what.add_subparsers(dest="step", required=True)
    new = steps.add_parser(
        "new", help="begin an authority; LAMPLIGHTER_CA_PASSPHRASE locks its key"
    )
    new.add_argument("--name", default="Lamplighter", help="what people see as the issuer")
    server = steps.add_parser("server", help="a certificate for a broker or for the pages")
    server.add_argument("names", nargs="+", metavar="HOST", help="host names and addresses")
    client = steps.add_parser("client", help="a certificate for a gateway, or for this server")
    client.add_argument("names", nargs=1, metavar="NAME", help="the gateway's id, or `server`")
    for issue in (server, client):
        issue.add_argument("--out", type=Path, required=True, help="folder for certificate and key")
    revoke = steps.add_parser("revoke", help="refuse a certificate from now on")
    revoke.add_argument("which", metavar="NAME|SERIAL")
    steps.add_parser("list", help="every certificate that was made")


def run_authority(desk: AuthorityDesk, options: argparse.Namespace) -> None:
    """Do one step; raise AuthorityError when it cannot be done."""
    passphrase = os.environ.get(_PASSPHRASE) or None
    now_utc = desk.clock.now_utc()
    if options.step == "new":
        begin_authority(desk.folder, options.name, now_utc, passphrase)
        desk.say(f"{desk.folder / CERTIFICATE}: give it to every gateway, tablet and broker")
        return
    authority = Authority(desk.folder, passphrase)
    if options.step == "list":
        for each in authority.issued:
            desk.say(_line(each))
    elif options.step == "revoke":
        for each in authority.revoke(options.which, now_utc):
            desk.say(_line(each))
        desk.say(f"{desk.folder / REVOKED}: give it to the broker and reload it")
    else:
        paths = authority.issue(Purpose(options.step), options.names, now_utc, options.out)
        desk.say(f"{paths.certificate}\n{paths.key}")


def _line(issued: Issued) -> str:
    end = (
        f"good until {issued.until_utc:%F}"
        if issued.revoked_at_utc is None
        else f"revoked {issued.revoked_at_utc:%F}"
    )
    return f"{issued.serial}  {issued.purpose.value}  {issued.name}  {end}"
