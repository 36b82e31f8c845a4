"""Packs shipped with the package: case folders under `karavan/packs`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from karavan.errors import NameNotFound
from karavan.schema.io.folder import read_case

if TYPE_CHECKING:
    from karavan.schema.case import Case


def packs() -> dict[str, Path]:
    """Return the folders of the shipped packs by name."""
    root = Path(str(resources.files("karavan"))) / "packs"
    return {folder.name: folder for folder in sorted(root.glob("*")) if (folder / "case.toml").is_file()}


def pack_folder(name: str) -> Path:
    """Return the folder of a shipped pack; raises `NameNotFound`."""
    shipped = packs()
    if name not in shipped:
        raise NameNotFound(name, "pack", list(shipped))
    return shipped[name]


def read_pack(name: str) -> Case:
    """Read a shipped pack strictly.

    Raises `NameNotFound` for an unknown pack and `CaseError` with every finding if its tables have errors.
    """
    return read_case(pack_folder(name))
