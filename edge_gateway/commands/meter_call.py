"""Makes the settings of one meter that stands in no file: a command reads as the gateway does."""

from dataclasses import dataclass
from pathlib import Path

from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCall:
    """One meter as it was typed.

    Attributes:
        url: The line.
        unit: Where the meter answers: a number for Modbus, text for other protocols.
        profile: A reference; `auto`: the meter must say.
        serial: What the profile's guard compares; None: nobody has said.
        profiles: Folder of the site's own profiles.
        timeout_s: Wall seconds for an answer; None: as the profile asks.
    """

    url: str
    unit: str
    profile: str
    serial: str | None = None
    profiles: Path | None = None
    timeout_s: float | None = None

    @property
    def name(self) -> str:
        """Return what the meter is called here: its serial, or the unit."""
        return self.serial or f"unit {self.unit}"


def config_of(call: MeterCall) -> GatewayConfig:
    """Return settings with nothing but this meter; their broker is never spoken to."""
    address = int(call.unit) if call.unit.isdecimal() else call.unit
    meter = MeterConfig(serial=call.name, device_address=address, profile=call.profile)
    link = LinkConfig(name=call.url, url=call.url, meters=[meter], timeout_s=call.timeout_s)
    return GatewayConfig(
        gateway_id="command",
        data=Path(),
        mqtt=MqttConfig(host=""),
        links=[link],
        profiles=call.profiles,
    )
