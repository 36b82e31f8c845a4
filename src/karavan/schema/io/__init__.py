"""Forms in which a case is read and written."""
