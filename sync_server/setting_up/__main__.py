"""The command `lamplighter`: sets up a server and a gateway box, says what is in the product."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sync_server.authority.certificate_terms import AuthorityError
from sync_server.clock_io import SystemClock
from sync_server.config import SERVER_VERSION, ConfigError
from sync_server.setting_up.answers import QUESTIONS, SetUpError, answers_of
from sync_server.setting_up.materials_io import write_materials
from sync_server.setting_up.site_files import Folders, what_is_left
from sync_server.setting_up.write_io import set_up_gateway, set_up_server
from wire_contracts.errors import ContractError

_PASSPHRASE = "LAMPLIGHTER_CA_PASSPHRASE"  # noqa: S105  # a variable's name, not a secret
_REFUSALS = (SetUpError, AuthorityError, ConfigError, ContractError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 refused with the reason printed."""
    options = _parser().parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except _REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lamplighter", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {SERVER_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="settings, certificates and units of a server")
    for each in QUESTIONS:
        setup.add_argument(f"--{each.flag}", help=each.text)
    gateway = commands.add_parser("gateway", help="what is copied to a gateway box")
    gateway.add_argument("gateway_id", metavar="ID", help="the gateway's id: a-z, 0-9, hyphens")
    gateway.add_argument("--out", type=Path, required=True, help="folder for its files")
    for command in (setup, gateway):
        command.add_argument(
            "--root", type=Path, default=Path("/"), help="where etc and var are, `/` unless said"
        )
    bill = commands.add_parser("materials", help="every package, its hashes and its licence")
    bill.add_argument("--lock", type=Path, default=Path("requirements.lock"))
    bill.add_argument("--pages", type=Path, default=Path("sync_server/web/package-lock.json"))
    bill.add_argument("--out", type=Path, required=True, help="folder for the two lists")
    return parser


def _set_up(options: argparse.Namespace) -> None:
    folders = Folders(root=options.root.resolve())
    answers = answers_of({each.flag: _answer(options, each.flag) for each in QUESTIONS})
    program = Path(shutil.which("sync-server") or Path(sys.executable).parent / "sync-server")
    passphrase = os.environ.get(_PASSPHRASE) or None
    now_utc = SystemClock().now_utc()
    for path in set_up_server(answers, folders, program.absolute(), now_utc, passphrase):
        print(path)
    print("\nNow, as root:")
    for line in what_is_left(answers, folders):
        print(f"    {line}")


def _answer(options: argparse.Namespace, flag: str) -> str:
    """Return what the flag says; ask a person at a terminal where it says nothing."""
    given: str | None = vars(options)[flag.replace("-", "_")]
    if given is not None or not sys.stdin.isatty():
        return given or ""
    question = next(each for each in QUESTIONS if each.flag == flag)
    usual = f" [{question.usual}]" if question.usual else ""
    return input(f"{question.text}{usual}: ")


def _gateway(options: argparse.Namespace) -> None:
    folders = Folders(root=options.root.resolve())
    passphrase = os.environ.get(_PASSPHRASE) or None
    target = options.out.resolve()
    now_utc = SystemClock().now_utc()
    for path in set_up_gateway(options.gateway_id, target, folders, now_utc, passphrase):
        print(path)
    print(f"\nCopy {target} to /etc/lamplighter of the box and name its meters in gateway.toml.")


def _materials(options: argparse.Namespace) -> None:
    for path in write_materials(options.lock, options.pages, options.out, SERVER_VERSION):
        print(path)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "setup": _set_up,
    "gateway": _gateway,
    "materials": _materials,
}


if __name__ == "__main__":
    sys.exit(main())
