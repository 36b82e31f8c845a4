"""The brief: one HTML file that says what a network carries, where it binds, and what each number rests on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from karavan.assignment.front import assign
from karavan.model import Model, build_model
from karavan.report import sections
from karavan.report.charts import TIME, Journey, cost_measure, counts_chart, distance_chart, render
from karavan.report.citations import Cited, Traces, source_table
from karavan.report.corridors import Corridor, corridor_frame, corridor_routes, profile
from karavan.report.geography import full_view, main_view
from karavan.report.layers import MARKS_SHOWN, map_layers, mode_colours
from karavan.report.limits import demand_grades, estimated_share, met_restrictions, restrictions_table, unknowns
from karavan.report.network_map import draw_map
from karavan.report.origins import Results
from karavan.report.result_files import result_tables, write_tables, write_whole
from karavan.report.templating import environment
from karavan.report.validation import Validation, validate
from karavan.report.wording import NOT_KNOWN, million, number, percent, short_name
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from karavan.assignment.assignment import Assignment
    from karavan.report.promised import Promised
    from karavan.report.said import Said
    from karavan.schema.case import Case

BOUNDARIES = (
    "Boundaries, names and colours on the map are drawn for orientation and imply no judgement on the legal status of "
    "any territory nor any endorsement or acceptance of boundaries."
)
PRICED = ("freight_tariffs", "transfers", "borders")
CONTENTS = (
    ("carries", "What it carries"),
    ("reading", "How to read"),
    ("map", "Map"),
    ("corridors", "Corridors"),
    ("profiles", "Time and cost"),
    ("bottlenecks", "Bottlenecks"),
    ("unserved", "What stays behind"),
    ("observed", "Against observed"),
    ("unknown", "Not known"),
    ("restrictions", "Restrictions"),
    ("said", "What was said"),
    ("promised", "What was promised"),
    ("sources", "Sources"),
    ("origins", "Origins of numbers"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Everything a brief is made from."""

    model: Model
    year: Assignment
    month: Assignment | None
    validation: Validation
    corridors: list[Corridor]
    corridor_frame: pd.DataFrame
    profiles: Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, eq=False)
class Brief:
    """A finished brief: the page as text, and the tables behind it."""

    html: str
    findings: Findings
    tables: Mapping[str, pd.DataFrame]

    def write(self, path: str | Path) -> Path:
        """Write the page to a file; the file appears whole or not at all. Folders are made."""
        return write_whole(Path(path), self.html.encode("utf-8"))

    def write_results(self, folder: str | Path) -> list[Path]:
        """Write every table as Parquet and CSV into a folder and return the files."""
        return write_tables(self.tables, Path(folder))


def brief(
    case: Case | Model,
    *,
    said: Said | None = None,
    promised: Promised | None = None,
    progress: Callable[[str], None] | None = None,
) -> Brief:
    """Assign a case for its year and its busiest month, compare it with what was observed, and make the brief.

    `said` is the section of a ledger of facts (`said_section`), if there is to be one, and `promised` the chapter of
    promises judged (`promised_section`); `progress` is told what is being done. Raises what `assign` raises.
    """
    findings = find(case, progress=progress)
    _tell(progress, "drawing the page")
    return Brief(html=page(findings, said, promised), findings=findings, tables=result_tables(findings))


def find(case: Case | Model, *, progress: Callable[[str], None] | None = None) -> Findings:
    """Work out everything a brief shows."""
    _tell(progress, "building the model")
    model = case if isinstance(case, Model) else build_model(case)
    _tell(progress, "assigning the year")
    year = assign(model)
    _tell(progress, "assigning the busiest month")
    month = assign(model, month=True)
    _tell(progress, "routing the corridors")
    found = corridor_routes(model)
    _tell(progress, "comparing with what was observed")
    profiles = {c.id: profile(model, c.route) for c in found if c.route is not None}
    compared = validate(year, corridors=found)
    return Findings(model, year, month, compared, found, corridor_frame(model, found), profiles)


def _tell(progress: Callable[[str], None] | None, what: str) -> None:
    if progress is not None:
        progress(what)


def page(findings: Findings, said: Said | None = None, promised: Promised | None = None) -> str:
    """Return the brief as one HTML document."""
    model, case = findings.model, findings.model.case
    traces = Traces(case)
    results = Results(traces, model, findings.year, findings.month, __version__)
    served = float(findings.year.summary["served"])
    layers = map_layers(model, findings.year)
    marks = {
        f["properties"]["facility"]: f["properties"]["number"] for f in layers["layers"][2]["features"][:MARKS_SHOWN]
    }
    corridor_anchors = {c.id: results.corridor(c) for c in findings.corridors}
    parts: dict[str, Any] = {
        "headline": sections.headline(results, findings.year),
        "month_sentence": _month_sentence(results, findings.month),
        "trust_sentence": _trust_sentence(results, findings.year, _validation_sentence(results, findings.validation)),
        "goods": sections.goods_table(results, findings.year),
        "flows": sections.flows_table(results, findings.year),
        "modes": sections.modes_table(results, findings.year),
        "map": _map(findings, results, layers),
        "corridors": sections.corridor_table(results, findings.corridors, findings.corridor_frame),
        "indicators": sections.indicators_table(results, findings.validation, corridor_anchors),
        "charts": _charts(findings),
        "binding": sections.bottleneck_table(results, findings.year, "year", marks),
        "binding_month": sections.bottleneck_table(results, findings.month, "month", marks)
        if findings.month is not None
        else None,
        "unserved": sections.unserved_table(results, findings.year),
        "validation_sentence": _validation_sentence(results, findings.validation),
        "scatter": _scatter(findings.validation),
        "counts": sections.counts_table(results, findings.validation, comparable=True),
        "counts_other": sections.counts_table(results, findings.validation, comparable=False),
        "controls": sections.controls_table(results, findings.validation),
        "unknowns": unknowns(results, findings.year),
        "restrictions": restrictions_table(results, met_restrictions(findings.year), served),
    }
    run = results.run("year")
    there = {"profiles": bool(parts["charts"]), "said": said is not None, "promised": promised is not None}
    style = (resources.files("karavan.report") / "templates" / "brief.css").read_text(encoding="utf-8")
    return (
        environment()
        .get_template("brief.html.j2")
        .render(
            **parts,
            **_words(case),
            css=Markup(style),  # noqa: S704 (our own style sheet)
            version=__version__,
            said=said.html if said is not None else "",
            promised=promised.html if promised is not None else "",
            contents=[c for c in CONTENTS if there.get(c[0], True)],
            run_link=lambda text: Cited(str(text), run),
            sources=source_table(case, traces),
            entries=list(traces.entries.values()),
        )
    )


def _words(case: Case) -> dict[str, Any]:
    meta = case.meta
    return {
        "title": meta.title or meta.name,
        "case_name": meta.name,
        "text": meta.text,
        "year_text": NOT_KNOWN if meta.year is None else str(meta.year),
        "price_year": "a year not stated" if meta.price_year is None else str(meta.price_year),
        "currency": meta.currency,
        "quoted": _quoted(case),
        "outside": list(meta.outside),
        "boundaries": meta.boundaries or BOUNDARIES,
    }


def _quoted(case: Case) -> tuple[int, int] | None:
    """Return the first and last year of the case's prices, where they are of several years or not of the case's."""
    years = {int(y) for t in PRICED for y in case.tables[t]["price_year"].dropna()}
    return None if not years or years == {case.meta.price_year} else (min(years), max(years))


def _month_sentence(results: Results, month: Assignment | None) -> Markup | None:
    if month is None:
        return None
    s = month.summary
    share = float(s["served"]) / float(s["demand"]) if s["demand"] else None
    return Markup("In the busiest month it carries {} of {} ({}); {} facilities bind.").format(
        results.total(million(s["served"]), "month"),
        results.total(million(s["demand"]), "month"),
        results.total(percent(share), "month"),
        results.total(str(month.bottlenecks()["facility"].nunique()), "month"),
    )


def _validation_sentence(results: Results, validation: Validation) -> Markup | None:
    counts = validation.counts
    n = int(counts["comparable"].astype(bool).sum()) if len(counts) else 0
    if not n:
        return None
    anchor = results.share(
        "validation",
        "comparison with counts",
        [("how", "Median of modelled over observed, counts of the year; a factor of two: above 2 or below 0.5.")],
    )
    return Markup(
        "Of {} counts of the case's year, {} are off by more than a factor of two; "
        "the median of modelled over observed is {}."
    ).format(
        Cited(str(n), anchor),
        Cited(str(validation.off_by_two), anchor),
        Cited(number(validation.median_ratio, 2), anchor),
    )


def _trust_sentence(results: Results, year: Assignment, compared: Markup | None) -> Markup | None:
    """Say how far the demand rests on estimates, and how the flows compare with counts."""
    share = estimated_share(year)
    parts = []
    if share is not None:
        parts.append(
            Markup("{} of the demand's tonnes are estimates (confidence C).").format(
                Cited(percent(share), demand_grades(results))
            )
        )
    parts += [compared] if compared is not None else []
    return Markup(" ").join([Markup("<b>How far to trust it.</b>"), *parts]) if parts else None


def _map(findings: Findings, results: Results, layers: dict[str, Any]) -> Markup:
    case = findings.model.case
    if not case.nodes["longitude"].notna().any():
        return Markup("<p>The case gives no coordinates, so there is no map.</p>")
    view, wide = main_view(case)
    year = findings.year
    rows = {(r["facility"], r["element"], r["direction"]): r for r in year.bottlenecks().to_dict("records")}
    binding = [str(f["properties"]["name"]) for f in layers["layers"][2]["features"][:5]]
    text = f"{million(year.summary['served'])} carried. Bottlenecks in order: {'; '.join(binding) or 'none'}."

    def mark(p: Mapping[str, Any]) -> str:
        return results.facility(rows[p["facility"], p["element"], p["direction"]], "year")

    overview = full_view(case) if wide else None
    return draw_map(layers, view, overview=overview, description=text, link_href=results.flow, mark_href=mark)


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Charts that stand together: pictures with captions, below one another or side by side."""

    title: str
    pictures: list[tuple[Markup, str]]
    side_by_side: bool


def chart_specifications(findings: Findings) -> list[tuple[str, list[dict[str, Any]], bool]]:
    """Return the time- and cost-distance charts of the headline corridors as Vega-Lite specifications.

    Corridors that start at one place share a chart. Each item is a title, its specifications, and whether they are of
    one corridor alone.
    """
    case = findings.model.case
    wanted = case.meta.headline_corridors or tuple(c.id for c in findings.corridors)[:6]
    by_id = {c.id: c for c in findings.corridors if c.route is not None}
    groups: dict[str, list[Corridor]] = {}
    for name in wanted:
        if name in by_id:
            groups.setdefault(by_id[name].legs[0][0], []).append(by_id[name])
    colours, names = mode_colours(case), {str(m): str(n) for m, n in case.modes["name"].items()}
    out = []
    for start, members in sorted(groups.items(), key=lambda g: -len(g[1])):
        journeys = [Journey(c.name, findings.profiles[c.id]) for c in members]
        loads = [
            c.route.unit_tonnes if c.route is not None and c.route.usd_per_teu is not None else None for c in members
        ]
        alone = len(members) == 1
        measures = (TIME, cost_measure(loads[0] if all(v is not None for v in loads) else None))
        size = {"width": 500, "height": 330} if alone else {"width": 960, "height": 410}
        specs = [distance_chart(journeys, m, colours, names, **size) for m in measures]  # type: ignore[arg-type]
        place = short_name(case.nodes.at[start, "name"], case.nodes.at[start, "place"])
        out.append((members[0].name if alone else f"From {place}: {len(members)} corridors", specs, alone))
    return out


def _charts(findings: Findings) -> list[ChartGroup]:
    out = []
    for title, specs, alone in chart_specifications(findings):
        pictures = []
        for spec, what in zip(specs, ("Time against distance", "Money paid against distance"), strict=True):
            text = f"{what}; {title}. The numbers stand in the table of corridors and in the legs behind it."
            pictures.append((render(spec, name=f"{what}: {title}", description=text), f"{what}."))
        out.append(ChartGroup(title, pictures, alone))
    return out


def _scatter(validation: Validation) -> Markup | None:
    if not len(validation.counts) or not (validation.counts["observed"] > 0).any():
        return None
    text = "Observed volume across, modelled volume up, both logarithmic; the table below holds the numbers."
    return render(counts_chart(validation.counts), name="Modelled against observed", description=text)
