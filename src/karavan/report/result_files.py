"""The tables behind a brief as Parquet and CSV files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from karavan.report.limits import met_restrictions
from karavan.schema.io.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from karavan.report.brief import Findings

RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes text that starts so for a formula


def result_tables(findings: Findings) -> dict[str, pd.DataFrame]:
    """Return every table shown in the brief, whole, by file name."""
    year, month = findings.year, findings.month
    validation = findings.validation
    profiles = [frame.assign(corridor=name) for name, frame in findings.profiles.items()]
    tables = {
        "summary": pd.DataFrame([a.summary for a in (year, month) if a is not None]),
        "pairs": year.pairs,
        "links": year.links,
        "link_goods": year.link_goods,
        "services": year.services,
        "nodes": year.nodes,
        "facilities": year.facilities,
        "corridors": findings.corridor_frame,
        "corridor_profiles": pd.concat(profiles, ignore_index=True) if profiles else pd.DataFrame(),
        "counts": validation.counts,
        "controls": validation.controls,
        "indicators": validation.indicators,
        "restrictions_met": met_restrictions(year),
    }
    if month is not None:
        tables |= {"pairs_busiest_month": month.pairs, "facilities_busiest_month": month.facilities}
    return tables


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write each table as `<name>.parquet` and `<name>.csv`; each file appears whole or not at all."""
    files = []
    for name, frame in tables.items():
        plain = plain_frame(frame)
        buffer = io.BytesIO()
        plain.to_parquet(buffer, compression="zstd", index=False)
        files.append(write_whole(folder / f"{name}.parquet", buffer.getvalue()))
        files.append(write_whole(folder / f"{name}.csv", safe_csv(plain).encode("utf-8")))
    return files


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are text, number or boolean, so that every reader of Parquet takes it."""
    out = {}
    for name in frame.columns:
        column = frame[name]
        is_text = column.dtype == object or isinstance(column.dtype, pd.StringDtype)
        out[str(name)] = column.astype("str").where(column.notna(), None).astype("str") if is_text else column
    return pd.DataFrame(out)


def safe_csv(frame: pd.DataFrame) -> str:
    """Write CSV in which no text cell can be taken for a formula: such a cell gets an apostrophe in front."""
    guarded = frame.copy()
    for name in guarded.columns:
        if isinstance(guarded[name].dtype, pd.StringDtype):
            guarded[name] = guarded[name].map(_guarded, na_action="ignore")
    buffer = io.StringIO()
    guarded.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _guarded(text: Any) -> Any:
    return f"'{text}" if isinstance(text, str) and text.startswith(RISKY) else text


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that it appears whole or not at all; folders are made."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return path
