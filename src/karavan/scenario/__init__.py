"""What if: changes of a case with their reasons, studies of scenarios over years, and what differs."""
