"""Every offset, size, sign and constant, against what a C compiler printed."""

from typing import Any, Dict

import pytest

from pykd_dumpfilt.structures import (
    DUMP_FILTER_EXTENSION_SIZE_V1,
    DUMP_FILTER_EXTENSION_SIZE_V2,
    FILTER_DUMP_TYPE,
    LAYOUTS,
    MDL_FLAGS,
    MEDIA_TYPE,
    NTSTATUS_NAMES,
    PARTITION_STYLE,
    Layout,
    Machine,
    filter_contexts,
    filter_extension,
    filter_initialization_data_sizes,
    mdl_size,
    nt_error,
    nt_success,
    ntimage,
    span_pages,
    wdm_mdl,
)

from .literals import CASES, RESULTS, STRUCTURES, VALUES

_OPTIONAL_HEADERS = ("IMAGE_OPTIONAL_HEADER32", "IMAGE_OPTIONAL_HEADER64")
# The header declares it SHORT; it is a set of bits, so we read it unsigned.
_READ_UNSIGNED = ("MDL", "MdlFlags")


def _in_c(layout: Layout, said: Dict[str, Any]) -> Dict[str, str]:
    """Our paths by the compiler's: a LARGE_INTEGER inside a structure is its QuadPart to us."""
    paths = {}
    for path in said["fields"]:
        short = path[: -len(".QuadPart")] if path.endswith(".QuadPart") else path
        paths[path] = short
    if layout.name in _OPTIONAL_HEADERS:
        del paths["DataDirectory"]
    return paths


@pytest.mark.parametrize(("layout", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
class TestLayout:
    def test_size(self, layout: Layout, said: Dict[str, Any]) -> None:
        if layout.name in _OPTIONAL_HEADERS:
            assert layout.size == said["fields"]["DataDirectory"][0]
        else:
            assert layout.size == said["size"]

    def test_fields(self, layout: Layout, said: Dict[str, Any]) -> None:
        fields = {path: tuple(said["fields"][in_c]) for in_c, path in _in_c(layout, said).items()}
        assert {path: tuple(field) for path, field in layout.fields.items() if path in fields} == fields
        # What the compiler was not asked for is a structure whose members it was asked for.
        assert set(layout.leaves) <= set(fields)
        assert set(fields) <= set(layout.fields)

    def test_each_number_is_read_from_where_the_compiler_puts_it(
        self, layout: Layout, said: Dict[str, Any]
    ) -> None:
        paths = _in_c(layout, said)
        for in_c in said["signed"]:
            offset, size = said["fields"][in_c]
            data = bytearray(layout.size)
            data[offset : offset + size] = range(1, size + 1)
            expected = sum((byte + 1) << 8 * byte for byte in range(size))
            for parse in (layout.parse, layout.parse_interpreted):
                parsed = parse(data)
                assert int(layout.value(parsed, paths[in_c])) == expected
                for other in said["signed"]:
                    start, length = said["fields"][other]
                    if start + length <= offset or offset + size <= start:
                        assert int(layout.value(parsed, paths[other])) == 0

    def test_each_number_has_its_sign(self, layout: Layout, said: Dict[str, Any]) -> None:
        parsed = layout.parse(b"\xff" * layout.size)
        for in_c, path in _in_c(layout, said).items():
            if in_c in said["signed"]:
                signed = said["signed"][in_c] and (layout.name, path) != _READ_UNSIGNED
                expected = -1 if signed else (1 << 8 * said["fields"][in_c][1]) - 1
                assert int(layout.value(parsed, path)) == expected, path


def test_the_compiler_says_that_mdl_flags_are_signed() -> None:
    assert STRUCTURES["x64"]["MDL"]["signed"] == {
        "Next": False,
        "Size": True,
        "MdlFlags": True,
        "Process": False,
        "MappedSystemVa": False,
        "StartVa": False,
        "ByteCount": False,
        "ByteOffset": False,
    }


def test_layouts_can_be_asked_for_by_these_names() -> None:
    assert list(LAYOUTS) == [
        "filter-extension",
        "filter-extension-v1",
        "filter-initialization-data",
        "filter-initialization-data-v1",
        "filter-initialization-data-pre-read-write",
        "mdl",
        "disk-geometry",
        "disk-partition-info",
        "large-integer",
    ]
    assert all(list(layouts) == list(Machine) for layouts in LAYOUTS.values())


@pytest.mark.parametrize(
    ("machine", "v1", "v2"),
    [(Machine.X64, 0x50, 0x58), (Machine.ARM64, 0x50, 0x58), (Machine.X86, 0x44, 0x50)],
)
def test_filter_extension_sizes_of_the_header(machine: Machine, v1: int, v2: int) -> None:
    assert DUMP_FILTER_EXTENSION_SIZE_V1[machine] == v1
    assert DUMP_FILTER_EXTENSION_SIZE_V2[machine] == v2
    assert filter_extension(machine).fields["Size"].offset == v1
    assert filter_extension(machine).size == v2


def test_x86_size_v1_is_not_sizeof_the_old_structure() -> None:
    assert STRUCTURES["x86"]["FILTER_EXTENSION_V1"]["size"] == 0x48
    assert STRUCTURES["x86"]["FILTER_EXTENSION"]["fields"]["Size"] == [0x44, 4]
    assert filter_extension(Machine.X86, 1).size == 0x48


def test_filter_extension_is_aligned_to_8_on_x86_and_the_table_to_4() -> None:
    assert STRUCTURES["x86"]["FILTER_EXTENSION"]["align"] == 8
    assert STRUCTURES["x86"]["FILTER_INITIALIZATION_DATA"]["align"] == 4


@pytest.mark.parametrize(
    ("machine", "column"), [(Machine.X64, "x64"), (Machine.ARM64, "x64"), (Machine.X86, "x86")]
)
def test_filter_context(machine: Machine, column: str) -> None:
    structures = STRUCTURES[column]
    said = [
        (
            fields["InitializationData"][1],
            fields["Extension"][0],
            fields["ListEntry"][0],
        )
        for fields in (
            structures[name]["fields"]
            for name in ("FILTER_CONTEXT_V1", "FILTER_CONTEXT", "FILTER_CONTEXT_PRE_READ_WRITE")
        )
    ]
    assert [tuple(context) for context in filter_contexts(machine)] == said
    assert list(filter_initialization_data_sizes(machine)) == [sizes[0] for sizes in said]


@pytest.mark.parametrize(
    ("machine", "column"), [(Machine.X64, "x64"), (Machine.ARM64, "x64"), (Machine.X86, "x86")]
)
def test_pfn_number_is_as_wide_as_a_pointer(machine: Machine, column: str) -> None:
    assert machine.pointer_size == STRUCTURES[column]["PFN_NUMBER"]["size"]
    assert mdl_size(machine, 16) == {"x64": 0xB0, "x86": 0x5C}[column]


def test_enumerations() -> None:
    for names in (FILTER_DUMP_TYPE, PARTITION_STYLE, MEDIA_TYPE):
        assert names == {name: VALUES[name] for name in names}


def test_mdl_flags() -> None:
    assert {name: mask for mask, name in MDL_FLAGS} == {
        name: value for name, value in VALUES.items() if name.startswith("MDL_")
    }


def test_named_constants() -> None:
    for module, count in ((wdm_mdl, 4), (ntimage, 12)):
        ours = {name: value for name, value in vars(module).items() if name in VALUES}
        assert len(ours) == count
        assert ours == {name: VALUES[name] for name in ours}


def test_ntstatus_names() -> None:
    assert {name: value for value, name in NTSTATUS_NAMES.items()} == {
        name: value for name, value in VALUES.items() if name.startswith("STATUS_")
    }


def test_macros() -> None:
    ours = {
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x0)": span_pages(0x0, 0x0),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x1)": span_pages(0x0, 0x1),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x0, 0x1000)": span_pages(0x0, 0x1000),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xFFF, 0x1)": span_pages(0xFFF, 0x1),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xFFF, 0x2)": span_pages(0xFFF, 0x2),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x200, 0x10000)": span_pages(0x200, 0x10000),
        "ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x12345E00, 0x400)": span_pages(0x12345E00, 0x400),
        "NT_SUCCESS(0x0)": nt_success(0x0),
        "NT_SUCCESS(0x103)": nt_success(0x103),
        "NT_SUCCESS(0x40000001)": nt_success(0x40000001),
        "NT_SUCCESS(0x80000005)": nt_success(0x80000005),
        "NT_SUCCESS(0xC00000BB)": nt_success(0xC00000BB),
        "NT_ERROR(0x0)": nt_error(0x0),
        "NT_ERROR(0x40000001)": nt_error(0x40000001),
        "NT_ERROR(0x80000005)": nt_error(0x80000005),
        "NT_ERROR(0xC00000BB)": nt_error(0xC00000BB),
    }
    assert ours == RESULTS
