"""The KD server in front of the real emulated kernel, with a debugger's end made by hand."""

import time
from typing import Any, Iterator, List

import pytest

from pykd_dumpfilt.emulator import Event, ModuleLoaded, Scenario, Stopped, Target

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter
from .errors import LabError
from .hardships import Hardships
from .kd_client import Client
from .kd_server import RELOAD_BASE, KdServer
from .kd_structures import CONTEXT, SPECIAL_REGISTERS, VERSION, Api

BREAK, STEP = "exception 0x80000003", "exception 0x80000004"
FOREVER = "EBFE"  # jmp $


def make_target(write: str = ALL_FIVE["Dump_Write"], processors: int = 1) -> Target:
    image = dump_filter(dict(ALL_FIVE, Dump_Write=write)).image()
    return Target(image, "probe", Scenario("hibernate", calls=2, pages=2), processors)


@pytest.fixture
def target() -> Target:
    return make_target()


@pytest.fixture
def server(target: Target) -> Iterator[KdServer]:
    with KdServer(target) as running:
        yield running


@pytest.fixture
def client(server: KdServer) -> Iterator[Client]:
    connected = Client(server.port)
    yield connected
    connected.close()


def write_breakpoint(client: Client, address: int) -> int:
    status, union, _ = client.ask(Api.WRITE_BREAKPOINT, address.to_bytes(8, "little"))
    return 0 if status else int.from_bytes(union[8:12], "little")


def restore_breakpoint(client: Client, handle: int) -> int:
    return client.ask(Api.RESTORE_BREAKPOINT, handle.to_bytes(4, "little"))[0]


def dump_write(target: Target) -> int:
    return next(image for image in target.modules() if image.name == "hiber_probe").exports["Dump_Write"]


def test_it_stands_at_the_initial_break(target: Target, client: Client) -> None:
    assert client.stop() == (BREAK, target.get_register("rip"))
    version = VERSION.parse(client.ask(Api.GET_VERSION)[1])
    assert (version.MajorVersion, version.MinorVersion, version.MachineType) == (0xF, 19041, 0x8664)
    assert version.KernBase == target.kernel_base
    assert client.read(version.DebuggerDataList, 16) == target.read_virtual(target.debugger_data_list, 16)


def test_memory(target: Target, client: Client) -> None:
    client.stop()
    assert client.read(target.kernel_base, 2) == b"MZ"
    assert len(client.read(target.kernel_base, 65536)) == 4000 - 56
    # A packet that runs into unmapped memory carries what there is; one that begins there is refused.
    last = target.modules()[1]
    beyond = last.base + last.size
    assert client.read(beyond - 8, 64) == target.read_virtual(beyond - 8, 8)
    assert client.ask(Api.READ_VIRTUAL_MEMORY, client.memory(beyond, 8))[0] == 0xC0000001
    stack = target.get_register("rsp")
    assert client.ask(Api.WRITE_VIRTUAL_MEMORY, client.memory(stack, 4), b"abcd")[0] == 0
    assert target.read_virtual(stack, 4) == b"abcd"
    assert client.ask(Api.WRITE_VIRTUAL_MEMORY, client.memory(beyond, 4), b"abcd")[0] == 0xC0000001
    assert client.read(0x1000, 32, physical=True) == target.read_physical(0x1000, 32)
    client.ask(Api.WRITE_PHYSICAL_MEMORY, client.memory(0x1000, 2), target.read_physical(0x1000, 2))
    assert client.ask(Api.READ_PHYSICAL_MEMORY, client.memory(1 << 50, 8))[0] == 0xC0000001


def test_memory_that_is_refused(target: Target) -> None:
    stack = target.get_register("rsp") & ~0xFFF
    frame = target.translate(target.kernel_base + 0x1000)
    assert frame is not None
    hardships = Hardships(refuse_physical=True, faulty_pages=frozenset({frame, stack}))
    with KdServer(target, hardships=hardships) as server:
        client = Client(server.port)
        client.stop()
        assert client.ask(Api.READ_PHYSICAL_MEMORY, client.memory(0x1000, 8))[0] == 0xC0000001
        assert client.ask(Api.WRITE_PHYSICAL_MEMORY, client.memory(0x1000, 1), b"x")[0] == 0xC0000001
        # A frame cannot be had through its mapping either; what is before it comes.
        assert client.read(target.kernel_base + 0xFF8, 64) == target.read_virtual(
            target.kernel_base + 0xFF8, 8
        )
        assert client.ask(Api.READ_VIRTUAL_MEMORY, client.memory(stack, 8))[0] == 0xC0000001
        assert client.ask(Api.WRITE_VIRTUAL_MEMORY, client.memory(stack - 4, 8), b"x" * 8)[0] == 0xC0000001
        assert client.read(stack - 8, 16) == target.read_virtual(stack - 8, 8)
        client.close()


def test_a_page_frame_that_is_refused(target: Target) -> None:
    with KdServer(target, hardships=Hardships(faulty_pages=frozenset({0x2000}))) as server:
        client = Client(server.port)
        client.stop()
        assert client.read(0x1FF0, 64, physical=True) == target.read_physical(0x1FF0, 16)
        assert client.ask(Api.READ_PHYSICAL_MEMORY, client.memory(0x2008, 8))[0] == 0xC0000001
        assert len(client.read(0x3000, 8, physical=True)) == 8
        client.close()


def test_registers(target: Target, client: Client) -> None:
    client.stop()
    data = client.ask(Api.GET_CONTEXT)[2]
    context = CONTEXT.parse(data)
    assert (context.rip, context.rsp) == (target.get_register("rip"), target.get_register("rsp"))
    changed = bytearray(data)
    changed[0x80:0x88] = (0x1122334455667788).to_bytes(8, "little")  # Rcx
    changed[0x1B0:0x1C0] = b"0123456789abcdef"  # Xmm1
    assert client.ask(Api.SET_CONTEXT, b"", bytes(changed))[0] == 0
    assert target.get_register("rcx") == 0x1122334455667788
    assert target.get_xmm(1) == b"0123456789abcdef"
    # The same by pieces: Rbx at 0x90.
    piece = (0x90).to_bytes(4, "little") + (8).to_bytes(4, "little")
    assert client.ask(Api.SET_CONTEXT_EX, piece, (77).to_bytes(8, "little"))[0] == 0
    assert target.get_register("rbx") == 77
    assert client.ask(Api.GET_CONTEXT_EX, piece)[2] == (77).to_bytes(8, "little")


def test_control_space(target: Target, client: Client) -> None:
    client.stop()

    def read(number: int, size: int) -> bytes:
        return client.ask(Api.READ_CONTROL_SPACE, client.memory(number, size))[2]

    assert read(0, 8) == target.kpcr.to_bytes(8, "little")
    assert read(1, 8) == target.kprcb.to_bytes(8, "little")
    assert read(3, 8) == target.current_thread.to_bytes(8, "little")
    special = SPECIAL_REGISTERS.parse(read(2, 0xF0))
    assert (special.cr3, special.gsbase) == (target.get_register("cr3"), target.kpcr)
    # The descriptor of CS: 64-bit code, present, of privilege level 0.
    assert special.gdt_limit >= 0x17
    assert target.read_virtual(special.gdt_base + 0x10, 8).hex() == "00000000009b2000"
    assert client.ask(Api.READ_CONTROL_SPACE, client.memory(9, 8))[0] == 0xC0000001


def test_two_processors() -> None:
    target = make_target(processors=2)
    first, second = target.processors
    with KdServer(target) as server:
        client = Client(server.port)
        client.stop()
        assert client.processors == (0, 2)

        def context(processor: int) -> Any:
            return CONTEXT.parse(client.ask(Api.GET_CONTEXT, processor=processor)[2])

        def control(processor: int, number: int, size: int) -> bytes:
            return client.ask(Api.READ_CONTROL_SPACE, client.memory(number, size), processor=processor)[2]

        for processor in (first, second):
            number = processor.number
            assert control(number, 0, 8) == processor.kpcr.to_bytes(8, "little")
            assert control(number, 1, 8) == processor.kprcb.to_bytes(8, "little")
            assert control(number, 3, 8) == processor.thread.to_bytes(8, "little")
            special = SPECIAL_REGISTERS.parse(control(number, 2, 0xF0))
            assert (special.gsbase, special.gdt_base) == (processor.kpcr, processor.gdt)
        assert client.ask(Api.READ_CONTROL_SPACE, client.memory(0, 8), processor=2)[0] == 0xC0000001
        client.go()
        client.stop()
        write_breakpoint(client, dump_write(target))
        # Calls take turns: DriverEntry and Dump_Write on the first, Dump_Start on the second.
        for hit, running in enumerate((first, second)):
            client.go()
            assert client.stop() == (BREAK, dump_write(target))
            assert client.processors == (running.number, 2)
            here, there = context(running.number), context(1 - running.number)
            assert here.rip == dump_write(target)
            assert running.stack_top - 0x1000 < here.rsp < running.stack_top
            frozen = target.processors[1 - running.number]
            assert frozen.stack_top - 0x1000 < there.rsp < frozen.stack_top
            assert target.kernel_base < there.rip < target.kernel_base + 0x4000
            if hit == 0:
                client.go(step=True)
                client.stop()
                write_breakpoint(client, dump_write(target))
        # The other one's view, and back; nothing has run.
        client.tell(Api.SWITCH_PROCESSOR, processor=0)
        assert client.stop() == ("exception 0x80000007", context(0).rip)
        assert client.processors == (0, 2)
        msr = client.ask(Api.READ_MSR, (0xC0000101).to_bytes(4, "little"))[1]
        assert int.from_bytes(msr[4:12], "little") == first.kpcr
        changed = bytearray(client.ask(Api.GET_CONTEXT)[2])
        changed[0x80:0x88] = (77).to_bytes(8, "little")  # Rcx
        changed[0x1A0:0x1B0] = b"0123456789abcdef"  # Xmm0
        client.ask(Api.SET_CONTEXT, b"", bytes(changed))
        assert (context(0).rcx, context(0).xmm[0]) == (77, b"0123456789abcdef")
        assert context(1).rcx == target.get_register("rcx")
        client.tell(Api.SWITCH_PROCESSOR, processor=1)
        assert client.stop() == ("exception 0x80000007", dump_write(target))
        client.go()
        assert client.stop()[0] == "unload hiber_probe.sys"
        client.close()


def test_what_it_does_not_know_is_refused(client: Client) -> None:
    client.stop()
    assert client.ask(0x3149)[0] == 0xC0000001
    assert client.ask(Api.SET_CONTEXT, b"", b"too short")[0] == 0xC0000001
    assert client.ask(Api.SET_CONTEXT_EX, b"\xff" * 12, b"x")[0] == 0xC0000001
    assert client.ask(Api.GET_VERSION)[0] == 0


def test_a_whole_scenario(target: Target, server: KdServer, client: Client) -> None:
    heard: List[str] = []
    client.stop()
    client.go()
    what, base = client.stop()
    heard.append(what)
    assert base == next(image for image in target.modules() if image.name == "hiber_probe").base
    address = dump_write(target)
    code = target.read_virtual(address, 1)
    handle = write_breakpoint(client, address)
    assert handle == 1
    assert target.read_virtual(address, 1) == b"\xcc"
    for _ in range(2):
        client.go()
        assert client.stop() == (BREAK, address)
        # The kernel takes out what lies in the code that it sends along, and forgets it.
        assert target.read_virtual(address, 1) == code
        assert restore_breakpoint(client, 1) == 0xC0000001
        client.go(step=True)
        what, rip = client.stop()
        assert (what, rip) == (STEP, address + 4)  # mov rax, [r8+18h]
        assert write_breakpoint(client, address) == 1
    assert restore_breakpoint(client, 1) == 0
    assert target.read_virtual(address, 1) == code
    client.go()
    heard.append(client.stop()[0])
    client.go()
    heard.append(client.stop()[0])
    assert heard == ["load hiber_probe.sys", "unload hiber_probe.sys", BREAK]
    assert isinstance(server.event, Stopped)
    assert server.event.reason == "ended"
    client.go()
    assert client.stop() == (BREAK, target.get_register("rip"))
    assert server.left_behind() == []
    assert server.breakpoints_written == [address] * 3
    assert server.statistics.snapshot().packets["write breakpoint"] == 3


def test_breakpoints_that_cannot_be(target: Target, client: Client) -> None:
    client.stop()
    nt = target.kernel_base
    assert write_breakpoint(client, 0xFFFFF80000000000) == 0
    handles = [write_breakpoint(client, nt + 0x1000 + 16 * number) for number in range(32)]
    assert handles == list(range(1, 33))
    assert write_breakpoint(client, nt + 0x1800) == 0
    assert restore_breakpoint(client, 7) == 0
    assert restore_breakpoint(client, 7) == 0xC0000001
    assert write_breakpoint(client, nt + 0x1000) == 0  # there is one
    assert write_breakpoint(client, nt + 0x1800) == 7


def test_what_is_left_behind_is_told(target: Target, server: KdServer, client: Client) -> None:
    client.stop()
    nt = target.kernel_base
    write_breakpoint(client, nt + 0x1000)
    # A byte that never was in the table, too.
    client.ask(Api.WRITE_VIRTUAL_MEMORY, client.memory(nt + 0x1010, 1), b"\x90")
    client.close()
    old = (b"\xc3", b"\xc3")
    assert [target.read_virtual(nt + at, 1) for at in (0x1000, 0x1010)] == [b"\xcc", b"\x90"]
    assert server.left_behind() == [
        f"a breakpoint is in at {nt + 0x1000:#x}",
        f"nt+0x1000: {old[0].hex()} has become cc",
        f"nt+0x1010: {old[1].hex()} has become 90",
    ]
    # The next debugger finds the target stopped, and can clean up, as DbgEng does when it attaches.
    again = Client(server.port)
    assert again.stop()[0] == BREAK
    for handle in range(1, 33):
        restore_breakpoint(again, handle)
    assert server.left_behind() == [f"nt+0x1010: {old[1].hex()} has become 90"]
    again.close()


def test_a_breakpoint_in_an_image_that_goes_is_remembered(
    target: Target, server: KdServer, client: Client
) -> None:
    client.stop()
    client.go()
    client.stop()
    base = next(image for image in target.modules() if image.name == "hiber_probe").base
    write_breakpoint(client, base + 0x1800)  # behind the functions: never executed
    client.go()
    assert client.stop()[0] == "unload hiber_probe.sys"
    assert len(server.left_behind()) == 2
    client.go()
    client.stop()
    (line,) = server.left_behind()
    assert line.startswith("hiber_probe+0x1800: ")
    assert line.endswith("has become cc")


@pytest.mark.parametrize("steps", [0, 1])
def test_the_dump_stack_is_taken_down_after_a_hit(target: Target, steps: int) -> None:
    with KdServer(target, hardships=Hardships(reload_after_hit=1)) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        _, base = client.stop()
        write_breakpoint(client, dump_write(target))
        client.go()
        assert client.stop() == (BREAK, dump_write(target))
        for _ in range(steps):
            client.go(step=True)
            assert client.stop()[0] == STEP
        client.go()
        # A real unload, of an image that is still there for the debugger to clean up.
        assert client.stop() == ("unload hiber_probe.sys", base)
        assert client.read(base, 2) == b"MZ"
        client.go()
        assert client.stop() == ("load hiber_probe.sys", RELOAD_BASE)
        assert client.ask(Api.READ_VIRTUAL_MEMORY, client.memory(base, 2))[0] == 0xC0000001
        client.go()
        assert client.stop() == ("unload hiber_probe.sys", RELOAD_BASE)
        client.go()
        assert client.stop()[0] == BREAK
        assert isinstance(server.event, Stopped)
        assert server.left_behind() == []
        client.close()


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize("wants_a_break", [False, True])
def test_the_machine_reboots_after_a_hit(target: Target, silently: bool, wants_a_break: bool) -> None:
    hardships = Hardships(reboot_after_hit=1, reboots_silently=silently)
    with KdServer(target, hardships=hardships, reboot=make_target) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        client.stop()
        write_breakpoint(client, dump_write(target))
        client.go()
        assert client.stop() == (BREAK, dump_write(target))
        # What is in the dead machine stays there.
        write_breakpoint(client, target.kernel_base + 0x1000)
        if not silently:
            client.go()
            assert client.stop() == ("unload ", 0xFFFFFFFFFFFFFFFF)
        client.go()
        client.begin_anew()
        assert client.stop() == ("load ntoskrnl.exe", target.kernel_base)
        assert server.target is not target
        assert server.breakpoints_written == []
        assert restore_breakpoint(client, 1) == 0xC0000001
        assert client.read(target.kernel_base + 0x1000, 1) == b"\xc3"
        if wants_a_break:
            client.break_in()
            client.ask(Api.GET_VERSION)  # the break-in has arrived
            client.go()
            assert client.stop() == (BREAK, server.target.get_register("rip"))
        client.go()
        assert client.stop()[0] == "load hiber_probe.sys"
        client.go()
        assert client.stop()[0] == "unload hiber_probe.sys"
        assert server.left_behind() == []
        client.close()


def test_the_debugger_reboots_the_machine(target: Target) -> None:
    with KdServer(target, reboot=make_target) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        client.stop()
        client.tell(Api.REBOOT)
        client.begin_anew()
        assert client.stop() == ("load ntoskrnl.exe", target.kernel_base)
        client.go()
        assert client.stop()[0] == "load hiber_probe.sys"
        assert server.target is not target
        client.close()


def test_a_machine_that_cannot_reboot_does_not(server: KdServer, client: Client) -> None:
    client.stop()
    client.tell(Api.REBOOT)
    assert client.ask(Api.GET_VERSION)[0] == 0


def test_a_break_in_stops_a_target_that_runs_for_ever() -> None:
    target = make_target(FOREVER)
    with KdServer(target) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        client.stop()
        client.go()
        time.sleep(0.2)
        began = time.monotonic()
        client.break_in()
        assert client.stop() == (BREAK, dump_write(target))
        assert time.monotonic() - began < 5
        client.close()


def test_it_stops_while_the_target_runs_for_ever() -> None:
    target = make_target(FOREVER)
    server = KdServer(target)
    server.start()
    client = Client(server.port)
    client.stop()
    client.go()
    client.stop()
    client.go()
    time.sleep(0.2)
    server.stop()
    client.close()


def test_a_debugger_that_dies_leaves_the_target_to_the_next() -> None:
    target = make_target(FOREVER)
    with KdServer(target) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        client.stop()
        client.go()
        time.sleep(0.2)
        client.close()
        again = Client(server.port)
        assert again.stop() == (BREAK, dump_write(target))
        assert again.read(target.kernel_base, 2) == b"MZ"
        again.close()


def test_noise_does_not_bring_it_down(server: KdServer, client: Client) -> None:
    client.stop()
    client.raw(b"\xff\x00noise that means nothing\xaa" * 100)
    client.raw(b"0000\x02\x00\x04\x00\x00\x00\x80\x80\x00\x00\x00\x00abcd\xaa")  # a wrong checksum
    assert client.ask(Api.GET_VERSION)[0] == 0
    assert server.statistics.snapshot().resent == 1


def test_statistics_by_mark(server: KdServer, client: Client) -> None:
    client.stop()
    server.statistics.mark("begin")
    client.read(server.target.kernel_base, 4096)
    difference = server.statistics.since("begin")
    assert difference.packets == {"read virtual memory": 1}
    assert difference.payload == {"read virtual memory": 3944}
    assert difference.total == 1
    with pytest.raises(KeyError):
        server.statistics.since("end")


def test_the_observer_sees_events_before_the_debugger(target: Target) -> None:
    seen: List[Event] = []
    with KdServer(target, seen.append) as server:
        client = Client(server.port)
        client.stop()
        client.go()
        client.stop()
        assert len(seen) == 1
        assert isinstance(seen[0], ModuleLoaded)
        client.close()


def test_an_error_in_the_server_is_not_lost(target: Target) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError("on purpose")

    server = KdServer(target, fail)
    server.start()
    client = Client(server.port)
    client.stop()
    client.go()
    with pytest.raises((EOFError, ConnectionError)):
        client.stop()
    client.close()
    with pytest.raises(LabError, match="on purpose"):
        server.stop()


def test_the_port_is_known_once_it_listens(target: Target) -> None:
    with pytest.raises(LabError, match="not been started"):
        _ = KdServer(target).connection


def test_a_life_as_a_debugger_hears_it_that_comes_when_the_machine_is_up() -> None:
    scenario = Scenario("life", calls=1, pages=1, attach="boot")
    target = Target(dump_filter(ALL_FIVE).image(), "probe", scenario)
    at_break = target.get_register("rip")
    with KdServer(target) as server:
        client = Client(server.port)
        heard = [client.stop()[0]]
        names = [image.name for image in target.modules()]
        while len(heard) < 9:
            client.go()
            heard.append(client.stop()[0])
        assert names == ["nt", "crashdmp", "dump_dumpstorport", "dump_stornvme", "dump_probe"]
        assert heard == [
            BREAK,
            *(f"load hiber_{name}.sys" for name in ("dumpstorport", "stornvme", "probe")),
            *(f"unload hiber_{name}.sys" for name in ("probe", "stornvme", "dumpstorport")),
            BREAK,  # before the dump is written
            BREAK,  # after it
        ]
        assert b"*** Fatal System Error: 0x000000e2" in client.printed[-1]
        assert target.get_register("rip") == at_break
        client.close()
    assert isinstance(server.event, Stopped)
    assert server.left_behind() == []


def test_the_processor_field_of_a_memory_read_means_nothing() -> None:
    """DbgEng leaves in it what was there before."""
    target = make_target()
    with KdServer(target) as server:
        client = Client(server.port)
        client.stop()
        union = client.memory(target.kernel_base, 2)
        assert client.ask(Api.READ_VIRTUAL_MEMORY, union, processor=0xFFFF)[::2] == (0, b"MZ")
        assert client.ask(Api.GET_CONTEXT, processor=0xFFFF)[0] == 0xC0000001
        client.close()
