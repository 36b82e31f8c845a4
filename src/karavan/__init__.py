"""Karavan plans freight corridors: what a network can carry, how goods best move, and what each number rests on.

The names below are the front door. They are loaded when first used; nothing else happens on import.

Examples
--------
>>> import karavan as kv
>>> kv.table("links").fields["length_km"].unit
'km'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from karavan.version import __version__

if TYPE_CHECKING:
    from karavan.assignment.assignment import Assignment
    from karavan.assignment.calibrate import Calibration, calibrate
    from karavan.assignment.draws import Draws, draws
    from karavan.assignment.equilibrium_front import CongestedAssignment, assign_congested
    from karavan.assignment.equipment import Equipment, equipment
    from karavan.assignment.front import assign
    from karavan.assignment.lots import LotPlan, Lots, plan_lots
    from karavan.assignment.methods import AllOrNothing, LeastCost, Logit, SystemOptimum, UserEquilibrium
    from karavan.assignment.select import select, skims, used_paths
    from karavan.errors import (
        AmbiguousName,
        CaseError,
        Finding,
        FormatError,
        KaravanError,
        MissingExtra,
        NameNotFound,
        NoRoute,
        NotIdentified,
        OutOfDate,
        ScenarioError,
        ShipmentError,
        SolverError,
    )
    from karavan.evidence.gazetteer import gazetteer
    from karavan.evidence.importer import SeriesColumns, read_series
    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.ledger.export import facts_csv, facts_jsonl
    from karavan.evidence.ledger.ledger import Ledger
    from karavan.evidence.ledger.reading import sample_folder
    from karavan.evidence.ledger.store import default_ledger
    from karavan.evidence.promises import Promise, promises
    from karavan.evidence.propose import ModelEndpoint, propose_for
    from karavan.evidence.reconcile import Verdict, reconcile
    from karavan.evidence.timeline import SeriesPoint, parse_areas, parse_series, timeline
    from karavan.model import Model, build_model
    from karavan.network.checking import check
    from karavan.report.article import article_page
    from karavan.report.brief import Brief, brief
    from karavan.report.case_map import basemap_layers, corridor_lines, map_view
    from karavan.report.case_tables import (
        Selection,
        case_overview,
        find_names,
        record,
        table_bytes,
        table_file,
        table_list,
        table_page,
        trace_record,
    )
    from karavan.report.corridors import corridors
    from karavan.report.evidence_records import (
        conflict_records,
        document_list,
        document_record,
        fact_history,
        facts_behind,
        facts_page,
        indicator_names,
        promise_record,
        promise_records,
        series_record,
    )
    from karavan.report.frontier_chart import frontier_svg
    from karavan.report.limits import over_capacity
    from karavan.report.plain import jsonable
    from karavan.report.promised import Promised, promised_section
    from karavan.report.route_answer import route_answer
    from karavan.report.route_charts import route_chart, write_route_chart
    from karavan.report.route_sheet import route_sheet, write_route_sheet
    from karavan.report.routes import route_records
    from karavan.report.said import Said, said_section
    from karavan.report.series_chart import series_page, series_svg
    from karavan.report.validation import Validation, validate
    from karavan.report.what_if import (
        combined,
        comparison_record,
        run_list,
        run_path,
        run_record,
        run_scenario,
        scenario_board,
    )
    from karavan.routing.criticality import criticality_of
    from karavan.routing.front import pareto_routes, route
    from karavan.routing.many import ManyRoutes, route_many
    from karavan.routing.options import RouteOptions
    from karavan.routing.reliability import Odds, with_odds
    from karavan.routing.router import Router
    from karavan.routing.shipment import ParetoSet, Route, Shipment
    from karavan.routing.shipment_file import read_shipments
    from karavan.routing.skims import route_skims, write_skims
    from karavan.scenario.apply import apply, diff
    from karavan.scenario.compare import Comparison, compare, compare_all
    from karavan.scenario.engine import ProcessEngine, RayEngine, make_engine, sweep
    from karavan.scenario.investment import Investment, InvestmentTerms, invest
    from karavan.scenario.promise import PromiseCheck, PromiseOptions, promise, promise_all, promise_stages
    from karavan.scenario.promise_target import TargetOptions
    from karavan.scenario.promise_types import Target
    from karavan.scenario.resilience import Criticality, criticality
    from karavan.scenario.results import Outcome
    from karavan.scenario.run import Results, read_outcome, read_results, run
    from karavan.scenario.scenario import Scenario
    from karavan.scenario.scenario_file import scenario_toml, shipped_scenarios
    from karavan.scenario.study import Study
    from karavan.scenario.target_file import read_targets
    from karavan.schema.case import Case
    from karavan.schema.check import CheckReport
    from karavan.schema.describe import describe
    from karavan.schema.io.anything import read_network
    from karavan.schema.io.folder import read_case, write_case
    from karavan.schema.io.geopackage import read_geopackage, write_geopackage
    from karavan.schema.io.gmns import read_gmns, write_gmns
    from karavan.schema.io.omx import read_omx, write_omx
    from karavan.schema.io.packs import packs, read_pack
    from karavan.schema.io.tntp import read_tntp
    from karavan.schema.tables import table
    from karavan.schema.trace import Trace, trace

_HOME = {
    "karavan.assignment.assignment": ("Assignment",),
    "karavan.assignment.calibrate": ("Calibration", "calibrate"),
    "karavan.assignment.draws": ("Draws", "draws"),
    "karavan.assignment.equilibrium_front": ("CongestedAssignment", "assign_congested"),
    "karavan.assignment.equipment": ("Equipment", "equipment"),
    "karavan.assignment.front": ("assign",),
    "karavan.assignment.lots": ("LotPlan", "Lots", "plan_lots"),
    "karavan.assignment.methods": ("AllOrNothing", "LeastCost", "Logit", "SystemOptimum", "UserEquilibrium"),
    "karavan.assignment.select": ("select", "skims", "used_paths"),
    "karavan.errors": (
        "AmbiguousName",
        "CaseError",
        "Finding",
        "FormatError",
        "KaravanError",
        "MissingExtra",
        "NameNotFound",
        "NoRoute",
        "NotIdentified",
        "OutOfDate",
        "ScenarioError",
        "ShipmentError",
        "SolverError",
    ),
    "karavan.evidence.gazetteer": ("gazetteer",),
    "karavan.evidence.importer": ("SeriesColumns", "read_series"),
    "karavan.evidence.ledger.entry": ("LedgerEntry",),
    "karavan.evidence.ledger.export": ("facts_csv", "facts_jsonl"),
    "karavan.evidence.ledger.ledger": ("Ledger",),
    "karavan.evidence.ledger.reading": ("sample_folder",),
    "karavan.evidence.ledger.store": ("default_ledger",),
    "karavan.evidence.promises": ("Promise", "promises"),
    "karavan.evidence.propose": ("ModelEndpoint", "propose_for"),
    "karavan.evidence.reconcile": ("Verdict", "reconcile"),
    "karavan.evidence.timeline": ("SeriesPoint", "parse_areas", "parse_series", "timeline"),
    "karavan.model": ("Model", "build_model"),
    "karavan.network.checking": ("check",),
    "karavan.report.article": ("article_page",),
    "karavan.report.brief": ("Brief", "brief"),
    "karavan.report.case_map": ("basemap_layers", "corridor_lines", "map_view"),
    "karavan.report.case_tables": (
        "Selection",
        "case_overview",
        "find_names",
        "record",
        "table_bytes",
        "table_file",
        "table_list",
        "table_page",
        "trace_record",
    ),
    "karavan.report.corridors": ("corridors",),
    "karavan.report.evidence_records": (
        "conflict_records",
        "document_list",
        "document_record",
        "fact_history",
        "facts_behind",
        "facts_page",
        "indicator_names",
        "promise_record",
        "promise_records",
        "series_record",
    ),
    "karavan.report.frontier_chart": ("frontier_svg",),
    "karavan.report.limits": ("over_capacity",),
    "karavan.report.plain": ("jsonable",),
    "karavan.report.promised": ("Promised", "promised_section"),
    "karavan.report.route_answer": ("route_answer",),
    "karavan.report.route_charts": ("route_chart", "write_route_chart"),
    "karavan.report.route_sheet": ("route_sheet", "write_route_sheet"),
    "karavan.report.routes": ("route_records",),
    "karavan.report.said": ("Said", "said_section"),
    "karavan.report.series_chart": ("series_page", "series_svg"),
    "karavan.report.validation": ("Validation", "validate"),
    "karavan.report.what_if": (
        "combined",
        "comparison_record",
        "run_list",
        "run_path",
        "run_record",
        "run_scenario",
        "scenario_board",
    ),
    "karavan.routing.criticality": ("criticality_of",),
    "karavan.routing.front": ("pareto_routes", "route"),
    "karavan.routing.many": ("ManyRoutes", "route_many"),
    "karavan.routing.options": ("RouteOptions",),
    "karavan.routing.reliability": ("Odds", "with_odds"),
    "karavan.routing.router": ("Router",),
    "karavan.routing.shipment": ("ParetoSet", "Route", "Shipment"),
    "karavan.routing.shipment_file": ("read_shipments",),
    "karavan.routing.skims": ("route_skims", "write_skims"),
    "karavan.scenario.apply": ("apply", "diff"),
    "karavan.scenario.compare": ("Comparison", "compare", "compare_all"),
    "karavan.scenario.engine": ("ProcessEngine", "RayEngine", "make_engine", "sweep"),
    "karavan.scenario.investment": ("Investment", "InvestmentTerms", "invest"),
    "karavan.scenario.promise": ("PromiseCheck", "PromiseOptions", "promise", "promise_all", "promise_stages"),
    "karavan.scenario.promise_target": ("TargetOptions",),
    "karavan.scenario.promise_types": ("Target",),
    "karavan.scenario.resilience": ("Criticality", "criticality"),
    "karavan.scenario.results": ("Outcome",),
    "karavan.scenario.run": ("Results", "read_outcome", "read_results", "run"),
    "karavan.scenario.scenario": ("Scenario",),
    "karavan.scenario.scenario_file": ("scenario_toml", "shipped_scenarios"),
    "karavan.scenario.study": ("Study",),
    "karavan.scenario.target_file": ("read_targets",),
    "karavan.schema.case": ("Case",),
    "karavan.schema.check": ("CheckReport",),
    "karavan.schema.describe": ("describe",),
    "karavan.schema.io.anything": ("read_network",),
    "karavan.schema.io.folder": ("read_case", "write_case"),
    "karavan.schema.io.geopackage": ("read_geopackage", "write_geopackage"),
    "karavan.schema.io.gmns": ("read_gmns", "write_gmns"),
    "karavan.schema.io.omx": ("read_omx", "write_omx"),
    "karavan.schema.io.packs": ("packs", "read_pack"),
    "karavan.schema.io.tntp": ("read_tntp",),
    "karavan.schema.tables": ("table",),
    "karavan.schema.trace": ("Trace", "trace"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AllOrNothing",
    "AmbiguousName",
    "Assignment",
    "Brief",
    "Calibration",
    "Case",
    "CaseError",
    "CheckReport",
    "Comparison",
    "CongestedAssignment",
    "Criticality",
    "Draws",
    "Equipment",
    "Finding",
    "FormatError",
    "Investment",
    "InvestmentTerms",
    "KaravanError",
    "LeastCost",
    "Ledger",
    "LedgerEntry",
    "Logit",
    "LotPlan",
    "Lots",
    "ManyRoutes",
    "MissingExtra",
    "Model",
    "ModelEndpoint",
    "NameNotFound",
    "NoRoute",
    "NotIdentified",
    "Odds",
    "OutOfDate",
    "Outcome",
    "ParetoSet",
    "ProcessEngine",
    "Promise",
    "PromiseCheck",
    "PromiseOptions",
    "Promised",
    "RayEngine",
    "Results",
    "Route",
    "RouteOptions",
    "Router",
    "Said",
    "Scenario",
    "ScenarioError",
    "Selection",
    "SeriesColumns",
    "SeriesPoint",
    "Shipment",
    "ShipmentError",
    "SolverError",
    "Study",
    "SystemOptimum",
    "Target",
    "TargetOptions",
    "Trace",
    "UserEquilibrium",
    "Validation",
    "Verdict",
    "__version__",
    "apply",
    "article_page",
    "assign",
    "assign_congested",
    "basemap_layers",
    "brief",
    "build_model",
    "calibrate",
    "case_overview",
    "check",
    "combined",
    "compare",
    "compare_all",
    "comparison_record",
    "conflict_records",
    "corridor_lines",
    "corridors",
    "criticality",
    "criticality_of",
    "default_ledger",
    "describe",
    "diff",
    "document_list",
    "document_record",
    "draws",
    "equipment",
    "fact_history",
    "facts_behind",
    "facts_csv",
    "facts_jsonl",
    "facts_page",
    "find_names",
    "frontier_svg",
    "gazetteer",
    "indicator_names",
    "invest",
    "jsonable",
    "make_engine",
    "map_view",
    "over_capacity",
    "packs",
    "pareto_routes",
    "parse_areas",
    "parse_series",
    "plan_lots",
    "promise",
    "promise_all",
    "promise_record",
    "promise_records",
    "promise_stages",
    "promised_section",
    "promises",
    "propose_for",
    "read_case",
    "read_geopackage",
    "read_gmns",
    "read_network",
    "read_omx",
    "read_outcome",
    "read_pack",
    "read_results",
    "read_series",
    "read_shipments",
    "read_targets",
    "read_tntp",
    "reconcile",
    "record",
    "route",
    "route_answer",
    "route_chart",
    "route_many",
    "route_records",
    "route_sheet",
    "route_skims",
    "run",
    "run_list",
    "run_path",
    "run_record",
    "run_scenario",
    "said_section",
    "sample_folder",
    "scenario_board",
    "scenario_toml",
    "select",
    "series_page",
    "series_record",
    "series_svg",
    "shipped_scenarios",
    "skims",
    "sweep",
    "table",
    "table_bytes",
    "table_file",
    "table_list",
    "table_page",
    "timeline",
    "trace",
    "trace_record",
    "used_paths",
    "validate",
    "with_odds",
    "write_case",
    "write_geopackage",
    "write_gmns",
    "write_omx",
    "write_route_chart",
    "write_route_sheet",
    "write_skims",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        message = f"module 'karavan' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
