"""The server of the live map: typed requests and answers over the front door, and the page. It holds no arithmetic."""

from __future__ import annotations

from karavan.web.app import make_app
from karavan.web.settings import Limits, Settings

__all__ = ["Limits", "Settings", "make_app"]
