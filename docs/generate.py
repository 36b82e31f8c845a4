"""Write the pages that are generated from the code: the case tables and the command line.

Usage: python docs/generate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from karavan.schema.tables import Field, Table, schema

DOCS = Path(__file__).resolve().parent
HEAD = """\
# Case tables

A case is a folder with a `case.toml` and one CSV file a table: UTF-8, comma, a header of field names. Cells of lists
are separated by `;`. Dates are YYYY, YYYY-MM or YYYY-MM-DD. An empty cell is missing; nothing is filled in but the
defaults below. A case needs `nodes`, `links` and `modes`; a pack also what is required *in a pack*.

This page is generated from the declarations in `src/karavan/schema/tables`."""
WORDS = {"always": "yes", "pack": "in a pack", "no": ""}


def pages() -> dict[str, str]:
    """Return the text of every generated page by file name."""
    return {"tables.md": tables_page(), "cli.md": cli_page()}


def tables_page() -> str:
    """Describe every declared table and field."""
    return "\n\n".join([HEAD, *[_table(t) for t in schema().values()]]) + "\n"


def _table(table: Table) -> str:
    keys = ", ".join(f"`{k}`" for k in table.key)
    head = f"## {table.name}\n\n{table.text} Key: {keys}."
    rows = "\n".join(_field(f) for f in table.fields.values())
    return f"{head}\n\n| field | type | unit | required | default | text |\n|---|---|---|---|---|---|\n{rows}"


def _field(field: Field) -> str:
    text = field.text
    if field.allowed:
        text += f" One of {', '.join(f'`{a}`' for a in field.allowed)}."
    if field.refers_to:
        target = field.refers_to.removeprefix("@")
        linked = f"the table that `{target}` names" if field.refers_to.startswith("@") else f"[{target}](#{target})"
        text += f" Names {'rows' if field.type == 'list' else 'a row'} of {linked}."
    bounds = [f"{sign} {b:g}" for sign, b in (("at least", field.minimum), ("at most", field.maximum)) if b is not None]
    text += f" {' and '.join(bounds).capitalize()}." if bounds else ""
    cells = (f"`{field.name}`", field.type, field.unit, WORDS[field.required], field.default, text)
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


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
