"""The command `identify`: what one meter says it is, and which profiles match."""

import argparse
import json
import sys

from edge_gateway.commands.ask_identity_io import (
    WAIT_S,
    IdentityCall,
    identify_meter,
    why_nobody,
)
from edge_gateway.commands.calls import DONE, REFUSED, with_line, with_profiles
from edge_gateway.commands.identify_view import identification_json, identification_text
from edge_gateway.commands.progress_io import Progress
from edge_gateway.links.answers import Fault
from edge_gateway.logs_io import quiet_logs
from wire_contracts.texts import printable


def add_identify(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_profiles(with_line(parser))
    parser.add_argument("--unit", required=True, metavar="N", help="the meter's device address")
    parser.add_argument("--serial", metavar="TEXT", help="the serial number on its name plate")
    parser.set_defaults(work=_identify)


def _identify(options: argparse.Namespace) -> int:
    quiet_logs()
    call = IdentityCall(
        url=options.url,
        unit=options.unit,
        profiles=options.profiles,
        serial=options.serial,
        wait_s=options.timeout or WAIT_S,
    )
    with Progress() as progress:
        found = identify_meter(
            call, lambda number, count: progress.step(f"question {number} of {count}")
        )
    if isinstance(found, Fault):
        text = why_nobody(found)
        if options.json:
            print(json.dumps({"url": call.url, "unit": call.unit, "fault": text}))
        print(f"identify: unit {call.unit}: {text}", file=sys.stderr)
        return REFUSED
    if options.json:
        print(json.dumps(identification_json(found), ensure_ascii=False))
    else:
        print("\n".join(map(printable, identification_text(found))))
    return DONE if found.profile is not None else REFUSED
