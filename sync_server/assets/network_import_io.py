"""Reads a GeoJSON file of the network and puts it onto the map: `sync-server import-network`."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, select

from sync_server.assets.assets import AssetError
from sync_server.assets.network_geojson import parse_geojson
from sync_server.assets.network_store import save_network
from sync_server.db.asset_tables import NETWORK_PART
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.network import Plane, parse_network
from wire_contracts.payloads import strict_json

_DECIMALS = 3
"""The origin of a new plane is a round number near the middle: 0.001 degrees are 111 m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNetwork:
    """What a file brought: areas, pipes, points."""

    areas: int
    pipes: int
    points: int


def import_network(connection: Connection, path: Path, now_utc: datetime) -> ImportedNetwork:
    """Put the areas of a file in place of what the map shows of them; other areas stay.

    All areas share one plane: that of the map that is there, else one round the file's middle.

    Raises:
        AssetError: The file cannot be read, holds nothing, or has a geometry that is not drawn.
        ContractError: A feature cannot be read; the text names its place and field.
    """
    root = FieldReader(place=path.name, values=read_collection(path.name, _content(path)))
    parts = parse_geojson(root, _plane_in_use(connection) or middle_of(path.name, root.values))
    if not parts:
        raise AssetError(f"{path.name}: features: there is none; send pipes and points")
    for part in parts:
        save_network(connection, part, now_utc)
    return ImportedNetwork(
        areas=len(parts),
        pipes=sum(len(part.pipes) for part in parts),
        points=sum(len(part.points) for part in parts),
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AssetError(f"{path.name}: cannot be read ({error.strerror}); name a file") from error


def read_collection(name: str, content: bytes) -> Mapping[str, JsonValue]:
    """Return the members of a file's JSON object; raise AssetError for what is none."""
    try:
        found = strict_json(content.removeprefix(BOM_UTF8))
    except (ValueError, RecursionError) as error:
        told = str(error)[:120]
        raise AssetError(f"{name}: is no JSON ({told}); export it as GeoJSON") from error
    if not isinstance(found, dict):
        raise AssetError(f"{name}: is no FeatureCollection; export it as GeoJSON")
    return cast("Mapping[str, JsonValue]", found)  # an object of JSON has such members


def _plane_in_use(connection: Connection) -> Plane | None:
    text = connection.execute(select(NETWORK_PART.c.document).limit(1)).scalar_one_or_none()
    if text is None:
        return None
    return parse_network(FieldReader(place="network", values=json.loads(text))).plane


def middle_of(name: str, values: Mapping[str, JsonValue]) -> Plane:
    """Return the plane around all positions of a file; raise AssetError when it has none."""
    corners = list(_positions(values.get("features")))
    if not corners:
        raise AssetError(f"{name}: features: no position; send longitude and latitude in degrees")
    longitudes, latitudes = [each[0] for each in corners], [each[1] for each in corners]
    return Plane(
        latitude_deg=round((min(latitudes) + max(latitudes)) / 2, _DECIMALS),
        longitude_deg=round((min(longitudes) + max(longitudes)) / 2, _DECIMALS),
    )


def _positions(value: JsonValue) -> Iterator[tuple[float, float]]:
    """Yield every position below a value: two numbers side by side."""
    if isinstance(value, Mapping):
        for key in ("geometry", "coordinates"):
            yield from _positions(value.get(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        numbers = [each for each in value if isinstance(each, int | float)]
        if len(numbers) == len(value) and len(numbers) > 1:
            yield float(numbers[0]), float(numbers[1])
        else:
            for each in value:
                yield from _positions(each)
