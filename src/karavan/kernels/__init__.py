"""Compiled loops over flat arrays: arrays in, arrays out, no ids, no logging.

Importing this package compiles nothing and does not load numba; importing one of its modules (`shortest_path`) does.
`reference` holds the plain Python twin of every kernel.
"""
