#!/usr/bin/env bash
# Builds acmefilt.sys with mingw-w64 and makes the recordings anew, in the emulated kernel. A real team records
# its real driver in WinDbg. Needs: pip install "pykd-dumpfilt[emulator]", and gcc-mingw-w64-x86-64.
set -euo pipefail
cd "$(dirname "$0")"

# What the driver sees of Windows. A real driver includes ntdddump.h, from the WDK.
headers=${HEADERS:-../../../tests/lab/filters}
out=${1:-../recordings}
nightly=${2:-../nightly}

build() { # FLAG...
    x86_64-w64-mingw32-gcc -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-ident \
        -fno-asynchronous-unwind-tables -fno-stack-protector -mno-red-zone -nostdlib -shared -s \
        -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase -Wl,--image-base,0x140000000 \
        -Wl,--no-insert-timestamp -I "$headers" "$@" acmefilt.c -o acmefilt.sys -lntoskrnl
}

record() { # NAME SCENARIO
    # Its exit code is that of the check.
    dumpfilt emulate acmefilt.sys -o "$out/$1" --scenario "$2" --calls 3 --pages 4 > /dev/null || true
    [ -d "$out/$1.dumpfilt" ]
}

build
record release-2.0 hibernate
record release-2.0-crash crash
build -DACME_1_0
record release-1.0 hibernate
build -DACME_FORGETS_THE_TAIL
out=$nightly record acmefilt-nightly hibernate
rm acmefilt.sys
