"""Decides which meter a device serial meant at an instant (RULINGS R13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wire_contracts.quantities import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """From `valid_from_ms` (inclusive) to `valid_to_ms` (exclusive, None: open) this meter."""

    meter_id: str
    medium: Medium
    valid_from_ms: int
    valid_to_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMap:
    """Everything the ingest must know of the assets.

    Attributes:
        version: The asset version it was read at.
        gateways: Gateways whose frames are taken.
        devices: Serial to its mappings, newest first.
    """

    version: int
    gateways: frozenset[str] = frozenset()
    devices: Mapping[str, Sequence[DeviceUse]] = field(default_factory=dict)

    def find(self, device_serial: str, measured_at_ms: int) -> DeviceUse | None:
        """Return the mapping that covers the instant, None when the device meant no meter then."""
        for mapping in self.devices.get(device_serial, ()):
            if mapping.valid_from_ms <= measured_at_ms:
                is_over = mapping.valid_to_ms is not None and measured_at_ms >= mapping.valid_to_ms
                return None if is_over else mapping
        return None
