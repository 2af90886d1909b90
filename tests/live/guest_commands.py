"""Runs under Wine: types the commands as a user would, in one interpreter, with the debugger between them.

``guest_commands.py CONNECTION OUTPUT``; each command's exit code is printed before its output ends.
"""

import sys
from typing import List


def main() -> int:
    import pykd

    from pykd_dumpfilt.cli import main as dumpfilt

    connection, output = sys.argv[1:]

    def typed(*arguments: str) -> None:
        print(f"> {' '.join(arguments)}", flush=True)
        try:
            code: object = dumpfilt(list(arguments))
        except SystemExit as ended:
            code = ended.code
        print(f"< {code}", flush=True)

    typed("doctor")
    pykd.attachKernel(connection)
    pykd.dbgCommand(".reload")
    typed("doctor")
    typed("status")
    typed("start", "aes_xts", "-o", output)
    typed("start", "other")
    commands: List[str] = []

    def stop_at_first_read() -> bool:
        commands.append("hit")
        return True

    from pykd_dumpfilt.debugger import Module
    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger

    user = PykdDebugger()

    def loaded(module: Module) -> None:
        address = user.symbol(module, "Dump_Read")
        assert address is not None
        commands.append("armed")
        users.append(user.set_breakpoint(address, stop_at_first_read))

    users: List[object] = []
    watch = user.watch_modules(loaded, lambda module: None)
    print("> g", flush=True)
    pykd.go()
    typed("status")
    mdl = pykd.reg("r8")
    typed("decode", "mdl", f"{mdl:#x}")
    typed("decode", "filter-extension", f"{pykd.reg('rcx'):#x}")
    users[0].remove()  # type: ignore[attr-defined]
    watch.remove()
    print("> g", flush=True)
    pykd.go()
    typed("stop")
    typed("status")
    typed("rule", "read-3")
    return 0


if __name__ == "__main__":
    sys.exit(main())
