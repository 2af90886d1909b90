"""Runs under Wine: pykd alone, none of our package. Says in lines of JSON what DbgEng shows of the target.

``guest_probe.py CONNECTION FILTER``
"""

import hashlib
import json
import sys
import traceback
from typing import Any, Dict, List


def say(**fact: Any) -> None:
    print("fact: " + json.dumps(fact, sort_keys=True), flush=True)


def main(arguments: List[str]) -> None:
    import pykd

    connection, name = arguments
    pykd.attachKernel(connection)
    say(attached=bool(pykd.isKernelDebugging()), ip=pykd.findSymbol(pykd.getIP()))
    pykd.dbgCommand(".reload")
    listing = (pykd.dbgCommand("lm") or "").splitlines()[1:]
    say(modules=[line.split()[2] for line in listing if line.strip()])

    class Events(pykd.eventHandler):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.breakpoints: Dict[str, Any] = {}
            self.kept: List[Any] = []

        def onLoadModule(self, base: int, module: str) -> Any:  # noqa: N802
            try:
                say(loaded=module, base=base)
                if module == name:
                    for callback in ("Dump_Write", "Dump_Read"):
                        address = pykd.module(base).offset(callback)
                        self.breakpoints[callback] = pykd.setBp(address, self.hit)
            except Exception:
                traceback.print_exc()
            return pykd.eventResult.NoChange

        def onUnloadModule(self, base: int, module: str) -> Any:  # noqa: N802
            say(unloaded=module, base=base)
            for owned in self.breakpoints.values():
                owned.remove()
                self.kept.append(owned)
            self.breakpoints.clear()
            return pykd.eventResult.NoChange

        def hit(self, *_: object) -> bool:
            try:
                mdl = pykd.reg("r8")
                size = min(pykd.ptrDWord(mdl + 0x28), 4096 - pykd.ptrDWord(mdl + 0x2C))
                va = pykd.ptrQWord(mdl + 0x18)
                pa = (pykd.ptrQWord(mdl + 0x30) << 12) + pykd.ptrDWord(mdl + 0x2C)
                virtual = bytes(pykd.loadBytes(va, size))
                physical = bytes(pykd.loadBytes(pa, size, True))
                say(
                    hit=pykd.findSymbol(pykd.getIP()),
                    size=size,
                    virtual=hashlib.sha256(virtual).hexdigest(),
                    physical=hashlib.sha256(physical).hexdigest(),
                )
            except Exception:
                traceback.print_exc()
            return False

    events = Events()
    status = pykd.go()
    say(stopped=str(status), ip=pykd.findSymbol(pykd.getIP()), left=len(events.breakpoints))


if __name__ == "__main__":
    main(sys.argv[1:])
