"""Runs under Wine: what others would do at a call of Dump_Read, for the wire benchmark to compare with.

``guest_baselines.py CONNECTION MODE FILTER FOLDER``, MODE one of:

* ``empty``: two callbacks that do nothing, at the entry and at the return: what the engine itself needs.
* ``naive``: the script a user would write today: structures field by field, ``loadBytes`` on the buffer's
  virtual address, on both sides.
* ``writemem``: WinDbg's own breakpoint command strings, with ``.writemem`` on both sides.
"""

import json
import sys
import time
from typing import Any, Dict, List

RESULT = "speed-result: "


def main(connection: str, mode: str, filter_name: str, folder: str) -> int:
    import pykd

    pykd.attachKernel(connection)
    returns: Dict[int, Any] = {}
    kept: List[Any] = []
    calls: List[int] = [0]
    failures: List[str] = []

    def read_structures(extension: int, offset: int, mdl: int) -> bytes:
        # FILTER_EXTENSION, and FILTER_INITIALIZATION_DATA in front of it.
        fields = [pykd.ptrDWord(extension), pykd.ptrPtr(extension + 0x48), pykd.ptrDWord(extension + 0x50)]
        fields += [pykd.ptrPtr(extension - 0x40 + 8 * number) for number in range(8)]
        fields.append(pykd.ptrQWord(offset))
        size, byte_offset = pykd.ptrDWord(mdl + 0x28), pykd.ptrDWord(mdl + 0x2C)
        fields += [pykd.ptrWord(mdl + 0x0A), pykd.ptrPtr(mdl + 0x20)]
        address = pykd.ptrPtr(mdl + 0x18)
        pages = (byte_offset + size + 0xFFF) // 0x1000
        fields += [pykd.ptrQWord(mdl + 0x30 + 8 * page) for page in range(pages)]
        return bytes(pykd.loadBytes(address, size))

    arguments: List[int] = [0, 0, 0]

    def guarded(action: Any) -> Any:
        def hit(*_: object) -> bool:
            try:
                action()
            except Exception as error:
                failures.append(repr(error))
            return False

        return hit

    def entered() -> None:
        calls[0] += 1
        if mode == "naive":
            arguments[:] = [pykd.reg("rcx"), pykd.reg("rdx"), pykd.reg("r8")]
            read_structures(*arguments)
        elif returns:
            return
        address = pykd.ptrPtr(pykd.reg("rsp"))
        if address not in returns:
            returns[address] = pykd.setBp(address, guarded(returned))

    def returned() -> None:
        if mode == "naive":
            pykd.reg("eax")
            read_structures(*arguments)

    class Events(pykd.eventHandler):  # type: ignore[misc]
        def onLoadModule(self, base: int, name: str) -> Any:  # noqa: N802 - pykd's name
            if name == f"hiber_{filter_name}":
                address = pykd.module(base).offset("Dump_Read")
                if mode == "writemem":
                    pykd.dbgCommand(f"bp0 0x{address:x}")
                else:
                    kept.append(pykd.setBp(address, guarded(entered)))
            return pykd.eventResult.NoChange

        def onUnloadModule(self, base: int, name: str) -> Any:  # noqa: N802 - pykd's name
            if mode == "writemem":
                pykd.dbgCommand("bc *")
            for one in (*kept, *returns.values()):
                one.remove()
            self.kept = [*kept, *returns.values()]
            kept.clear()
            returns.clear()
            return pykd.eventResult.NoChange

    events = Events()
    began = time.perf_counter()
    pykd.go()
    if mode == "writemem":
        # At the first hit: now the return address is known, and both get their commands.
        buffer = "poi(@$t1+18) L?dwo(@$t1+28)"
        look = "dd @rcx-40 L26; dq @rdx L1; dd @r8 L2c"
        entry = f"r rcx,rdx,r8; r $t1=@r8; {look}; .writemem {folder}/in.bin {buffer}; gc"
        back = f"r eax; dd @$t1 L2c; .writemem {folder}/out.bin {buffer}; gc"
        pykd.dbgCommand("r $t1=@r8")
        pykd.dbgCommand(f'bp1 0x{pykd.ptrPtr(pykd.reg("rsp")):x} "{back}"')
        pykd.dbgCommand(f'bp0 0x{pykd.getIP():x} "{entry}"')
        pykd.go()
    result = {"seconds": time.perf_counter() - began, "calls": calls[0]}
    print(RESULT + json.dumps(result, sort_keys=True), *failures[:3], sep="\n", flush=True)
    del events
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
