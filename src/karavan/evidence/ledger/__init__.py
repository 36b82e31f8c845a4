"""The append-only ledger of facts: storing, reading back as of any day, deciding, exporting."""

from karavan.evidence.ledger.ledger import Added, Ledger
from karavan.evidence.ledger.view import View

__all__ = ["Added", "Ledger", "View"]
