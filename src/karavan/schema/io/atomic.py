"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from karavan.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_FDCWD = -100
RENAME_EXCHANGE = 2


@contextmanager
def whole_folder(folder: Path, *, marker: str, ours: Callable[[str], bool]) -> Iterator[Path]:
    """Yield an empty staging folder that takes the place of `folder` when the block ends without an error.

    An existing folder is replaced only when it is empty or holds a file called `marker`; what stands in it and is
    not `ours` (a reader's notes) is carried over. Raises `FormatError` otherwise.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder / marker).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} exists and has no {marker}, so it is not replaced; choose another folder"
        raise FormatError(message)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        staging.chmod(0o755)
        yield staging
        if folder.exists():
            _carry_over(folder, staging, ours)
        _swap(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _carry_over(folder: Path, staging: Path, ours: Callable[[str], bool]) -> None:
    for path in folder.iterdir():
        if ours(path.name) or (staging / path.name).exists():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, staging / path.name, symlinks=True)
        else:
            shutil.copy2(path, staging / path.name, follow_symlinks=False)


def _swap(staging: Path, folder: Path) -> None:
    """Put `staging` in the place of `folder`; what was there is left in `staging`."""
    if not folder.exists():
        staging.rename(folder)
    elif not _exchange(staging, folder):
        # No exchange on this system: a kill between the two renames leaves the old folder under the name `old`.
        old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
        folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two folders in one step (Linux); return whether it was done."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), RENAME_EXCHANGE) == 0)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without an error."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o644)
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
