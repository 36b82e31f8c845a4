"""The demand of the Caspian pack is what its script makes, from inputs alone."""

from __future__ import annotations

import csv
import importlib.util
import operator
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PACK = ROOT / "src" / "karavan" / "packs" / "caspian"
TOOLS = ROOT / "tools"
READ = ("trade", "commodities", "zones")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("build_demand", ROOT / "tools" / "build_demand.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def inputs_only(tmp_path: Path) -> Path:
    """A folder with the tables the script may read and nothing else: no counts."""
    for name in READ:
        shutil.copy(PACK / f"{name}.csv", tmp_path)
    return tmp_path


def rows(name: str) -> list[dict[str, str]]:
    """Rows of one table of the pack, or of the inputs beside the script."""
    with ((TOOLS if name == "demand_inputs" else PACK) / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_script_makes_the_file_without_any_counts(script: ModuleType, inputs_only: Path) -> None:
    made = script.demand_table(inputs_only).to_csv(index=False, lineterminator="\n")
    assert made == (PACK / "demand.csv").read_text(encoding="utf-8")


def test_check_tells_a_stale_file(script: ModuleType, inputs_only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["build_demand.py", "--check", "--pack", str(inputs_only)])
    assert script.main() == 1
    shutil.copy(PACK / "demand.csv", inputs_only)
    assert script.main() == 0
    (inputs_only / "demand.csv").write_text("id\n", encoding="utf-8")
    assert script.main() == 1


def test_every_row_says_how_it_was_made() -> None:
    for row in rows("demand"):
        assert row["basis"], row["id"]
        assert row["derivation"].endswith(f"= {int(row['tonnes']):,} t"), row["id"]
        assert row["note"], row["id"]
        assert int(row["tonnes"]) > 0, row["id"]


def test_no_origin_destination_commodity_twice() -> None:
    keys = [operator.itemgetter("origin", "destination", "commodity")(row) for row in rows("demand")]
    assert len(keys) == len(set(keys))


def test_trade_rows_read_are_inputs_and_controls_are_not_read() -> None:
    read = {name for row in rows("demand_inputs") for name in row["trade_rows"].split(";") if name}
    assert read == {row["id"] for row in rows("trade") if row["role"] == "input"}
    assert any(row["role"] == "control" for row in rows("trade"))


def test_split_zones_lower_the_confidence() -> None:
    key = operator.itemgetter("origin", "destination", "commodity")
    split = {key(row) for row in rows("demand_inputs") if float(row["zone_share"]) != 1}
    assert all(row["confidence"] == "C" for row in rows("demand") if key(row) in split)


def test_residual_subtracts_the_others(script: ModuleType) -> None:
    inputs, trade = script.read_table(TOOLS, "demand_inputs"), script.read_table(PACK, "trade")
    commodities = script.read_table(PACK, "commodities")
    prices = commodities["unit_value_usd_per_tonne"].astype(float)
    made = script.input_tonnes(inputs, trade, prices)["amount"]
    iran_russia = inputs.index[inputs["pair"].eq("IR-RU")]
    total = float(trade.loc["irn-rus-x-goods-2023p", "tonnes"])
    cement = made[iran_russia[inputs.loc[iran_russia, "method"].eq("residual")]].sum()
    others = made[iran_russia].sum() - cement
    assert cement == pytest.approx(0.8 * (total - others))
