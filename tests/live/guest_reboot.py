"""Runs under Wine: a session at the prompt, during which the machine reboots or the debugger lets go of it.

``guest_reboot.py CONNECTION COMMAND FIRST SECOND``. ``start`` records into FIRST. The user's own breakpoint
stops at the first Dump_Write; there COMMAND is typed (``g``, ``.reboot``, ``.detach``, ...). When the target
stands again, ``stop`` is typed, and ``start`` into SECOND, ``g`` and ``stop``; without SECOND only ``stop``.
"""

import ctypes
import sys
import uuid
from typing import List

_IDEBUGCONTROL = uuid.UUID("5182e668-105e-416e-ad92-24ef800424ba")
_WAIT_FOR_EVENT = 93  # IDebugControl::WaitForEvent in dbgeng.h
_INFINITE = 0xFFFFFFFF  # the only time that a kernel target takes


def main() -> int:
    import pykd

    from pykd_dumpfilt.cli import main as dumpfilt
    from pykd_dumpfilt.debugger import Module
    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger

    connection, command, first, *more = sys.argv[1:]

    def typed(*arguments: str) -> None:
        print(f"> {' '.join(arguments)}", flush=True)
        print(f"< {dumpfilt(list(arguments))}", flush=True)

    def go() -> None:
        print("> g", flush=True)
        print(f"< {pykd.go()} at {pykd.findSymbol(pykd.getIP())}", flush=True)

    pykd.attachKernel(connection)
    pykd.dbgCommand(".reload")
    user = PykdDebugger()
    users: List[object] = []

    def loaded(module: Module) -> None:
        address = user.symbol(module, "Dump_Write")
        if address is not None and not users:
            users.append(user.set_breakpoint(address, lambda: True))

    watch = user.watch_modules(loaded, lambda module: None)
    typed("start", "aes_xts", "-o", first)
    go()
    users[0].remove()  # type: ignore[attr-defined]
    watch.remove()
    if command != "g":
        print(f"> {command}", flush=True)
        print(pykd.dbgCommand(command) or "", flush=True)
        if command == ".reboot":
            wait_for_event()
            print(f"< rebooted at {pykd.findSymbol(pykd.getIP())}", flush=True)
    else:
        go()
    typed("status")
    typed("stop")
    for second in more:
        typed("start", "aes_xts", "-o", second)
        go()
        typed("stop")
    return 0


def wait_for_event() -> None:
    """What a host of DbgEng does whenever there is nothing to type; ``pykd.go`` can do so only for a target
    that is there."""
    engine = ctypes.WinDLL("dbgeng.dll")  # type: ignore[attr-defined,unused-ignore]
    control = ctypes.c_void_p()
    guid = (ctypes.c_ubyte * 16)(*_IDEBUGCONTROL.bytes_le)
    assert engine.DebugCreate(guid, ctypes.byref(control)) == 0
    table = ctypes.cast(control, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
    prototype = ctypes.WINFUNCTYPE(  # type: ignore[attr-defined,unused-ignore]
        ctypes.c_long, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong
    )
    assert prototype(table[_WAIT_FOR_EVENT])(control, 0, _INFINITE) == 0


if __name__ == "__main__":
    sys.exit(main())
