"""``--print-pykd`` says what is really done: held against what the tracer asks of a target while it runs."""

import re
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.debugger import Breakpoint, HitHandler, Module, Subscription, VirtualAddress
from pykd_dumpfilt.debugger.spelled import Named, SpelledDebugger, Step
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import Call, MemoryPageStore, Record
from pykd_dumpfilt.trace import Limits, Sink, Tracer
from pykd_dumpfilt.trace.rehearsal import rehearse

from .emulator.code import ALL_FIVE, SUCCESS
from .emulator.pe_writer import dump_filter
from .windbg import FakeDebugger, attach

LOOKS_ON = {**ALL_FIVE, "Dump_Write": SUCCESS, "Dump_Read": SUCCESS}
SCENARIO = Scenario("hibernate", calls=40, pages=16)


class Listening(SpelledDebugger):
    """Writes down what is asked, and does it."""

    def __init__(self, debugger: EmulatorDebugger) -> None:
        super().__init__(debugger)
        self.emulator = debugger

    def set_breakpoint(
        self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False
    ) -> Breakpoint:
        written = super().set_breakpoint(address, on_hit, hardware)
        real = self.emulator.set_breakpoint(address, on_hit)

        class Both:
            address = VirtualAddress(0)
            hardware = False

            def remove(self) -> None:
                written.remove()
                real.remove()

        return Both()

    def watch_modules(
        self, on_load: Callable[[Module], None], on_unload: Callable[[Module], None]
    ) -> Subscription:
        return self.emulator.watch_modules(on_load, on_unload)


class Calls(MemoryPageStore):
    """Keeps the calls, and with each what was asked since the one before."""

    def __init__(self, steps: Callable[[], List[Step]]) -> None:
        super().__init__()
        self._steps = steps
        self.calls: List[Tuple[Call, List[Step]]] = []

    def write(self, record: Record) -> None:
        steps = self._steps()
        if isinstance(record, Call):
            self.calls.append((record, steps))


def shapes(steps: List[Step]) -> List[str]:
    """What is read, without addresses, which are other ones. Which breakpoints come and go depends on all
    copies."""
    found = []
    for step in steps:
        verb, _, rest = step.windbg.partition(" ")
        size = re.search(r" L\??([0-9a-f]+)$", rest)
        kind = re.sub(r"\d+$", "", verb)
        found.append(rest if kind == "r" else f"{kind} {size.group(1) if size else ''}")
    return [one for one in found if not one.startswith(("bp", "ba", "bc", "bl", "$t0 "))]


@pytest.mark.parametrize("around", [0, 1])
def test_what_is_printed_is_what_is_asked_while_a_target_runs(around: int) -> None:
    limits = Limits(around=around)
    listening = Listening(EmulatorDebugger(Target(dump_filter(LOOKS_ON, major=2).image(), "probe", SCENARIO)))
    sink = Calls(listening.take)
    tracer = Tracer(listening, "probe", sink, {}, limits)
    tracer.arm()
    listening.emulator.run()
    assert tracer.status().faults == ()
    rehearsed: Dict[str, List[Step]] = {}
    for moment in rehearse("probe", lambda debugger, sink: Tracer(debugger, "probe", sink, {}, limits)):
        rehearsed[moment.moment] = list(moment.steps)
    compared = set()
    for number, (call, steps) in enumerate(sink.calls):
        name = call.callbacks[0]
        whole = True
        if call.entry.buffers:
            (buffer,) = call.entry.buffers
            pfns = [
                int.from_bytes(call.entry.mdls[0].data[at : at + 8], "little") for at in range(0x30, 0xB0, 8)
            ]
            one_run = pfns == list(range(pfns[0], pfns[0] + 16))
            before = sink.calls[number - 1][0].callbacks[0]
            # Aligned as the rehearsal's; the first transfer after another call looks for a bug check as well.
            whole = len(buffer.pages) == 16 and buffer.offset == 0 and one_run
            whole = whole and (before in ("Dump_Write", "Dump_Read")) == (name == "Dump_Read")
        if whole:
            expected = rehearsed[f"{name.lower()}_entered"] + rehearsed[f"{name.lower()}_returned"]
            assert shapes(steps) == shapes(expected), name
            compared.add(name)
    assert compared >= {"DriverEntry", "Dump_Start", "Dump_Finish", "Dump_Unload", "Dump_Read"}


def printed(monkeypatch: pytest.MonkeyPatch, debugger: FakeDebugger, *arguments: str) -> str:
    output = attach(monkeypatch, lambda: debugger)
    assert main(list(arguments)) == 0, output.text
    return output.text


def test_start_prints_a_script_and_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    target = Target(dump_filter(LOOKS_ON, major=2).image(), "probe", Scenario("hibernate", calls=2, pages=1))
    debugger = FakeDebugger(target)
    debugger.watch_modules(lambda module: target.interrupt(), lambda module: None)
    stop_at: List[int] = []

    def armed(module: Module) -> None:
        address = debugger.symbol(module, "Dump_Start")
        assert address is not None
        stop_at.append(int(address))
        debugger.set_breakpoint(address, lambda: True)

    debugger.watch_modules(armed, lambda module: None)
    debugger.run()
    before = list(debugger._breakpoints)
    text = printed(monkeypatch, debugger, "start", "probe", "--print-pykd")
    assert debugger._breakpoints == before
    assert list(tmp_path.iterdir()) == []
    compile(text, "printed", "exec")
    # What is there is armed now, where it is.
    number = f"{stop_at[0] >> 32:08x}`{stop_at[0] & 0xFFFFFFFF:08x}"
    armed_at = rf"# kd> b[pa]\d( e1)? {number}\narm\({stop_at[0]:#x}, dump_start_entered(, 1, 4)?\)\n"
    assert len(re.findall(armed_at, text)) == 1
    assert text.count("\narm(0x") == 5
    assert (
        "# kd> sxe ld:dump_probe; sxe ld:hiber_probe\nwatch = Modules(['dump_probe', 'hiber_probe'])" in text
    )
    # And what is read when it is called, by page frame numbers.
    assert (
        '    # kd> !db poi(@r8+30)*1000 L10000\n    read(pykd.ptrPtr(at["r8"] + 0x30) * 0x1000, 0x10000'
        in text
    )
    assert "    # kd> r rbx, rbp" in text
    assert ", efl, rcx, rdx, r8, cr8\n" in text


def test_options_change_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = FakeDebugger(Target(dump_filter(LOOKS_ON).image(), "probe", SCENARIO))
    plain = printed(monkeypatch, debugger, "start", "probe", "--print-pykd")
    around = printed(monkeypatch, debugger, "start", "probe", "--print-pykd", "--around", "1")
    fewer = printed(monkeypatch, debugger, "start", "probe", "--print-pykd", "--max-pages", "3")
    page_before = "    # kd> .writemem virtual.bin poi(@r8+18)-1000 L?1000\n"
    assert (page_before in around, page_before in plain) == (True, False)
    assert ("L3000" in fewer, "L10000" in fewer) == (True, False)
    # Nothing is loaded: nothing is armed now.
    assert "\narm(0x" not in plain


def test_decode_prints_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(dump_filter(ALL_FIVE, major=2).image(), "probe", SCENARIO)
    debugger = FakeDebugger(target)

    def arm(module: Module) -> None:
        address = debugger.symbol(module, "Dump_Write")
        assert address is not None
        debugger.set_breakpoint(address, lambda: True)

    debugger.watch_modules(arm, lambda module: None)
    debugger.run()
    registers = debugger.read_registers(["rcx", "r8"])
    debugger.expressions = {"@r8": registers["r8"], "poi(@rsp) + 8": registers["rcx"]}
    text = printed(monkeypatch, debugger, "decode", "mdl", "@r8", "--print-pykd")
    compile(text, "printed", "exec")
    assert (
        "# kd> ? @r8\naddress = pykd.expr('@r8')\n# kd> db @r8 L30\nread(address, 0x30)\n# kd> db @r8+30 L"
    ) in text
    text = printed(monkeypatch, debugger, "decode", "filter-extension", "poi(@rsp) + 8", "--print-pykd")
    assert "# kd> db (poi(@rsp) + 8) L58\n" in text
    assert "# kd> db (poi(@rsp) + 8)-40 L40\nread(address - 0x40, 0x40)\n" in text
    text = printed(monkeypatch, debugger, "decode", "mdl", f"{registers['r8']:#x}", "--print-pykd")
    high, low = registers["r8"] >> 32, registers["r8"] & 0xFFFFFFFF
    assert f"# kd> db {high:08x}`{low:08x} L30\nread({registers['r8']:#x}, 0x30)\n" in text


def test_bytes_at_hand_need_no_debugger(capsys: "pytest.CaptureFixture[str]") -> None:
    assert main(["decode", "mdl", "--hex", "00" * 48, "--print-pykd"]) == 2
    assert "--print-pykd goes with an ADDRESS" in capsys.readouterr().err


def test_addresses_before_and_behind_a_name() -> None:
    spelled = SpelledDebugger(
        EmulatorDebugger(Target(dump_filter(ALL_FIVE).image(), "probe", SCENARIO)),
        [Named(0x1000, 0x2000, 0x2000, "@rcx", 'at["rcx"]')],
    )
    handler: HitHandler = lambda: False  # noqa: E731
    first = spelled.set_breakpoint(VirtualAddress(0x1FF0), handler)
    spelled.set_breakpoint(VirtualAddress(0x2010), handler, hardware=True)
    first.remove()
    first.remove()
    spelled.set_breakpoint(VirtualAddress(0xFFFFF80031000000), handler)
    assert spelled.take() == [
        Step("bp0 @rcx-10", 'arm(at["rcx"] - 0x10, entered)'),
        Step("ba1 e1 @rcx+10", 'arm(at["rcx"] + 0x10, entered, 1, 4)'),
        Step("bc 0", 'remove(at["rcx"] - 0x10)'),
        Step("bp0 fffff800`31000000", "arm(0xfffff80031000000, entered)"),
    ]
    sink: Sink = Calls(spelled.take)
    assert Tracer(spelled, "probe", sink).status().breakpoints == 0
