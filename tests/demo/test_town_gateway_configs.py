"""The gateways can read the settings that are written for them."""

from datetime import timedelta
from pathlib import Path

from demo.gateway_configs_io import write_gateway_configs
from demo.places import Places
from demo.town import Town
from demo.town_meters import READING_INTERVAL
from edge_gateway.config_io import load_config
from firmware_profiles.library_io import load_profile


def test_every_gateway_can_read_its_settings_and_finds_its_meters_in_them(
    town: Town, tmp_path: Path
) -> None:
    places = Places(tmp_path)
    ports = {f"gw-{number:02d}": 20_000 + number for number in range(1, 21)}
    for box in town.gateways:
        secret = places.secret_file(box.gateway_id)
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(f"secret of {box.gateway_id}")

    write_gateway_configs(town, places, 18_830, ports)

    for box in town.gateways:
        config = load_config(places.gateway_config(box.gateway_id))
        (link,) = config.links
        assert config.gateway_id == box.gateway_id
        assert config.data == places.gateway_folder(box.gateway_id)
        assert (config.mqtt.username, config.mqtt.password, config.mqtt.port) == (
            box.gateway_id,
            f"secret of {box.gateway_id}",
            18_830,
        )
        assert link.url == f"tcp://127.0.0.1:{ports[box.gateway_id]}"
        assert [(each.serial, each.device_address, each.profile) for each in link.meters] == [
            (meter.serial, meter.device_address, meter.profile)
            for meter in town.meters_of(box.gateway_id)
        ]


def test_no_group_is_polled_more_often_than_the_town_has_readings(
    town: Town, tmp_path: Path
) -> None:
    places = Places(tmp_path)
    for box in town.gateways:
        secret = places.secret_file(box.gateway_id)
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text("secret")
    write_gateway_configs(town, places, 1883, {f"gw-{number:02d}": 502 for number in range(1, 21)})
    intervals: list[timedelta] = []
    for box in town.gateways:
        for meter in load_config(places.gateway_config(box.gateway_id)).links[0].meters:
            groups = {**load_profile(meter.profile).groups, **meter.intervals}
            intervals += [each for each in groups.values() if isinstance(each, timedelta)]

    assert min(intervals) == READING_INTERVAL
