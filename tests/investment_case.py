"""A case of projects: a mine M, a port P, and over the sea a town Q; a railway and a berth that need each other."""

from __future__ import annotations

from typing import Any

from tiny import frame

from karavan.schema.case import Case, Meta, make_case

PROJECTS = ("railway", "berth", "quay", "road-works", "no-cost", "finished", "words")


def investment_case(*, tonnes: float = 1000.0, **changes: Any) -> Case:
    """Return a case whose goods can go by road at first: 100 t a year; a ship takes 150 t of the 1,000 wanted.

    By rail they could only go once the railway is there, which ends at a berth that takes nothing yet.
    """
    tables = {
        "modes": frame(id=["rail", "sea", "road"], name=["Rail", "Sea", "Road"], medium=["land", "water", "land"],
                       carrying_units=["wagon", "bulk", "trailer"], km_per_day=[240.0, 480.0, 480.0]),
        "carrying_units": frame(id=["wagon", "bulk", "trailer"], name=["Wagon", "Hold", "Truck"],
                                payload_tonnes=[50.0, 1000.0, 20.0], wagons_per_unit=[1.0, 0.0, 0.0],
                                trucks_per_unit=[0.0, 0.0, 1.0]),
        "nodes": frame(id=["M", "P", "Q"], name=["Mine", "Port", "Quay"], place=["Mine", "Port", "Quay"],
                       country=["AAA", "AAA", "BBB"], kind=["city", "port", "port"], latitude=[40.0] * 3,
                       longitude=[51.0, 52.0, 55.0], coordinate_precision_km=[1.0] * 3),
        "links": frame(id=["M-P-rail", "M-P-road", "P-Q"], from_node=["M", "M", "P"], to_node=["P", "P", "Q"],
                       mode=["rail", "road", "sea"], length_km=[100.0, 120.0, 300.0],
                       track_gauge_mm=[1520, None, None], status=["planned", "open", "open"]),
        "transfers": frame(id=["P-rail", "P-road"], node=["P", "P"], kind=["handling", "handling"],
                           from_mode=["rail", "road"], from_track_gauge_mm=[1520, None],
                           from_unit=["wagon", "trailer"], to_mode=["sea", "sea"], to_unit=["bulk", "bulk"],
                           usd_per_tonne=[5.0, 5.0], hours=[24.0, 24.0], status=["planned", "open"]),
        "commodities": frame(id=["ore"], name=["Ore"], unit_value_usd_per_tonne=[100.0],
                             value_of_time_usd_per_tonne_hour=[0.0], carrying_units=["wagon;bulk;trailer"],
                             load_factor=[1.0]),
        "zones": frame(id=["m", "q"], name=["Mine", "Town"], country=["AAA", "BBB"], nodes=["M", "Q"]),
        "demand": frame(id=["mq"], origin=["m"], destination=["q"], commodity=["ore"], tonnes=[tonnes]),
        "freight_tariffs": frame(id=["rail", "sea", "road"], mode=["rail", "sea", "road"],
                                 usd_per_tkm=[0.05, None, 0.2], usd_per_tonne=[None, 10.0, None]),
        "facilities": frame(id=["road", "rail-berth", "ships"], name=["Road", "Rail berth", "Ships"],
                            kind=["road", "terminal", "other"], unit=["tonnes"] * 3,
                            element_table=["links", "transfers", "links"], elements=["M-P-road", "P-rail", "P-Q"],
                            direction=["each", "both", "each"], capacity_stated=[100.0, 0.0, 600.0]),
        "projects": frame(
            id=list(PROJECTS), name=[p.capitalize() for p in PROJECTS],
            element_table=["links", "facilities", "facilities", "facilities", "facilities", "facilities", "nodes"],
            elements=["M-P-rail", "rail-berth", "ships", "road", "ships", "ships", "M"],
            effect=["opens", *["raises_capacity"] * 5, "other"],
            capacity_after=[800.0, 700.0, 900.0, 250.0, 5000.0, 600.0, None],
            capacity_unit=["tonnes"] * 6 + [None], year=[2026, 2026, 2030, 2024, 2024, 2020, None],
            cost_usd=[60.0, 30.0, 40.0, 50.0, None, 5.0, 5.0],
            status=["planned", "planned", "planned", "planned", "planned", "done", "planned"],
        ),
    }  # fmt: skip
    return make_case(Meta(name="projects", year=2024), tables | changes)
