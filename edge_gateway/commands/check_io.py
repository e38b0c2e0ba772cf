"""The command `check-config`: whether settings and profiles are right, and what they cost."""

import argparse

from edge_gateway.broker_tls_io import TlsFileError, tls_context
from edge_gateway.commands.calls import DONE, with_config
from edge_gateway.config import ConfigError, MqttConfig
from edge_gateway.config_io import load_config
from edge_gateway.links.cjt188_driver import parse_meter
from edge_gateway.links.link_url import Cjt188Url, LinkUrl, RtuOverTcpUrl
from edge_gateway.polling.profiles_io import MeterSetup, load_links
from edge_gateway.remote.revisions_io import revision_in_force
from firmware_profiles.codings import TEXTS, encode_words
from firmware_profiles.probe import Expectation, nameplate_of
from meter_telegrams.cjt188.layout import UnitPlace, stated_orders

_RIVAL = (
    "look at: the answer to another master on this line that reads the same unit and count would be"
    " taken for this meter's; let one master alone use the line, or name a [guard] in the profile"
)


def add_check(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_config(parser)
    parser.set_defaults(work=_check)


def _check(options: argparse.Namespace) -> int:
    """Print what each meter's groups cost on the link; nothing is opened or read."""
    config = load_config(options.config)
    _check_tls("mqtt", config.mqtt)
    if config.sparkplug is not None:
        _check_tls("sparkplug", config.sparkplug.mqtt)
    print(f"gateway {config.gateway_id}: broker {config.mqtt.host}:{config.mqtt.port}")
    number = revision_in_force(config)
    if number:
        print(f"revision {number} from afar is in force and goes before what stands here")
    links = load_links(config)
    for link in links:
        for meter in link.meters:
            _check_serial(f"{link.place} meter {meter.serial!r}", meter)
    for link in links:
        print(f"link {link.config.name}: {link.config.url}, time-out {link.timeout_s:g} s")
        for meter in link.meters:
            print(f"  {meter.serial} at {meter.device_address}: {meter.profile_name}")
            for line in (*_groups(meter), *_doubts(link.url, meter)):
                print(f"    {line}")
    return DONE


def _check_serial(place: str, meter: MeterSetup) -> None:
    """Raise ConfigError for a serial that the meter could never show to its profile's guard."""
    profile = meter.profile
    if profile is None or profile.guard is None or profile.guard.equals != Expectation.SERIAL:
        return
    coding = profile.registers[profile.guard.register].coding
    number = nameplate_of(meter.serial)
    is_text = coding.kind in TEXTS
    try:
        encode_words(coding, number if is_text else int(number))
    except ValueError:
        kind = f"a text of {2 * coding.word_count} characters" if is_text else f"a {coding.kind}"
        message = (
            f"{place}: serial: {number!r} is nothing that the guard of {profile.reference}, {kind},"
            " can show, so no value would count; write the number that the meter says itself"
            " (read without --serial shows it), with a maker in front where two share it"
        )
        raise ConfigError(message) from None


def _check_tls(place: str, mqtt: MqttConfig) -> None:
    """Raise ConfigError for files that a TLS connection could not use."""
    if mqtt.tls is None:
        return
    try:
        tls_context(mqtt.tls)
    except TlsFileError as error:
        problem = f"{place}: {error}"
        raise ConfigError(problem) from error


def _doubts(url: LinkUrl, meter: MeterSetup) -> list[str]:
    """Return what a person should look at, though nothing is certainly wrong."""
    if isinstance(url, Cjt188Url):
        return _order_doubts(meter)
    blocks = {request for plan in meter.plans.values() for request in plan.requests}
    is_guarded = meter.profile is not None and meter.profile.guard is not None
    if not isinstance(url, RtuOverTcpUrl) or len(blocks) != 1 or is_guarded:
        return []
    return [_RIVAL]


def _order_doubts(meter: MeterSetup) -> list[str]:
    """Return what to look at of a CJ/T 188 meter whose byte order nobody has stated."""
    settings = parse_meter(str(meter.device_address), meter.profile_name)
    profile = settings.profile
    if profile is not None and profile.is_order_stated:
        return []
    place = UnitPlace.AFTER if profile is None else profile.unit_place
    low, high = stated_orders(settings.kind, place)
    text = (
        "look at: if the meter's clock is not set, its byte order may not show and its values are"
        f" suspect_range; compare with the display then, and name {low} or {high}"
    )
    return [text]


def _groups(meter: MeterSetup) -> list[str]:
    if not meter.plans:
        return [f"{group}: every {every}" for group, every in meter.intervals.items()]
    lines = []
    for group, plan in meter.plans.items():
        words = sum(request.word_count for request in plan.requests)
        cost = f"{len(plan.requests)} requests, {words} words, about {1000 * plan.duration_s:.1f}"
        lines.append(f"{group}: every {meter.intervals[group]}, {cost} ms")
    return lines
