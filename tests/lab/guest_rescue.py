"""Runs under Wine: takes out what a debugger that died left in the target.

``guest_rescue.py CONNECTION`` attaches and leaves. Attaching is all it takes: DbgEng begins by asking the
target to restore every breakpoint that its table may hold.
"""

import os
import sys


def main() -> None:
    import pykd

    pykd.attachKernel(sys.argv[1])
    print("rescued", flush=True)
    # Not sys.exit(): a target that was never let go needs no detaching, and DbgEng would wait for one.
    os._exit(0)


if __name__ == "__main__":
    main()
