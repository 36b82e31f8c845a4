"""How one shipment gets from a place to another."""
