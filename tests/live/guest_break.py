"""Runs under Wine: a target that comes to no end is broken into, as by Ctrl+Break, and let go of.

``guest_break.py CONNECTION OUTPUT SIGN``; the file SIGN is there once the target sleeps. What Ctrl+Break does
in a host of DbgEng is SetInterrupt, from a thread of its own; ``pykd.breakin`` is that call. Whoever sees no
effect presses again.
"""

import sys
import threading
from pathlib import Path


def main() -> int:
    import pykd

    from pykd_dumpfilt.cli import main as dumpfilt

    connection, output, sign = sys.argv[1:]
    pykd.attachKernel(connection)
    pykd.dbgCommand(".reload")
    assert dumpfilt(["start", "aes_xts", "-o", output]) == 0
    stands = threading.Event()

    def press() -> None:
        while not stands.wait(3.0):
            if Path(sign).exists():
                pykd.breakin()

    user = threading.Thread(target=press, daemon=True)
    user.start()
    status = pykd.go()
    stands.set()
    user.join()
    print(f"< {status} at {pykd.findSymbol(pykd.getIP())}", flush=True)
    dumpfilt(["status"])
    dumpfilt(["stop"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
