"""A case in which shippers have a choice: four towns in a row, rail and road between each two neighbours."""

from __future__ import annotations

from itertools import pairwise, permutations

from tiny import frame

from karavan.schema.case import Case, Meta, make_case

TOWNS = "ABCD"
KM = {("A", "B"): (300.0, 320.0), ("B", "C"): (500.0, 420.0), ("C", "D"): (200.0, 260.0)}


def choice_case() -> Case:
    """Rail is cheap by the kilometre and dear to load, road the other way; both go everywhere."""
    pairs = list(permutations(TOWNS, 2))
    links = [(a, b, mode, KM[a, b][i]) for a, b in pairwise(TOWNS) for i, mode in enumerate(("rail", "road"))]
    tables = {
        "modes": frame(id=["rail", "road"], name=["Rail", "Road"], medium=["land", "land"],
                       carrying_units=["container", "trailer"], km_per_day=[300.0, 600.0]),
        "carrying_units": frame(id=["container", "trailer"], name=["Box", "Truck"], payload_tonnes=[20.0, 20.0],
                                teu_per_unit=[1.0, 0.0], trucks_per_unit=[0.0, 1.0],
                                loading_usd_per_tonne=[8.0, 2.0], loading_hours=[12.0, 2.0]),
        "nodes": frame(id=list(TOWNS), name=list(TOWNS), place=list(TOWNS), country=[f"{t}{t}{t}" for t in TOWNS],
                       kind=["city"] * 4, latitude=[40.0] * 4, longitude=[50.0, 53.0, 57.0, 59.0],
                       coordinate_precision_km=[1.0] * 4),
        "links": frame(id=[f"{a}-{b}-{m}" for a, b, m, _ in links], from_node=[x[0] for x in links],
                       to_node=[x[1] for x in links], mode=[x[2] for x in links], length_km=[x[3] for x in links],
                       track_gauge_mm=[1520 if x[2] == "rail" else None for x in links]),
        "commodities": frame(id=["goods"], name=["Goods"], unit_value_usd_per_tonne=[5000.0],
                             value_of_time_usd_per_tonne_hour=[0.1], carrying_units=["container;trailer"],
                             load_factor=[1.0]),
        "zones": frame(id=[t.lower() for t in TOWNS], name=list(TOWNS), country=[f"{t}{t}{t}" for t in TOWNS],
                       nodes=list(TOWNS)),
        "demand": frame(id=[f"{a}{b}" for a, b in pairs], origin=[a.lower() for a, _ in pairs],
                        destination=[b.lower() for _, b in pairs], commodity=["goods"] * 12,
                        tonnes=[1000.0 * (i + 1) for i in range(12)], source=["made"] * 12, confidence=["C"] * 12),
        "freight_tariffs": frame(id=["rail", "road"], mode=["rail", "road"], usd_per_tkm=[0.04, 0.07]),
        "corridors": frame(corridor=["line", "line"], name=["Line", "Line"], seq=[0, 1], from_node=["A", "B"],
                           to_node=["B", "C"], mode=["rail", "rail"], carrying_unit=["container", "container"]),
        "facilities": frame(id=["BC"], name=["B to C"], kind=["line"], element_table=["links"], elements=["B-C-rail"],
                            direction=["each"], unit=["teu"], capacity_used=["stated"], capacity_stated=[900.0]),
        "counts": frame(
            id=[f"{x[0]}{x[1]}-{x[2]}-{way}" for x in links for way in ("forward", "backward")],
            name=["n"] * 12, element_table=["links"] * 12,
            elements=[f"{x[0]}-{x[1]}-{x[2]}" for x in links for _ in range(2)], direction=["forward", "backward"] * 6,
            year=[2024] * 12, value=[1.0] * 12, unit=["tonnes"] * 12,
        ),
    }  # fmt: skip
    return make_case(Meta(name="choice", year=2024), tables)
