"""The legend of the map: what is on the map, each told apart by more than a colour."""

from field_app.i18n import CatalogueWords
from field_app.presenters.map_legend import legend_of_pipes, legend_of_signs
from field_app.presenters.map_views import MapLines, MapStop
from wire_contracts.network import NetworkPoint, PipeLevel, PointKind
from wire_contracts.quantities import Medium

ENGLISH, CHINESE = CatalogueWords("en"), CatalogueWords("zh_CN")


def point(kind: PointKind) -> NetworkPoint:
    return NetworkPoint(
        point_id=str(kind), kind=kind, medium=Medium.GAS, level=PipeLevel.LOW, x_m=0.0, y_m=0.0
    )


def test_the_legend_names_every_sign_that_is_on_the_map_and_no_other() -> None:
    order = MapStop(key="o", number="1", icon="meter-gas", tone="p1", place=(0.0, 0.0))
    points = [point(PointKind.REGULATOR), point(PointKind.VALVE), point(PointKind.VALVE_WELL)]
    full = legend_of_signs(ENGLISH, points, [order], (1.0, 1.0))

    assert [(each.icon, each.text) for each in full] == [
        ("valve", "Valve, valve well"),
        ("gauge", "Regulator box"),
        ("meter-gas", "Order: 1 comes first"),
        ("crosshairs-gps", "You are here"),
    ]
    assert [each.text for each in legend_of_signs(CHINESE, [], [], (1.0, 1.0))] == ["您的位置"]
    assert legend_of_signs(ENGLISH, [], [], None) == ()


def test_three_pressures_of_one_colour_are_three_shapes_of_a_line() -> None:
    groups = [
        MapLines(tone="map_gas", width_dp=width, core_dp=core, lines=())
        for width, core in ((8.0, 3.5), (5.0, 0.0), (2.0, 0.0))
    ]
    lines = legend_of_pipes(ENGLISH, groups)

    assert [(each.text, each.width_dp, each.core_dp) for each in lines] == [
        ("Gas, high pressure", 8.0, 3.5),
        ("Gas, medium pressure", 5.0, 0.0),
        ("Gas, low pressure", 2.0, 0.0),
    ]
