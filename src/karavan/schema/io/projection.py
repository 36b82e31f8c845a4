"""Coordinates of other reference systems, turned into longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def to_wgs84(crs: str, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude in degrees of points of another system, any shape; NaN stays NaN.

    `crs` is what pyproj takes: "EPSG:26971", a proj string. x runs east and y north, whatever the order of axes the
    system declares. Raises `FormatError` for a system that is not known or a point outside it.
    """
    import pyproj

    try:
        change = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.CRSError as error:
        message = f"coordinate system {crs!r} is not known; give one as EPSG:number"
        raise FormatError(message) from error
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    lon, lat = (np.asarray(v, dtype=np.float64) for v in change.transform(xs, ys))
    known = np.isfinite(xs) & np.isfinite(ys)
    if not np.all(np.isfinite(lon[known]) & np.isfinite(lat[known])):
        message = f"some points lie outside the coordinate system {crs!r}; is it the right one?"
        raise FormatError(message)
    return np.where(known, lon, np.nan), np.where(known, lat, np.nan)


def line_to_wgs84(crs: str, shape: Any) -> Any:
    """Return a shapely geometry in longitude and latitude."""
    import shapely

    return shapely.transform(shape, lambda xy: np.column_stack(to_wgs84(crs, xy[:, 0], xy[:, 1])))
