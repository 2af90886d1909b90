"""``python -m tests.docs [windbg]``: renew docs/rules, or docs/windbg.md (which takes the lab)."""

import sys

from .generate import FOLDER, write


def main() -> int:
    if sys.argv[1:] == ["windbg"]:
        from ..lab.session import prepare
        from .windbg import PAGE, renew

        PAGE.write_text(renew(PAGE.read_text(encoding="utf-8"), prepare()), encoding="utf-8")
        print(f"{PAGE}: renewed")
        return 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    changed = write()
    print(f"{FOLDER}: {', '.join(changed) if changed else 'nothing to renew'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
