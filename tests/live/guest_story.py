"""Runs under Wine: attaches at some moment of a machine's life and types what a user types there.

``guest_story.py CONNECTION FILTER OUTPUT``: doctor, start (which lists), start FILTER, then g as long as the
machine goes on, status after the first g, and stop. Nobody types .reload.
"""

import sys


def main() -> int:
    import pykd

    from pykd_dumpfilt.cli import main as dumpfilt

    connection, name, output = sys.argv[1:]

    def typed(*arguments: str) -> None:
        print(f"> {' '.join(arguments)}", flush=True)
        try:
            code: object = dumpfilt(list(arguments))
        except SystemExit as ended:
            code = ended.code
        print(f"< {code}", flush=True)

    pykd.attachKernel(connection)
    typed("doctor")
    typed("start")
    typed("start", name, "-o", output)
    typed("doctor")
    while True:
        print("> g", flush=True)
        pykd.go()
        print(pykd.dbgCommand(".bugcheck"), flush=True)
        # The break before the dump is followed by the one after it (DBG_STATUS_BUGCHECK_SECOND).
        status = int(pykd.reg("rcx"))
        print(f"< {status}", flush=True)
        if status == 4:
            break
        typed("status")
    typed("stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
