"""``python -m tests.docs``: renew docs/rules."""

from .generate import FOLDER, write

if __name__ == "__main__":
    changed = write()
    print(f"{FOLDER}: {', '.join(changed) if changed else 'nothing to renew'}")
