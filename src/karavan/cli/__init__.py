"""The command line: parse, call the front door, show. No arithmetic."""

from karavan.cli.app import main

__all__ = ["main"]
