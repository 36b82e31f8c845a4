"""A case small enough to work out by hand: A - B by rail 1520, a sea link B - C, rail 1435 from C to D.

Rail 240 km a day, sea 480 km a day. A-B 240 km, B-C 480 km, C-D 120 km.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from karavan.schema.case import Case, Meta, make_case


def frame(**columns: list[Any]) -> pd.DataFrame:
    """Make a frame of columns."""
    return pd.DataFrame(columns)


def tables() -> dict[str, pd.DataFrame]:
    """Return the tables of the tiny case; tests change what they need."""
    return {
        "modes": frame(
            id=["rail", "sea", "road"],
            name=["Rail", "Sea", "Road"],
            medium=["land", "water", "land"],
            service_only_units=[None, "container", None],
            carrying_units=["wagon_1520;wagon_1435;container", "bulk;container", "trailer"],
            km_per_day=[240.0, 480.0, 480.0],
        ),
        "carrying_units": frame(
            id=["wagon_1520", "wagon_1435", "container", "bulk", "trailer"],
            name=["W20", "W35", "Box", "Hold", "Truck"],
            track_gauge_mm=[1520, 1435, None, None, None],
            payload_tonnes=[60.0, 50.0, 20.0, 1000.0, 20.0],
            teu_per_unit=[0.0, 0.0, 1.0, 0.0, 0.0],
            wagons_per_unit=[1.0, 1.0, 0.5, 0.0, 0.0],
            empty_return_share=[0.5, 0.5, 0.25, 0.0, 0.0],
            loading_usd_per_tonne=[1.0, 1.0, 2.0, 0.0, 3.0],
            loading_hours=[6.0, 6.0, 12.0, 0.0, 2.0],
        ),
        "nodes": frame(
            id=["A", "B", "C", "D"],
            name=["Aby", "Bay", "Cove", "Dale"],
            place=["Aby", "Bay", "Cove", "Dale"],
            country=["AAA", "AAA", "CCC", "CCC"],
            kind=["city", "port", "port", "city"],
            latitude=[40.0, 40.0, 40.0, 40.0],
            longitude=[50.0, 52.0, 55.0, 56.0],
            coordinate_precision_km=[1.0, 1.0, 1.0, 1.0],
        ),
        "links": frame(
            id=["A-B", "B-C", "C-D"],
            from_node=["A", "B", "C"],
            to_node=["B", "C", "D"],
            mode=["rail", "sea", "rail"],
            length_km=[240.0, 480.0, 120.0],
            track_gauge_mm=[1520, None, 1435],
        ),
        "transfers": frame(
            id=["B:wagon", "C:wagon"],
            node=["B", "C"],
            kind=["handling", "handling"],
            from_mode=["rail", "rail"],
            from_track_gauge_mm=[1520, 1435],
            from_unit=["wagon_1520", "wagon_1435"],
            to_mode=["sea", "sea"],
            to_unit=["bulk", "bulk"],
            usd_per_tonne=[5.0, 7.0],
            usd_per_unit=[60.0, None],
            hours=[24.0, 48.0],
        ),
        "borders": frame(
            id=["B>C-sea", "C>B-sea"],
            name=["B to C", "C to B"],
            from_node=["B", "C"],
            to_node=["C", "B"],
            mode=["sea", "sea"],
            exit_hours=[2.0, 3.0],
            entry_hours=[4.0, 5.0],
            usd_per_unit=[1000.0, 2000.0],
        ),
        "commodities": frame(
            id=["grain", "toys"],
            name=["Grain", "Toys"],
            unit_value_usd_per_tonne=[200.0, 3000.0],
            value_of_time_usd_per_tonne_hour=[0.01, 0.5],
            carrying_units=["wagon_1520;wagon_1435;bulk", "container;trailer"],
            load_factor=[1.0, 0.5],
        ),
        "zones": frame(id=["a", "d"], name=["Zone a", "Zone d"], country=["AAA", "CCC"], nodes=["A", "D"]),
        "demand": frame(id=["1"], origin=["a"], destination=["d"], commodity=["grain"], tonnes=[1000.0]),
        "freight_tariffs": frame(
            id=["rail", "sea", "rail-c", "road"],
            mode=["rail", "sea", "rail", "road"],
            country=[None, None, "CCC", None],
            usd_per_tkm=[0.05, None, 0.1, 0.1],
            usd_per_tonne=[None, 10.0, None, None],
        ),
    }


def tiny(**changes: pd.DataFrame) -> Case:
    """Return the tiny case with some tables replaced."""
    return make_case(Meta(name="tiny", year=2024), tables() | changes)
