"""``python -m pykd_dumpfilt``, and inside WinDbg ``!py -g -m pykd_dumpfilt``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
