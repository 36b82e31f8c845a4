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
        ScenarioError,
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
    from karavan.report.corridors import corridors
    from karavan.report.limits import over_capacity
    from karavan.report.routes import route_records
    from karavan.report.said import Said, said_section
    from karavan.report.series_chart import series_page, series_svg
    from karavan.report.validation import Validation, validate
    from karavan.routing.front import route
    from karavan.routing.shipment import Route, Shipment
    from karavan.scenario.apply import apply, diff
    from karavan.scenario.compare import Comparison, compare, compare_all
    from karavan.scenario.results import Outcome
    from karavan.scenario.run import Results, read_outcome, read_results, run
    from karavan.scenario.scenario import Scenario
    from karavan.scenario.study import Study
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
        "ScenarioError",
        "NotIdentified",
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
    "karavan.report.corridors": ("corridors",),
    "karavan.report.limits": ("over_capacity",),
    "karavan.report.routes": ("route_records",),
    "karavan.report.said": ("Said", "said_section"),
    "karavan.report.series_chart": ("series_page", "series_svg"),
    "karavan.report.validation": ("Validation", "validate"),
    "karavan.routing.front": ("route",),
    "karavan.routing.shipment": ("Route", "Shipment"),
    "karavan.scenario.apply": ("apply", "diff"),
    "karavan.scenario.compare": ("Comparison", "compare", "compare_all"),
    "karavan.scenario.results": ("Outcome",),
    "karavan.scenario.run": ("Results", "read_outcome", "read_results", "run"),
    "karavan.scenario.scenario": ("Scenario",),
    "karavan.scenario.study": ("Study",),
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
    "Draws",
    "Finding",
    "FormatError",
    "KaravanError",
    "LeastCost",
    "Ledger",
    "LedgerEntry",
    "Logit",
    "LotPlan",
    "Lots",
    "MissingExtra",
    "Model",
    "ModelEndpoint",
    "NameNotFound",
    "NoRoute",
    "NotIdentified",
    "Outcome",
    "Promise",
    "Results",
    "Route",
    "Said",
    "Scenario",
    "ScenarioError",
    "SeriesColumns",
    "SeriesPoint",
    "Shipment",
    "SolverError",
    "Study",
    "SystemOptimum",
    "Trace",
    "UserEquilibrium",
    "Validation",
    "Verdict",
    "__version__",
    "apply",
    "article_page",
    "assign",
    "assign_congested",
    "brief",
    "build_model",
    "calibrate",
    "check",
    "compare",
    "compare_all",
    "corridors",
    "default_ledger",
    "describe",
    "diff",
    "draws",
    "facts_csv",
    "facts_jsonl",
    "gazetteer",
    "over_capacity",
    "packs",
    "parse_areas",
    "parse_series",
    "plan_lots",
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
    "read_tntp",
    "reconcile",
    "route",
    "route_records",
    "run",
    "said_section",
    "sample_folder",
    "select",
    "series_page",
    "series_svg",
    "skims",
    "table",
    "timeline",
    "trace",
    "used_paths",
    "validate",
    "write_case",
    "write_geopackage",
    "write_gmns",
    "write_omx",
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
