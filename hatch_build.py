"""Builds the page of the live map into the package, where it has not been built and npm is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src", "karavan", "web", "static")
STEPS = (("ci", "--no-audit", "--no-fund"), ("run", "build"))


class PageHook(BuildHookInterface):
    """Makes `src/karavan/web/static` from `webapp`; an installed package needs no node."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (the interface's)
        """Build the page, or say why it is not: the server then says so too, and answers all the same."""
        root = Path(self.root)
        if version == "editable" or (root / STATIC / "index.html").is_file():
            return
        npm = shutil.which("npm")
        if npm is None or not (root / "webapp" / "package.json").is_file():
            self.app.display_warning("The page is left out: there is no npm to build it (Node 20 or later is needed).")
            return
        for step in STEPS:
            done = subprocess.run([npm, *step], cwd=root / "webapp", check=False)  # noqa: S603 (our own words)
            if done.returncode:
                self.app.display_warning(f"The page is left out: npm {' '.join(step)} did not succeed.")
                return
