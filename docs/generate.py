"""Write the pages that are generated from the code: the case tables and the command line.

Usage: python docs/generate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import karavan as kv

DOCS = Path(__file__).resolve().parent
HEAD = """\
# Case tables

A case is a folder with a `case.toml` and one CSV file a table: UTF-8, comma, a header of field names. Items of a list
are joined by `;`. Booleans are `true` and `false`, dates `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. An empty cell is missing;
nothing is filled in but the defaults below. A case needs `nodes`, `links` and `modes`; a pack also what is required
*in a pack*.

This page is made from the declarations that drive reading and checking.
"""


def pages() -> dict[str, str]:
    """Return the text of every generated page by file name."""
    return {"tables.md": tables_page(), "cli.md": cli_page()}


def tables_page() -> str:
    """Describe every declared table and its fields."""
    parts = [HEAD]
    for name, declared in kv.describe().iterrows():
        parts.append(f"## {name}\n\n{declared['text']} Key: {declared['key']}.\n")
        fields = kv.describe(str(name)).reset_index()
        rows = [list(fields.columns), ["---"] * len(fields.columns), *fields.to_numpy().tolist()]
        parts.append("".join(_row(cells) for cells in rows))
    return "\n".join(parts)


def _row(cells: list[object]) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |\n"


def cli_page() -> str:
    """Describe every command, from the program itself."""
    command = [sys.executable, "-m", "typer", "karavan.cli.app", "utils", "docs", "--name", "karavan"]
    command += ["--title", "Command line"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUTF8": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.rstrip("\n") + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
