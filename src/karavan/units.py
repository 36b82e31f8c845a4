"""Units and the arithmetic of the globe; conversion happens at the edges only.

Inside Karavan: tonnes, kilometres, hours, US dollars of each row's price year, degrees of WGS 84.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

HOURS_PER_DAY = 24.0
DAYS_PER_YEAR = 365.0
HOURS_PER_YEAR = HOURS_PER_DAY * DAYS_PER_YEAR
MONTHS_PER_YEAR = 12.0
KM_PER_MILE = 1.609344
KM_PER_FOOT = 0.0003048
KM_PER_NAUTICAL_MILE = 1.852
EARTH_RADIUS_KM = 6371.0088  # mean radius of the IUGG


def great_circle_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Distance on the sphere by the haversine formula.

    Parameters are degrees, any shapes that broadcast; the answer is in kilometres.

    Examples
    --------
    >>> round(float(great_circle_km(36.9094, 54.4013, 43.8601, 51.0920)))
    822
    """
    p1, l1, p2, l2 = (np.radians(np.asarray(x, dtype=np.float64)) for x in (lat1, lon1, lat2, lon2))
    h = np.sin((p2 - p1) / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin((l2 - l1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))), dtype=np.float64)
