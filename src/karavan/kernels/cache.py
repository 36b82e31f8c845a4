"""Where compiled kernels are kept between runs.

numba's own file cache checks only the source file of the function it compiles, so a changed callee in another file
leaves a stale binary. The cache folder here carries a hash over all sources of `karavan.kernels`: a change to any of
them starts an empty folder.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` with numba on first call and keep the binary in `cache_folder`, where that can be written.

    Parameters
    ----------
    function
        A function of arrays and numbers, in numba's subset of Python.

    Returns
    -------
    The compiled function; releases the interpreter lock while it runs.
    """
    import numba

    compiler: Any = numba
    folder = cache_folder()
    if folder is not None:
        kept = compiler.config.CACHE_DIR
        # numba chooses the folder when it decorates; set for that moment only, other users of numba keep theirs
        compiler.config.CACHE_DIR = str(folder)
        try:
            cached: Callable[..., Any] = compiler.njit(nogil=True, cache=True)(function)
        except (RuntimeError, OSError):  # numba found the folder of no use after all
            pass
        else:
            return cached
        finally:
            compiler.config.CACHE_DIR = kept
    compiled: Callable[..., Any] = compiler.njit(nogil=True)(function)
    return compiled


def cache_folder() -> Path | None:
    """Return the writable folder for compiled kernels of exactly these sources, None where nothing can be written."""
    try:
        folder = user_cache() / "karavan" / f"kernels-{sources_hash()}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):
        return None


def user_cache() -> Path:
    """Return the user's cache directory: `XDG_CACHE_HOME`, else what the operating system uses."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def sources_hash() -> str:
    """Return 16 hexadecimal digits over names and contents of all sources of `karavan.kernels`."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
