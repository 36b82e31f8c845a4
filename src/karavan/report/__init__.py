"""Tables, charts, maps and the brief: what a person reads. Nothing here computes flows."""
