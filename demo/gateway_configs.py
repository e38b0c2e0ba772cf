"""The settings file of each gateway, as the people who hang it up would write it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from demo.town_meters import READING_INTERVAL, Meter
from firmware_profiles.cadence import period_of
from firmware_profiles.profile import Profile

HEALTH_INTERVAL = "1h"
ACK_TIMEOUT_S = 2.0
COMMIT_S = 0.2
"""Wall seconds: the usual 10 s and 1 s would be hours and a quarter of an hour of the town."""

TIMEOUT_S = 0.5
"""Wall seconds: the meters answer on loopback within milliseconds."""

BACKOFF_MAX_S = 5.0
"""Wall seconds between two probes of a silent meter: 75 minutes of the town at its usual rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What one gateway must know.

    Attributes:
        gateway_id: Its id, which is also its account on the broker.
        data: Folder of its queue.
        broker_port: Loopback port of the broker.
        password_file: Its secret for the broker.
        meter_port: Loopback port on which its meters answer.
        meters: The meters, with their profiles as the crew believes them to be.
    """

    gateway_id: str
    data: Path
    broker_port: int
    password_file: Path
    meter_port: int
    meters: Sequence[tuple[Meter, Profile]]


def config_text(settings: GatewaySettings) -> str:
    """Return the TOML of one gateway's settings file."""
    head = f"""\
[gateway]
id = {_quoted(settings.gateway_id)}
data = {_quoted(str(settings.data))}
health_interval = "{HEALTH_INTERVAL}"

[mqtt]
host = "127.0.0.1"
port = {settings.broker_port}
username = {_quoted(settings.gateway_id)}
password_file = {_quoted(str(settings.password_file))}
ack_timeout_s = {ACK_TIMEOUT_S}

[queue]
commit_s = {COMMIT_S}

[[link]]
name = "meters"
transport = "tcp"
host = "127.0.0.1"
port = {settings.meter_port}
timeout_s = {TIMEOUT_S}
backoff_max_s = {BACKOFF_MAX_S}
"""
    return head + "".join(_meter_text(meter, profile) for meter, profile in settings.meters)


def _meter_text(meter: Meter, profile: Profile) -> str:
    return f"""
[[link.meter]]
serial = {_quoted(meter.serial)}
device_address = {meter.device_address}
profile = {_quoted(meter.profile)}
{_intervals(profile)}"""


def _intervals(profile: Profile) -> str:
    """Return the setting that polls no group more often than every 15 minutes of the town.

    A profile's minute would be every 67 milliseconds of the machine at the town's usual rate.
    """
    minutes = int(READING_INTERVAL / timedelta(minutes=1))
    groups = sorted(
        name for name, every in profile.groups.items() if period_of(every) < READING_INTERVAL
    )
    if not groups:
        return ""
    slowed = ", ".join(f'{name} = "{minutes}m"' for name in groups)
    return f"intervals = {{ {slowed} }}\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
