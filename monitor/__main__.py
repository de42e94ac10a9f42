"""`python -m monitor` is the command `mailuptime`."""

import sys

from monitor.cli import main

sys.exit(main())
