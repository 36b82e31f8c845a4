"""Rebuild the demand of the Caspian pack from trade, unit values and published tonnes.

Run from the checkout: ``python tools/build_demand.py`` rewrites ``demand.csv`` of the pack from ``demand_inputs.csv``
beside this script and the pack's ``trade.csv``, ``commodities.csv`` and ``zones.csv``, and prints what share of the
tonnes rests on guesses. ``--check`` writes nothing and exits with 1 if the file would change. Observed volumes
(``counts.csv``) are never read: demand must not be fitted to what it is compared with.

One row of ``demand_inputs.csv`` is one sum. Its base is ``tonnes`` or ``value_usd``, or what its ``trade_rows`` add up
to, and ``method`` says how tonnes come from it:

- ``published_tonnes``, ``split``, ``judgement``: tonnes = base x share x year_factor x zone_share
- ``trade_value``: the same, over the unit value of the commodity in USD/t
- ``residual``: tonnes = (base x year_factor - tonnes of the inputs in ``minus``) x share x zone_share

``minus`` lists inputs by id or all inputs of a pair by its name. ``zone_share`` splits a total between zones; it is our
judgement wherever it is not 1, so such rows are confidence C whatever their total is. Inputs for the same origin,
destination and commodity are added up.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
PACK = HERE.parent / "src" / "karavan" / "packs" / "caspian"
YEAR = 2024
CONFIDENCE = ["A", "B", "C"]


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read one CSV of a folder as text, indexed by id; empty cells are empty strings."""
    table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    if table["id"].duplicated().any():
        message = f"{name}.csv: duplicated id {table.loc[table['id'].duplicated(), 'id'].iloc[0]}"
        raise ValueError(message)
    return table.set_index("id")


def base_amount(row: pd.Series, trade: pd.DataFrame) -> tuple[float, str]:
    """Amount an input starts from (t or USD) and its wording."""
    field, unit = ("value_usd", "USD") if row["method"] == "trade_value" else ("tonnes", "t")
    if row[field]:
        return float(row[field]), f"{float(row[field]):,.0f} {unit}"
    names = row["trade_rows"].split(";")
    missing = [name for name in names if name not in trade.index or not trade.loc[name, field]]
    if missing:
        message = f"demand_inputs.csv, {row.name}: no {field} in trade.csv for {missing[0] or 'an empty reference'}"
        raise ValueError(message)
    parts = trade.loc[names, field].astype(float).tolist()
    words = " + ".join(f"{part:,.0f} {unit} [{name}]" for part, name in zip(parts, names, strict=True))
    return sum(parts), f"({words})" if len(parts) > 1 else words


def times(row: pd.Series, names: tuple[str, ...]) -> tuple[float, str]:
    """Product of the factors that differ from 1 and its wording."""
    product, words = 1.0, ""
    for name in names:
        factor = float(row[name] or 1)
        if factor != 1:
            product *= factor
            words += f" x {factor:g} {name.replace('_', ' ')}"
    return product, words


def input_tonnes(inputs: pd.DataFrame, trade: pd.DataFrame, unit_value: pd.Series) -> pd.DataFrame:
    """Tonnes a year and the sum in words of every input; residuals come last because they subtract the others."""
    done: dict[str, float] = {}
    words: dict[str, str] = {}
    order = inputs["method"].eq("residual").sort_values(kind="stable").index
    for name in order:
        row = inputs.loc[name]
        amount, text = base_amount(row, trade)
        if row["method"] == "residual":
            year, year_words = times(row, ("year_factor",))
            factor, factor_words = times(row, ("share", "zone_share"))
            less = subtracted(row["minus"], inputs, done)
            done[name] = max(0.0, (amount * year - less) * factor)
            words[name] = f"({text}{year_words} - {less:,.0f} t [{row['minus']}]){factor_words}"
        else:
            factor, factor_words = times(row, ("share", "year_factor", "zone_share"))
            price = float(unit_value[row["commodity"]]) if row["method"] == "trade_value" else 1.0
            done[name] = amount * factor / price
            words[name] = text + factor_words + (f" / {price:g} USD/t" if row["method"] == "trade_value" else "")
    return pd.DataFrame({"amount": done, "words": words}).loc[inputs.index]


def subtracted(minus: str, inputs: pd.DataFrame, done: dict[str, float]) -> float:
    """Tonnes of the inputs named in `minus` by id or by pair, residuals apart."""
    names = minus.split(";")
    chosen = inputs.index[(inputs.index.isin(names) | inputs["pair"].isin(names)) & inputs["method"].ne("residual")]
    if chosen.empty:
        message = f"demand_inputs.csv: nothing matches minus '{minus}'"
        raise ValueError(message)
    return sum(done[name] for name in chosen)


def row_confidence(row: pd.Series) -> str:
    """Confidence of an input: that of its total, but C where zones were split."""
    return str(row["confidence"]) if float(row["zone_share"] or 1) == 1 else "C"


def unique(lists: pd.Series) -> str:
    """Items of ;-separated lists, each once, in order."""
    return ";".join(dict.fromkeys(item for cell in lists for item in cell.split(";") if item))


def demand_table(pack: Path) -> pd.DataFrame:
    """Demand of the pack, one row an origin, destination and commodity, as it stands in ``demand.csv``."""
    inputs, trade = read_table(HERE, "demand_inputs"), read_table(pack, "trade")
    commodities, zones = read_table(pack, "commodities"), read_table(pack, "zones")
    for field, known in (("origin", zones), ("destination", zones), ("commodity", commodities)):
        unknown = inputs.index[~inputs[field].isin(known.index)]
        if len(unknown):
            message = f"demand_inputs.csv, {unknown[0]}: unknown {field} {inputs.loc[unknown[0], field]}"
            raise ValueError(message)
    unit_value = commodities["unit_value_usd_per_tonne"].astype(float)
    work = inputs.join(input_tonnes(inputs, trade, unit_value))
    work["confidence"] = work.apply(row_confidence, axis=1)
    rows = [demand_row(part, unit_value) for _, part in work.groupby(["origin", "destination", "commodity"])]
    return pd.DataFrame(rows).sort_values("id", ignore_index=True)


def demand_row(part: pd.DataFrame, unit_value: pd.Series) -> dict[str, str]:
    """One row of demand from the inputs that share its origin, destination and commodity."""
    tonnes = round(float(part["amount"].sum()))
    main = part.sort_values("amount", kind="stable").iloc[-1]
    origin, destination, commodity = main["origin"], main["destination"], main["commodity"]
    split = "; zones split by judgement" if part["zone_share"].astype(float).ne(1).any() else ""
    return {
        "id": f"{origin}>{destination}:{commodity}",
        "origin": origin,
        "destination": destination,
        "commodity": commodity,
        "tonnes": str(tonnes),
        "year": str(YEAR),
        "value_usd": f"{tonnes * float(unit_value[commodity]):.0f}",
        "peak_month_share": main["peak_month_share"],
        "basis": main["method"],
        "derivation": " + ".join(part["words"]) + f" = {tonnes:,} t",
        "source": unique(part["source"]),
        "confidence": max(part["confidence"], key=CONFIDENCE.index),
        "note": "; ".join(dict.fromkeys(part["note"])) + split,
    }


def guessed_share(demand: pd.DataFrame) -> str:
    """Text on how much of the tonnes is confidence C, by basis."""
    tonnes = demand["tonnes"].astype(float)
    by_basis = tonnes.groupby(demand["basis"]).sum().sort_values(ascending=False) / tonnes.sum()
    share = tonnes[demand["confidence"].eq("C")].sum() / tonnes.sum()
    parts = ", ".join(f"{name} {value:.0%}" for name, value in by_basis.items())
    total = f"{len(demand)} rows, {tonnes.sum() / 1e6:.1f} million t"
    return f"{total}; {share:.0%} of the tonnes at confidence C; by basis: {parts}"


def main() -> int:
    """Write or check ``demand.csv``; the exit code is 1 if ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if demand.csv would change")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of the pack")
    options = parser.parse_args()
    demand = demand_table(options.pack)
    text = demand.to_csv(index=False, lineterminator="\n")
    target = options.pack / "demand.csv"
    sys.stdout.write(guessed_share(demand) + "\n")
    if not options.check:
        target.write_text(text, encoding="utf-8")
        return 0
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{target.name} differs from what {Path(__file__).name} makes; run it without --check\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
