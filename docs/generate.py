"""Write the pages that are generated from the code: the case tables and the command line.

Usage: python docs/generate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from karavan.schema.describe import tables_page

DOCS = Path(__file__).resolve().parent


def pages() -> dict[str, str]:
    """Return the text of every generated page by file name."""
    return {"tables.md": tables_page(), "cli.md": cli_page()}


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
