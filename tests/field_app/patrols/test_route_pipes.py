"""Pipes under the sketch of a route: only what is on it."""

from hypothesis import given
from hypothesis import strategies as st

from field_app.presenters.route_pipes import EDGE, MOST_PIECES, clipped, pipes_under
from wire_contracts.network import NetworkPart, Pipe, PipeLevel, Plane
from wire_contracts.quantities import Medium

PLANE = Plane(latitude_deg=36.65, longitude_deg=117.12)
SPOTS = st.tuples(st.floats(-5, 5), st.floats(-5, 5))


def pipes(*lines: tuple[tuple[float, float], ...]) -> list[NetworkPart]:
    return [
        NetworkPart(
            area_id="north",
            plane=PLANE,
            pipes=[
                Pipe(pipe_id=str(number), medium=Medium.GAS, level=PipeLevel.LOW, line_m=line)
                for number, line in enumerate(lines)
            ],
        )
    ]


def spot_of(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """A sketch of one kilometre each way, north and east of the plane's origin."""
    x_m, y_m = PLANE.to_plane(latitude_deg, longitude_deg)
    return x_m / 1000, y_m / 1000


@given(start=SPOTS, end=SPOTS)
def test_no_piece_leaves_the_sketch(start: tuple[float, float], end: tuple[float, float]) -> None:
    piece = clipped(start, end)

    for spot in piece or ():
        assert all(-EDGE - 1e-9 <= each <= 1 + EDGE + 1e-9 for each in spot)


def test_a_pipe_through_the_sketch_is_cut_at_its_edges_and_one_beside_it_is_left_out() -> None:
    through = ((-9000.0, 500.0), (9000.0, 500.0))
    beside = ((-9000.0, 5000.0), (9000.0, 5000.0))
    (piece,) = pipes_under(pipes(through, beside), spot_of, lambda pipe: str(pipe.medium))

    assert piece.tone == "gas"
    assert [round(each, 3) for each in (*piece.start, *piece.end)] == [-EDGE, 0.5, 1 + EDGE, 0.5]


def test_a_large_town_does_not_make_a_frame_long() -> None:
    line = tuple((float(number), 10.0) for number in range(1000))

    assert len(pipes_under(pipes(line), spot_of, lambda _pipe: "gas")) == MOST_PIECES
