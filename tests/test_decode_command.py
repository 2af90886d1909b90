"""``decode`` on a target that stands at a callback; the emulator is the target."""

import html
import re
import sys
from typing import List, Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.debugger import Module
from pykd_dumpfilt.emulator import Scenario, Target
from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.structures import LAYOUTS, Machine

from .emulator.code import ALL_FIVE
from .emulator.pe_writer import dump_filter
from .windbg import FakeDebugger, FakeOutput, attach


class AtDumpRead:
    """A hibernation that stands at the entry of Dump_Read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pages: int = 16) -> None:
        image = dump_filter(ALL_FIVE, major=2).image()
        self.debugger = FakeDebugger(Target(image, "probe", Scenario("hibernate", calls=3, pages=pages)))

        def arm(module: Module) -> None:
            address = self.debugger.symbol(module, "Dump_Read")
            assert address is not None
            self.debugger.set_breakpoint(address, lambda: True)

        self.debugger.watch_modules(arm, lambda module: None)
        self.debugger.run()
        self.registers = self.debugger.read_registers(["rcx", "rdx", "r8", "rsp"])
        self.debugger.expressions = {f"@{name}": value for name, value in self.registers.items()}
        self._monkeypatch = monkeypatch

    def decode(self, *arguments: str) -> Tuple[int, str]:
        output = attach(self._monkeypatch, lambda: self.debugger)
        code = main(["decode", *arguments])
        return code, output.text


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> AtDumpRead:
    return AtDumpRead(monkeypatch)


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def links(markup: str) -> List[str]:
    return [html.unescape(command) for command in re.findall(r'<link cmd="([^"]*)">', markup)]


def test_the_mdl_that_a_register_points_at(stopped: AtDumpRead) -> None:
    code, said = stopped.decode("mdl", "@r8")
    assert code == 0
    header = stopped.debugger.read_virtual(stopped.registers["r8"], 0x30)  # type: ignore[arg-type]
    fields = LAYOUTS["mdl"][Machine.X64].parse(header)
    text = plain(said)
    assert text.startswith(f"MDL (64-bit), 0x30 bytes at {stopped.registers['r8']:#x}\n")
    assert f"+0x18 MappedSystemVa  0x{fields['MappedSystemVa']:016x}\n" in text
    assert f"+0x28 ByteCount       0x{fields['ByteCount']:08x}  {fields['ByteCount']}\n" in text
    span = (fields["ByteOffset"] + fields["ByteCount"] + 4095) // 4096
    assert f"page frame numbers: {span}, one for each page" in text
    assert len([one for one in links(said) if one.startswith("!dd ")]) == span + 1
    assert "This may be no MDL" not in text
    assert f"db {fields['MappedSystemVa']:#x} L{min(fields['ByteCount'], 0x1000):#x}" in links(said)


def test_from_filter_extension_to_filter_initialization_data(stopped: AtDumpRead) -> None:
    code, said = stopped.decode("filter-extension", "@rcx")
    assert code == 0
    assert "DumpType                           0x00000002  DumpTypeHibernation" in plain(said)
    (link,) = [one for one in links(said) if " decode " in one]
    match = re.fullmatch(
        r"!py -g -m pykd_dumpfilt decode (filter-initialization-data[a-z0-9-]*) (0x\w+)", link
    )
    assert match is not None
    assert plain(said).endswith(f"FILTER_INITIALIZATION_DATA in front of it: {link}\n")
    code, said = stopped.decode(match.group(1), match.group(2))
    assert code == 0
    (module,) = [one for one in stopped.debugger.modules() if one.name == "hiber_probe"]
    read = stopped.debugger.symbol(module, "Dump_Read")
    assert read is not None
    assert f"DumpRead          0x{int(read):016x}  hiber_probe+{int(read) - module.base:#x}" in plain(said)
    assert f"u {int(read):#x}" in links(said)


def test_where_nothing_in_front_agrees_it_is_said(stopped: AtDumpRead) -> None:
    # The MDL is no FILTER_EXTENSION.
    code, said = stopped.decode("filter-extension", "@r8")
    assert code == 0
    assert "in front of it lies nothing that agrees with it" in plain(said)
    assert "This may be no FILTER_EXTENSION:" in plain(said)


def test_an_address_of_several_words_is_one_expression(stopped: AtDumpRead) -> None:
    stopped.debugger.expressions["poi(@rsp + 8)"] = stopped.registers["r8"]
    code, said = stopped.decode("mdl", "poi(@rsp", "+", "8)")
    assert code == 0
    assert f"at {stopped.registers['r8']:#x}" in said


def test_digits_are_hexadecimal_as_everywhere_in_windbg(stopped: AtDumpRead) -> None:
    plain_digits = f"{stopped.registers['r8']:x}"
    for text in (plain_digits, f"{plain_digits[:8]}`{plain_digits[8:]}", f"0x{plain_digits}"):
        assert stopped.decode("mdl", text)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["mdl", "hiber_probe!NoSuch"],
            "hiber_probe has no symbol NoSuch, or none are loaded: x hiber_probe!*",
        ),
        (["mdl", "dump_other!Foo"], "no module dump_other is loaded: lm m dump_* and lm m hiber_*"),
        (["mdl", "r8"], "write r8 as a number, as @r8 if it is a register, or as MODULE!SYMBOL"),
        (["mdl", "@nosuch"], "write a number, a register (@r8), poi(@rsp+8) or MODULE!SYMBOL"),
        (["mdl", "afd"], "there is no MDL at 0xafd: 0 of its 48 bytes can be read"),
        (["mdl", "afd"], "afd was taken for the number 0xafd, write MODULE!SYMBOL for a symbol"),
        (["filter-extension", "@far"], "@far is 0xffff900000000000"),
        (["filter-extension", "0x10", "--hex", "00"], "say where the bytes are"),
    ],
)
def test_a_mistake_is_explained(stopped: AtDumpRead, arguments: List[str], expected: str) -> None:
    stopped.debugger.expressions["@far"] = 0xFFFF900000000000
    code, said = stopped.decode(*arguments)
    assert code == 2
    assert expected in plain(said)
    assert "Traceback" not in said


def test_no_target_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise UsageError("no target: attach to a kernel first")

    output = attach(monkeypatch, none)
    assert main(["decode", "mdl", "@r8"]) == 2
    assert "attach to a kernel first" in output.text


def test_bytes_at_hand_have_page_frame_numbers_too(capsys: "pytest.CaptureFixture[str]") -> None:
    header = "00" * 8 + "4000" + "0100" + "00" * 4 + "00" * 8
    body = "00" * 16 + "00200000" + "00000000" + "901a000000000000" + "911a000000000000" + "ff" * 8
    assert main(["decode", "mdl", "--hex", header + body]) == 0
    said = capsys.readouterr().out
    assert said.startswith("MDL (64-bit), 0x30 bytes\n")
    assert "[0] 0x1a90 0x1a91\n" in said


def test_an_absurd_mdl_is_shown_within_bounds(stopped: AtDumpRead) -> None:
    mdl = stopped.registers["r8"]
    stopped.debugger._target.write_virtual(mdl + 0x28, b"\xff" * 4)
    code, said = stopped.decode("mdl", "@r8")
    assert code == 0
    assert len(plain(said).splitlines()) < 40
    assert len(links(said)) < 100


def test_output_is_what_pykd_takes(stopped: AtDumpRead) -> None:
    output = attach(stopped._monkeypatch, lambda: stopped.debugger)
    assert isinstance(sys.stdout, FakeOutput)
    assert main(["decode", "mdl", "@r8"]) == 0
    assert {kind for kind, _ in output.written} == {"dml"}
