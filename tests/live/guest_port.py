"""Runs under Wine: puts pykd's implementation of the debugger port through its paces.

``guest_port.py CONNECTION`` prints one line of JSON with what it saw; the test compares it with the target.
"""

import json
import sys
from typing import Any, Callable, Dict, List

RESULT = "port-result: "


def main() -> int:
    import pykd

    from pykd_dumpfilt.debugger import MemoryReadError, Module, PhysicalAddress, VirtualAddress
    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger
    from pykd_dumpfilt.errors import TargetError

    seen: Dict[str, Any] = {}

    def failure(action: Callable[[], object]) -> List[Any]:
        try:
            action()
        except MemoryReadError as error:
            return [int(error.address), error.asked, len(error.data), bool(error.reason)]
        except TargetError as error:
            return [str(error)]
        return ["no error"]

    pykd.attachKernel(sys.argv[1])
    # WinDbg does so by itself when it attaches.
    pykd.dbgCommand(".reload")
    debugger = PykdDebugger()
    seen["machine"] = debugger.machine.value
    seen["engine"] = debugger.describe().engine
    seen["target"] = debugger.describe().target

    loaded: List[Module] = []
    unloaded: List[str] = []
    stopped_in_load: List[bool] = []

    def on_load(module: Module) -> None:
        loaded.append(module)
        read = debugger.symbol(module, "Dump_Read")
        assert read is not None
        breakpoints.append(debugger.set_breakpoint(read, on_read))
        raise_later.append(debugger.set_breakpoint(read, on_second))
        stopped_in_load.append(True)

    hits: List[str] = []
    breakpoints: List[Any] = []
    raise_later: List[Any] = []
    where: Dict[str, int] = {}
    wide: Dict[str, int] = {}

    def on_read() -> bool:
        hits.append("first")
        where.update(debugger.read_registers(["rip", "rcx", "rdx", "r8", "rsp", "cr8", "nonsense"]))
        if not wide:
            wide.update(debugger.read_registers([f"xmm{number}" for number in range(16)]))
        if len(hits) == 1:
            # Its own breakpoint, within its own handler.
            breakpoints[0].remove()
            breakpoints[0].remove()
            # pykd writes to an object after its own callback: it must be there still, whatever is set now.
            debugger.set_breakpoint(VirtualAddress(int(pykd.getIP()) + 1), lambda: False).remove()
            seen["outlives_its_callback"] = len(debugger._removed)
        return False

    def on_second() -> bool:
        hits.append("second")
        return len(hits) >= 4

    watch = debugger.watch_modules(on_load, lambda module: unloaded.append(module.name))
    breaks: List[int] = []
    break_watch = debugger.watch_breaks(lambda: breaks.append(pykd.getIP()))
    seen["memory"] = debugger.physical_memory()
    seen["registers_free"] = [debugger.free_debug_registers()]
    # A breakpoint of the user's, which must survive all that we do.
    users = pykd.setBp(int(pykd.module("nt").offset("DbgBreakPointWithStatus")) + 1)
    stop = debugger.run()
    seen["stop"] = [stop.reason.value, stop.detail]
    seen["hits"] = hits
    seen["wide"] = wide
    seen["where"] = {name: where[name] for name in sorted(where)}
    (module,) = loaded
    seen["module"] = [module.name, int(module.base), module.size]
    seen["listed"] = [one.name for one in debugger.modules()]
    seen["symbol"] = int(debugger.symbol(module, "Dump_Read") or 0)
    seen["no_symbol"] = debugger.symbol(module, "NoSuchThing")
    seen["no_module"] = debugger.symbol(Module("x", VirtualAddress(0x1234), 1), "y")

    base = int(module.base)
    seen["header"] = debugger.read_virtual(module.base, 64).hex()
    seen["odd"] = debugger.read_virtual(VirtualAddress(base + 1), 3).hex()
    seen["empty"] = debugger.read_virtual(module.base, 0).hex()
    # All or nothing in pykd; here the pages before the gap come, and the error says how far.
    past = VirtualAddress(base + module.size - 16)
    seen["across_the_end"] = failure(lambda: debugger.read_virtual(past, 64))
    pages = VirtualAddress(base + module.size - 0x1000)
    seen["page_then_gap"] = failure(lambda: debugger.read_virtual(pages, 0x3000))
    seen["unmapped"] = failure(lambda: debugger.read_virtual(VirtualAddress(0xFFFF900000000000), 8))
    mdl = where["r8"]
    pfn = int.from_bytes(debugger.read_virtual(VirtualAddress(mdl + 0x30), 8), "little")
    seen["pfn"] = pfn
    seen["physical"] = debugger.read_physical(PhysicalAddress(pfn * 0x1000), 64).hex()
    seen["no_physical"] = failure(lambda: debugger.read_physical(PhysicalAddress(1 << 45), 8))

    for one in raise_later:
        one.remove()
    watch.remove()

    in_registers: List[Any] = []
    code = VirtualAddress(pykd.module("nt").offset("DbgBreakPointWithStatus") + 0x10)
    for number in range(4):
        in_registers.append(debugger.set_breakpoint(code + number, lambda: False, hardware=True))
        seen["registers_free"].append(debugger.free_debug_registers())
    seen["fifth"] = failure(lambda: debugger.set_breakpoint(code, lambda: False, hardware=True))
    for one in in_registers:
        one.remove()
    seen["registers_free"].append(debugger.free_debug_registers())

    hardware_hits: List[int] = []
    given_way: List[bool] = []

    def hit_in_register() -> bool:
        hardware_hits.append(pykd.getIP())
        if len(hardware_hits) == 2:
            # From now on the user has one there, too.
            pykd.dbgCommand(f"bp9 0x{seen['symbol']:x}")
        return False

    one = debugger.set_breakpoint(VirtualAddress(seen["symbol"]), hit_in_register, hardware=True)
    for _ in range(2):
        debugger.run()
        given_way.append(pykd.getIP() == seen["symbol"])
    one.remove()
    pykd.dbgCommand("bc 9")
    seen["hardware_hits"] = len(hardware_hits)
    seen["given_way"] = given_way

    def fail() -> bool:
        raise ValueError("a bug in a handler")

    failing = debugger.set_breakpoint(VirtualAddress(seen["symbol"]), fail)
    # A breakpoint must go before its module does, or its byte goes with it.
    last_watch = debugger.watch_modules(lambda module: None, lambda module: failing.remove())
    try:
        debugger.run()
        seen["raised"] = "nothing"
    except TargetError as error:
        seen["raised"] = "ValueError" in str(error)
    # The handler's failure did not stop the target: it ran on to its end.
    seen["at_the_end"] = str(pykd.findSymbol(pykd.getIP()))
    last_watch.remove()
    seen["breaks"] = [str(pykd.findSymbol(address)) for address in breaks]
    break_watch.remove()
    check = debugger.bug_check()
    seen["bug_check"] = None if check is None else [check.code, *check.parameters]
    seen["users_breakpoints"] = pykd.getNumberBreakpoints()
    users.remove()
    seen["unloaded_after_watch_ended"] = unloaded
    print(RESULT + json.dumps(seen, sort_keys=True), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
