"""Run the command line as `python -m karavan`."""

import sys

from karavan.cli import main

sys.exit(main())
