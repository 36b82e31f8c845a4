"""The declared tables, the case they make, reading, writing and checking."""
