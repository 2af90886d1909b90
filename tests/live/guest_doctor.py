"""Runs under Wine: doctor, at a target with which something is wrong.

``guest_doctor.py CONNECTION breakpoints FOLDER``: somebody else's breakpoints in a copy, before, during and
after a trace; leaves a dump file of the kernel in FOLDER. ``guest_doctor.py CONNECTION dump FOLDER``: no
target at all, then that file. ``process``: a process, as windbg opens one. ``missing``: in a Python without
pykd.
"""

import sys
from typing import List


def main() -> int:
    connection, what, folder = sys.argv[1:]
    if what != "missing":
        import pykd

    from pykd_dumpfilt.cli import main as dumpfilt

    path = folder + "\\kernel.dmp"

    def typed(name: str, *arguments: str) -> None:
        print(f"> {name}", flush=True)
        code: object = dumpfilt(list(arguments))
        print(f"< {code}", flush=True)

    if what == "missing":
        typed("missing", "doctor")
        typed("start", "start", "no_symbols")
        return 0
    if what == "process":
        pykd.startProcess(sys.executable + " -c pass")
        typed("process", "doctor")
        typed("start", "start", "no_symbols")
        pykd.killAllProcesses()
        return 0
    if what == "dump":
        typed("nothing", "doctor")
        pykd.loadDump(path)
        typed("dump", "doctor")
        typed("start", "start", "no_symbols")
        return 0
    pykd.attachKernel(connection)
    pykd.dbgCommand(".reload")
    copy = pykd.module("dump_no_symbols").begin()
    others: List[object] = [pykd.setBp(copy + offset) for offset in (0x1010, 0x1020)]
    others.append(pykd.setBp(pykd.module("nt").offset("KeBugCheckEx")))
    typed("before", "doctor")
    typed("start", "start", "no_symbols", "-o", folder + "\\run")
    typed("during", "doctor")
    typed("stop", "stop")
    others.clear()
    typed("after", "doctor")
    print(pykd.dbgCommand(".dump /m " + path), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
