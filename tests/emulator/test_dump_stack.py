"""How the dump stack treats a filter, seen through a debugger's breakpoints."""

import struct
from dataclasses import dataclass
from typing import Dict, List, Tuple

import pytest

from pykd_dumpfilt.debugger import Module, PhysicalAddress, Stop, StopReason, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target

from .code import ALL_FIVE, INVERT, SUCCESS, failing
from .pe_writer import Driver, dump_filter

Registers = Dict[str, int]


@dataclass
class Seen:
    """One entry of a callback."""

    callback: str
    registers: Registers
    extension: bytes
    table: bytes
    offset: int = -1
    mdl: bytes = b""
    buffer: bytes = b""


class Watcher:
    """Runs a target to its end and keeps what every callback was given, and its buffer at return."""

    def __init__(self, driver: Driver, scenario: Scenario) -> None:
        self.target = Target(driver.image(), "probe", scenario)
        self.debugger = EmulatorDebugger(self.target)
        self.seen: List[Seen] = []
        self.returned: List[bytes] = []
        self._distance = scenario.table
        self.debugger.watch_modules(self._loaded, lambda module: None)
        self.stop = self.debugger.run()

    def names(self) -> List[str]:
        return [entry.callback for entry in self.seen]

    def of(self, callback: str) -> List[Seen]:
        return [entry for entry in self.seen if entry.callback == callback]

    def _loaded(self, module: Module) -> None:
        for name in ("DriverEntry", *ALL_FIVE):
            address = self.debugger.symbol(module, name)
            if address is not None:
                self.debugger.set_breakpoint(address, lambda name=name: self._entered(name))  # type: ignore[misc]

    def _entered(self, name: str) -> bool:
        read = self.debugger.read_virtual
        names = ("rcx", "rdx", "r8", "r9", "rsp", "rip", "cr8", "efl", "rax")
        registers = self.debugger.read_registers(names)
        extension = registers["rcx"]
        entry = Seen(
            name,
            registers,
            read(VirtualAddress(extension), 0x58),
            read(VirtualAddress(extension - self._distance), self._distance),
        )
        if name in ("Dump_Write", "Dump_Read"):
            (entry.offset,) = struct.unpack("<q", read(VirtualAddress(registers["rdx"]), 8))
            header = read(VirtualAddress(registers["r8"]), 0x30)
            size, length, begin = struct.unpack("<H", header[8:10])[0], *struct.unpack("<II", header[0x28:])
            entry.mdl = read(VirtualAddress(registers["r8"]), size)
            entry.buffer = self.described(entry.mdl, length, begin)
            back = struct.unpack("<Q", read(VirtualAddress(registers["rsp"]), 8))[0]
            at_return = self.debugger.set_breakpoint(VirtualAddress(back), lambda: leave())

            def leave() -> bool:
                at_return.remove()
                self.returned.append(self.described(entry.mdl, length, begin))
                return False

        self.seen.append(entry)
        return False

    def described(self, mdl: bytes, length: int, begin: int) -> bytes:
        frames = struct.unpack(f"<{(len(mdl) - 0x30) // 8}Q", mdl[0x30:])
        pages = [self.debugger.read_physical(PhysicalAddress(frame << 12), 4096) for frame in frames]
        return b"".join(pages)[begin : begin + length]


def u32(data: bytes, offset: int) -> int:
    return int(struct.unpack_from("<I", data, offset)[0])


def u64(data: bytes, offset: int) -> int:
    return int(struct.unpack_from("<Q", data, offset)[0])


def test_a_crash_in_order() -> None:
    watcher = Watcher(dump_filter(ALL_FIVE), Scenario("crash", calls=3, pages=2))
    assert watcher.names() == ["DriverEntry", "Dump_Start", *["Dump_Write"] * 3, "Dump_Finish", "Dump_Unload"]
    assert watcher.stop == Stop(StopReason.ENDED, "the scenario ran to its end")


def test_a_hibernation_in_order() -> None:
    watcher = Watcher(dump_filter(ALL_FIVE), Scenario("hibernate", calls=3, pages=2))
    reads = watcher.names().count("Dump_Read")
    assert watcher.names() == [
        *("DriverEntry", "Dump_Start"),
        *["Dump_Write"] * 3,
        *("Dump_Finish", "Dump_Start"),
        *["Dump_Read"] * reads,
        *("Dump_Finish", "Dump_Unload"),
    ]
    assert reads >= 3


def test_calls_come_as_from_crashdmp() -> None:
    watcher = Watcher(dump_filter(ALL_FIVE), Scenario("hibernate", calls=2, pages=2))
    crashdmp = watcher.target.modules()[1]
    for entry in watcher.seen:
        assert entry.registers["rsp"] % 16 == 8
        back = u64(watcher.target.read_virtual(entry.registers["rsp"], 8), 0)
        assert crashdmp.exports["FilterCallback"] < back < crashdmp.exports["FilterCallback"] + 0x60
        low = entry.callback in ("DriverEntry", "Dump_Unload")
        assert entry.registers["cr8"] == (0 if low else 15)
        assert entry.registers["efl"] & 0x200 == (0x200 if low else 0)
        assert not entry.registers["efl"] & 0x400


@pytest.mark.parametrize("table", [0x40, 0x48])
@pytest.mark.parametrize(("kind", "dump_type"), [("crash", 1), ("hibernate", 2)])
def test_what_the_filter_is_given(kind: str, dump_type: int, table: int) -> None:
    data = "48C7422878563412"  # mov qword [rdx+28h], 12345678h: DumpData
    watcher = Watcher(dump_filter(ALL_FIVE, before=data), Scenario(kind, calls=1, pages=7, table=table))
    first = watcher.seen[0]
    assert first.registers["rdx"] == first.registers["rcx"] - table
    assert (u32(first.table, 0), u32(first.table, 4)) == (2, 0)  # MajorVersion, MinorVersion
    assert (u32(first.table, 0x30), u32(first.table, 0x34)) == (7, 0)  # MaxPagesPerWrite, Flags
    assert first.table[8:0x30] == bytes(0x28)
    extension = first.extension
    assert u32(extension, 0x00) == dump_type
    assert u64(extension, 0x08) > 0xFFFF800000000000  # DeviceObject
    assert (u32(extension, 0x18), u32(extension, 0x24)) == (12, 512)  # FixedMedia, BytesPerSector
    assert u64(extension, 0x28) == 64 << 30
    assert (u32(extension, 0x30), u32(extension, 0x34)) == (0x18, 1)  # SizeOfPartitionInfo, GPT
    assert u64(extension, 0x48) == 0  # DumpData is copied after DriverEntry
    assert u32(extension, 0x50) == 0x58
    assert all(u64(entry.extension, 0x48) == 0x12345678 for entry in watcher.seen[1:])


def test_writes_come_back_as_reads() -> None:
    """The filter inverts on the way out and on the way in; the disk must have stood in between."""
    scenario = Scenario("hibernate", seed=3, calls=24, pages=4)
    watcher = Watcher(dump_filter(ALL_FIVE), scenario)
    disk: Dict[int, Tuple[bytes, bytes]] = {}
    returned = iter(watcher.returned)
    reads = 0
    for entry in watcher.seen:
        if entry.callback not in ("Dump_Write", "Dump_Read"):
            continue
        after = next(returned)
        for at in range(0, len(entry.buffer), 512):
            sector = entry.offset + at
            before_sector, after_sector = entry.buffer[at : at + 512], after[at : at + 512]
            if entry.callback == "Dump_Write":
                disk[sector] = (before_sector, after_sector)
                assert after_sector == bytes(byte ^ 0xFF for byte in before_sector)
            else:
                plain, stored = disk[sector]
                assert before_sector == stored
                assert after_sector == plain
                reads += 1
    assert reads >= len(disk)


def test_the_first_page_is_the_header_of_the_image() -> None:
    crash = Watcher(dump_filter(ALL_FIVE), Scenario("crash", calls=2, pages=4)).of("Dump_Write")[0]
    assert crash.buffer.startswith(b"PAGEDU64")
    assert len(crash.buffer) == 0x2000
    image = Watcher(dump_filter(ALL_FIVE), Scenario("hibernate", calls=2, pages=4)).of("Dump_Write")[0]
    assert image.buffer.startswith(b"HIBR")
    assert len(image.buffer) == 0x1000


def test_mdls_are_as_the_kernel_builds_them() -> None:
    watcher = Watcher(dump_filter(ALL_FIVE), Scenario("hibernate", seed=2, calls=40, pages=4))
    transfers = [*watcher.of("Dump_Write"), *watcher.of("Dump_Read")]
    assert len({entry.registers["r8"] for entry in transfers}) == 1
    styles = set()
    for entry in transfers:
        follow, size, flags = struct.unpack_from("<QhH", entry.mdl)
        mapped, start, length, begin = struct.unpack_from("<QQII", entry.mdl, 0x18)
        pages = (begin + length + 4095) // 4096
        assert follow == 0
        assert size == 0x30 + 8 * pages == len(entry.mdl)
        assert u64(entry.mdl, 0x10) != 0  # Process is stale
        assert mapped & 0xFFF == begin
        assert length % 512 == 0
        assert 512 <= length <= 4 * 4096
        if flags == 0x11:
            assert (start, begin) == (0, 0)
            frames = struct.unpack(f"<{pages}Q", entry.mdl[0x30:])
            assert list(frames) == list(range(frames[0], frames[0] + pages))
        elif start != mapped & ~0xFFF:
            assert start < 1 << 47
            styles.add("stale")
        styles.add(f"flags {flags:#x}")
        styles.add("offset" if begin else "aligned")
        styles.add(
            "past 4 GiB"
            if any(frame >= 1 << 20 for frame in struct.unpack(f"<{pages}Q", entry.mdl[48:]))
            else "low"
        )
    wanted = {"flags 0x1", "flags 0x11", "flags 0x3", "flags 0x4", "flags 0x5", "stale", "offset", "aligned"}
    assert styles == wanted | {"past 4 GiB", "low"}


def test_virtual_and_physical_reads_agree_and_neighbours_are_known() -> None:
    scenario = Scenario("crash", seed=4, calls=12, pages=3)
    target = Target(dump_filter(ALL_FIVE).image(), "probe", scenario)
    debugger = EmulatorDebugger(target)
    checked = []

    def at_write() -> bool:
        mdl = target.get_register("r8")
        mapped, _, length, begin = struct.unpack("<QQII", target.read_virtual(mdl + 0x18, 24))
        pages = (begin + length + 4095) // 4096
        frames = struct.unpack(f"<{pages}Q", target.read_virtual(mdl + 0x30, 8 * pages))
        around = target.read_virtual((mapped & ~0xFFF) - 4096, (pages + 2) * 4096)
        physical = b"".join(target.read_physical(frame << 12, 4096) for frame in frames)
        assert around[4096:-4096] == physical
        assert set(around[: 4096 + begin]) == {0xBD}
        assert set(around[4096 + begin + length :]) == {0xBD}
        checked.append(mdl)
        return False

    def loaded(module: Module) -> None:
        address = debugger.symbol(module, "Dump_Write")
        assert address is not None
        debugger.set_breakpoint(address, at_write)

    debugger.watch_modules(loaded, lambda module: None)
    debugger.run()
    assert len(checked) == 12


def test_null_callbacks_are_left_out() -> None:
    watcher = Watcher(dump_filter({"Dump_Write": SUCCESS}), Scenario("hibernate", calls=3, pages=1))
    assert watcher.names() == ["DriverEntry", *["Dump_Write"] * 3]
    assert watcher.stop.detail == "the scenario ran to its end"


@pytest.mark.parametrize("options", [{"flags": 0}, {"flags": 2}, {"major": 1}])
def test_no_read_without_all_that_it_takes(options: Dict[str, int]) -> None:
    watcher = Watcher(dump_filter(ALL_FIVE, **options), Scenario("hibernate", calls=2, pages=1))  # type: ignore[arg-type]
    assert watcher.of("Dump_Read") == []
    assert watcher.names().count("Dump_Start") == 2


@pytest.mark.parametrize(
    ("callback", "names"),
    [
        ("Dump_Start", ["DriverEntry", "Dump_Start"]),
        ("Dump_Write", ["DriverEntry", "Dump_Start", "Dump_Write"]),
        ("Dump_Finish", ["DriverEntry", "Dump_Start", *["Dump_Write"] * 3, "Dump_Finish"]),
    ],
)
def test_an_error_takes_the_filter_out_of_use(callback: str, names: List[str]) -> None:
    driver = dump_filter({**ALL_FIVE, callback: failing(0xC0000001)})
    watcher = Watcher(driver, Scenario("crash", calls=3, pages=1))
    assert watcher.names() == names
    assert watcher.stop.detail == f"{callback} failed with 0xC0000001: the filter was not called again"


def test_an_error_of_dump_read_takes_the_filter_out_of_use() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Read": failing(0xC000009C)})
    watcher = Watcher(driver, Scenario("hibernate", calls=3, pages=1))
    assert watcher.names()[-2:] == ["Dump_Start", "Dump_Read"]


def test_a_positive_status_is_no_error() -> None:
    watcher = Watcher(
        dump_filter({**ALL_FIVE, "Dump_Start": failing(0x103)}), Scenario("crash", calls=1, pages=1)
    )
    assert watcher.names()[-1] == "Dump_Unload"


@pytest.mark.parametrize(
    ("flags", "detail"),
    [(0, "the filter is not used"), (1, "the filter is critical, so the dump stack was not loaded")],
)
def test_a_failing_driver_entry(flags: int, detail: str) -> None:
    driver = dump_filter(ALL_FIVE, flags=flags, entry=failing(0xC000009A))
    watcher = Watcher(driver, Scenario("crash", calls=2, pages=1))
    assert watcher.names() == ["DriverEntry"]
    assert watcher.stop.detail == f"DriverEntry failed with 0xC000009A: {detail}"
    assert len(watcher.target.modules()) == 2


def test_an_mdl_that_no_port_driver_survives() -> None:
    bad_pfn = "48C74030FFFFFF7F"  # mov qword [rax+30h], 7FFFFFFFh
    driver = dump_filter({"Dump_Write": "4C89C0" + bad_pfn + SUCCESS})
    watcher = Watcher(driver, Scenario("crash", calls=2, pages=1))
    assert (
        watcher.stop.detail
        == "fault: the MDL after Dump_Write names page frame 0x7fffffff, which is not memory"
    )
    too_long = "41C7402800000001"  # mov dword [r8+28h], 1000000h
    watcher = Watcher(dump_filter({"Dump_Write": too_long + SUCCESS}), Scenario("crash", calls=2, pages=1))
    assert "ByteCount 0x1000000" in watcher.stop.detail


def test_a_moved_disk_offset_is_where_the_data_goes() -> None:
    # add qword [rdx], 1000h
    moved = "48810200100000" + INVERT
    watcher = Watcher(dump_filter({**ALL_FIVE, "Dump_Write": moved}), Scenario("hibernate", calls=1, pages=1))
    (write,) = watcher.of("Dump_Write")
    read = watcher.of("Dump_Read")[0]
    assert read.offset == write.offset
    assert read.buffer == bytes(len(read.buffer))
