"""Writes the settings files of the town's gateways."""

from collections.abc import Mapping

from demo.gateway_configs import GatewaySettings, config_text
from demo.places import Places
from demo.town import Town
from firmware_profiles.library_io import load_profile


def write_gateway_configs(
    town: Town, places: Places, broker_port: int, meter_ports: Mapping[str, int]
) -> None:
    """Write `gateways/<id>.toml` for every gateway of the town; an existing file is replaced.

    Args:
        town: The town.
        places: Where the demo keeps its things.
        broker_port: Loopback port of the broker.
        meter_ports: Gateway id to the loopback port of its meters (`TownMeters.ports`).
    """
    profiles = {meter.profile: load_profile(meter.profile) for meter in town.meters}
    for box in town.gateways:
        settings = GatewaySettings(
            gateway_id=box.gateway_id,
            data=places.gateway_folder(box.gateway_id).resolve(),
            broker_port=broker_port,
            password_file=places.secret_file(box.gateway_id).resolve(),
            meter_port=meter_ports[box.gateway_id],
            meters=[(meter, profiles[meter.profile]) for meter in town.meters_of(box.gateway_id)],
        )
        path = places.gateway_config(box.gateway_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config_text(settings), encoding="utf-8")
