"""Results as what JSON can hold."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def jsonable(value: Any) -> Any:
    """Turn a result into what JSON can hold: frames become lists of rows, missing and non-finite numbers null.

    Examples
    --------
    >>> jsonable({"a": (1.5, float("nan")), 2: None})
    {'a': [1.5, None], '2': None}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict) or type(value).__name__ == "mappingproxy":
        return {str(k): jsonable(v) for k, v in value.items()}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        named = value.reset_index() if value.index.name else value
        return jsonable(named.astype(object).to_dict("records"))
    if hasattr(value, "tolist"):  # numpy arrays and scalars, series
        return jsonable(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    return None if type(value).__name__ in {"NAType", "NaTType"} else str(value)


def json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Turn named results into a JSON object."""
    return {name: jsonable(v) for name, v in value.items()}
