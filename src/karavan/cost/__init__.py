"""What moving costs: freight tariffs, generalized cost by component, emissions."""
