"""Measurements against published numbers."""
