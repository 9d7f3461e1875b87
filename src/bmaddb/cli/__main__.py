"""`python -m bmaddb.cli` is the command `bmaddb`."""

from __future__ import annotations

import sys

from bmaddb.cli.main import main

sys.exit(main())
