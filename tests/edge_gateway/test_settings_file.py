"""The settings file: every key is known and documented, every refusal names place and remedy."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from edge_gateway.config import ConfigError, GatewayConfig, MqttVersion
from edge_gateway.config_io import SETTINGS, load_config, parse_config
from edge_gateway.polling.profiles_io import load_links

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "gateway.md"

SMALLEST = """
[gateway]
id = "gw-01"
[mqtt]
host = "broker.example"
[[link]]
name = "plant"
host = "10.0.0.9"
[[link.meter]]
serial = "HM-1"
device_address = 7
profile = "tuf_2000m@1"
"""


def parsed(text: str, folder: Path = Path(), **environment: str) -> GatewayConfig:
    return parse_config(text, place="gateway.toml", folder=folder, environment=environment)


def refusal(text: str, folder: Path = Path(), **environment: str) -> str:
    with pytest.raises(ConfigError) as error:
        parsed(text, folder, **environment)
    return str(error.value)


def test_the_smallest_file_gets_the_documented_defaults() -> None:
    config = parsed(SMALLEST, Path("site"))
    (link,) = config.links
    (meter,) = link.meters

    assert (config.gateway_id, config.data) == ("gw-01", Path("site/var"))
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.tls) == ("broker.example", 1883, None)
    assert (config.mqtt.ack_timeout_s, config.mqtt.window, config.mqtt.version) == (10, 8, None)
    assert (config.queue.keep_sent, config.queue.commit_frames) == (timedelta(days=7), 50)
    assert (link.url, link.timeout_s, link.retry_count) == ("tcp://10.0.0.9:502", None, 1)
    assert (meter.serial, meter.device_address, meter.intervals) == ("HM-1", 7, {})


def test_a_meters_interval_goes_before_that_of_its_link() -> None:
    text = SMALLEST.replace(
        'host = "10.0.0.9"', 'host = "10.0.0.9"\nintervals = {fast = "5m", slow = "2h"}'
    )
    config = parsed(text + 'intervals = {fast = "30s"}\n')

    assert config.links[0].meters[0].intervals == {
        "fast": timedelta(seconds=30),
        "slow": timedelta(hours=2),
    }


def test_a_url_names_the_line_and_a_text_the_meter() -> None:
    text = SMALLEST.replace('host = "10.0.0.9"', 'url = "mbus:///dev/ttyUSB0?baud=2400"')
    (link,) = parsed(text.replace("= 7", '= "24083345"')).links

    assert link.url == "mbus:///dev/ttyUSB0?baud=2400"
    assert link.meters[0].device_address == "24083345"


WRONG = {
    "an unknown key": ("[gateway]", '[gateway]\ncolour = "red"', "gateway.colour: is not a known"),
    "an unknown table": ("[gateway]", "[gatway]\n[gateway]", "gatway: is not a known setting"),
    "a bad id": ('"gw-01"', '"GW 01"', "gateway.id: 'GW 01' is not a gateway id"),
    "a missing id": ('id = "gw-01"', "", "gateway.id: is missing; add it"),
    "a bad port": ('"10.0.0.9"', '"h"\nport = 70000', "link[0].port: is 70000; give a whole numb"),
    "a bad address": ("= 7", "= 300", "link[0].meter[0].device_address: is 300; give a whole"),
    "an empty address": ("= 7", '= ""', "link[0].meter[0].device_address: is ''; give a text"),
    "a bad length": (
        'profile = "tuf_2000m@1"',
        'profile = "tuf_2000m@1"\nintervals = {fast = "soon"}',
        "link[0].meter[0].intervals.fast: is 'soon'; write it like",
    ),
    "an unknown transport": (
        '"10.0.0.9"',
        '"h"\ntransport = "smoke"',
        "link[0].transport: is 'smoke'; write a url instead",
    ),
    "a url beside a host": (
        'host = "10.0.0.9"',
        'host = "10.0.0.9"\nurl = "tcp://10.0.0.9"',
        "link[0].host: stands beside url; keep the url",
    ),
    "no line at all": ('host = "10.0.0.9"', "", "link[0].url: is missing; name the line, such as"),
    "a number of 5000 digits": ("= 7", f"= {'9' * 5000}", "file: is not TOML"),
    "a maker without a number": ('"HM-1"', '"KAM:"', "serial: 'KAM:' has no number behind the"),
    "a maker with number 0": ('"HM-1"', '"KAM:00"', "serial: 'KAM:00' has no number behind the"),
    "no TOML": ("[gateway]", "[gateway", "file: is not TOML"),
    "a table for a list": ("[[link]]", "[link]", "link: is not a list of tables; write each as"),
    "a bad version": (
        '"broker.example"',
        '"b"\nversion = "6"',
        "mqtt.version: '6' is not known; use one of: 5, 3.1.1",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_refused_with_place_field_problem_and_remedy(name: str) -> None:
    before, after, message = WRONG[name]
    text = refusal(SMALLEST.replace(before, after, 1))

    assert text.startswith("gateway.toml: ")
    assert message in text
    assert "; " in text


def test_two_meters_with_one_serial_are_refused() -> None:
    again = '[[link.meter]]\nserial = "HM-1"\ndevice_address = 8\nprofile = "tuf_2000m@1"\n'

    assert "link.meter.serial: 'HM-1' occurs twice" in refusal(SMALLEST + again)


def test_a_link_without_meters_is_refused() -> None:
    text = SMALLEST[: SMALLEST.index("[[link.meter]]")]

    assert "link[0].meter: is missing; add at least one [[link.meter]]" in refusal(text)


def test_the_password_comes_from_a_file_or_the_environment_and_is_never_shown(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    from_file = SMALLEST.replace("[mqtt]", '[mqtt]\nusername = "gw"\npassword_file = "secret"')
    from_variable = SMALLEST.replace("[mqtt]", '[mqtt]\npassword_env = "LAMP_PW"')

    assert parsed(from_file, tmp_path).mqtt.password == "open sesame"  # noqa: S105  # a test's
    assert parsed(from_variable, LAMP_PW="xyzzy").mqtt.password == "xyzzy"  # noqa: S105  # a test's
    assert "sesame" not in repr(parsed(from_file, tmp_path))
    assert "mqtt.password_env: 'LAMP_PW' is not set; set it" in refusal(from_variable)


def test_a_password_in_the_settings_is_refused() -> None:
    text = SMALLEST.replace("[mqtt]", '[mqtt]\npassword = "hunter2"')

    assert "mqtt.password: is not a known setting; use one of:" in refusal(text)


def test_an_empty_or_missing_password_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    text = SMALLEST.replace("[mqtt]", '[mqtt]\npassword_file = "{}"')

    assert "empty' is empty; put the password in it" in refusal(
        text.replace("{}", "empty"), tmp_path
    )
    assert "gone' is not a file; correct the path" in refusal(text.replace("{}", "gone"), tmp_path)


def test_tls_needs_both_halves_of_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("x")
    text = SMALLEST.replace("[mqtt]", '[mqtt]\ntls = true\ncert_file = "own.pem"')

    assert "mqtt.cert_file: stands without its partner" in refusal(text, tmp_path)
    assert parsed(SMALLEST.replace("[mqtt]", "[mqtt]\ntls = true")).mqtt.port == 8883


def test_an_unreadable_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: file: cannot be read"):
        load_config(tmp_path / "none.toml")


def test_the_version_can_be_fixed() -> None:
    text = SMALLEST.replace("[mqtt]", '[mqtt]\nversion = "3.1.1"')

    assert parsed(text).mqtt.version is MqttVersion.V311


def test_an_unknown_profile_is_refused_before_anything_is_read() -> None:
    config = parsed(SMALLEST.replace("tuf_2000m@1", "no_such_meter@1"))

    with pytest.raises(ConfigError, match=r"meter 'HM-1': profile: profile 'no_such_meter@1'"):
        load_links(config)


def test_an_interval_for_a_group_the_profile_lacks_is_refused() -> None:
    config = parsed(SMALLEST + 'intervals = {weekly = "7d"}\n')

    with pytest.raises(ConfigError, match=r"intervals: 'weekly' is no group of 'tuf_2000m@1'"):
        load_links(config)


def test_a_link_waits_as_long_as_the_settings_say_else_as_its_profiles_ask() -> None:
    stated = parsed(SMALLEST.replace('"10.0.0.9"', '"10.0.0.9"\ntimeout_s = 0.3'))

    assert load_links(stated)[0].timeout_s == 0.3
    assert load_links(parsed(SMALLEST))[0].timeout_s >= 1.0


@pytest.mark.parametrize("table", [name for name in SETTINGS if name])
def test_every_setting_is_documented_and_nothing_else_is(table: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    heading = "[[{}]]" if table.startswith("link") else "[{}]"
    section = text.split(f"### `{heading.format(table)}`", 1)[1].split("\n#", 1)[0]

    assert set(re.findall(r"^\| `([a-z_]+)`", section, re.MULTILINE)) == SETTINGS[table]
