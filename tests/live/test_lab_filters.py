"""The lab's filters: compiled the same each time, exporting what they say, and right in what they compute."""

import subprocess
from pathlib import Path
from typing import List

import pefile
import pytest

from pykd_dumpfilt.emulator import Event, ModuleLoaded, Scenario, Stopped, Target

from ..lab import toolchain
from ..lab.errors import LabError
from ..lab.session import Lab
from ..lab.toolchain import FILTERS, build_filter, filter_names
from ..lab.wine import private_prefix

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("compiler")]

ALL = [b"Dump_Finish", b"Dump_Read", b"Dump_Start", b"Dump_Unload", b"Dump_Write"]
EXPORTS = {
    "aes_xts": ALL,
    "forgets_last_sector": ALL,
    "no_symbols": [],
    "pass_through": ALL,
    "write_only": [b"Dump_Finish", b"Dump_Start", b"Dump_Unload", b"Dump_Write"],
}

# IEEE 1619, vector 10: XTS-AES-256, data unit 0xff, plaintext 00 01 .. ff 00 01 .. ff.
KEY = (
    "2718281828459045235360287471352662497757247093699959574966967627"
    "3141592653589793238462643383279502884197169399375105820974944592"
)
CIPHERTEXT = (
    "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"
    "5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd"
    "5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0"
    "c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca"
    "2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0"
    "b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f"
    "93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec"
    "583e9645e07b8d9670655ba5bbcfecc6dc3966380ad8fecb17b6ba02469a020a"
    "84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1"
    "505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae"
    "9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29"
    "a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac"
    "6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f"
    "645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed5376441a77ed4385"
    "1ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
    "773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151"
)
PROGRAM = r"""
#include <stdio.h>
#include "aes_xts.h"

static void unhex(const char *text, uint8_t *bytes)
{
    unsigned value;
    for (; sscanf(text, "%2x", &value) == 1; text += 2)
        *bytes++ = (uint8_t)value;
}

int main(int argc, char **argv)
{
    static uint32_t data[XTS_UNIT / 4];
    uint8_t bytes[XTS_KEY_SIZE], *byte = (uint8_t *)data;
    xts_key key;

    if (argc != 2)
        return 1;
    unhex(argv[1], bytes);
    aes_make_tables();
    xts_set_key(&key, bytes);
    for (unsigned i = 0; i < XTS_UNIT; i++)
        byte[i] = (uint8_t)i;
    xts_crypt(&key, 0, 0xff, data, XTS_UNIT);
    for (unsigned i = 0; i < XTS_UNIT; i++)
        printf("%02x", byte[i]);
    xts_crypt(&key, 1, 0xff, data, XTS_UNIT);
    for (unsigned i = 0; i < XTS_UNIT; i++)
        if (byte[i] != (uint8_t)i)
            return 2;
    return 0;
}
"""


def test_the_cipher_is_the_standard_s(compiler: Path, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "vector.c").write_text(PROGRAM)
    subprocess.run(
        [str(compiler), "-O2", f"-I{FILTERS}", "vector.c", "-o", "vector.exe"],
        cwd=str(tmp_path),
        check=True,
        timeout=60,
    )
    with private_prefix(lab.wine, lab.prefix) as environment:
        done = subprocess.run(
            [str(lab.wine.loader), str(tmp_path / "vector.exe"), KEY],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
        )
    assert done.stdout.decode() == CIPHERTEXT


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_images(name: str) -> None:
    image = pefile.PE(str(build_filter(name)))
    exported = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
    assert [symbol.name for symbol in exported.symbols] == EXPORTS[name] if exported else not EXPORTS[name]
    assert [entry.dll for entry in image.DIRECTORY_ENTRY_IMPORT] == [b"ntoskrnl.exe"]
    assert image.OPTIONAL_HEADER.Subsystem == 1  # native
    assert image.OPTIONAL_HEADER.DllCharacteristics & 0x40  # dynamic base
    assert image.DIRECTORY_ENTRY_BASERELOC
    assert image.FILE_HEADER.TimeDateStamp == 0
    assert image.FILE_HEADER.NumberOfSymbols == 0
    assert not [s for s in image.sections if s.Characteristics & 0xA0000000 == 0xA0000000]  # write, execute
    image.close()


def test_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: List[bytes] = []
    for number in range(2):
        monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(tmp_path / str(number)))
        built.append(build_filter("aes_xts").read_bytes())
    assert built[0] == built[1]


def test_what_cannot_be_built_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match=r"no lab filter 'nosuch': choose one of aes_xts, "):
        build_filter("nosuch")
    with pytest.raises(LabError, match="no lab filter"):
        build_filter("../filters/aes_xts")
    (tmp_path / "broken.c").write_text("this is not C\n")
    monkeypatch.setattr(toolchain, "FILTERS", tmp_path)
    monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(LabError, match=r"(?s)broken\.c does not compile:.*broken\.c:1"):
        build_filter("broken")


@pytest.mark.parametrize("kind", ["crash", "hibernate"])
@pytest.mark.parametrize("name", filter_names())
def test_each_runs_to_the_end(name: str, kind: str) -> None:
    target = Target(build_filter(name).read_bytes(), name, Scenario(kind, calls=6, pages=4))
    events: List[Event] = []
    while not events or not isinstance(events[-1], Stopped):
        events.append(target.resume())
    assert isinstance(events[0], ModuleLoaded)
    assert len(events) == 3
    assert isinstance(events[-1], Stopped)
    assert events[-1].reason == "ended"
