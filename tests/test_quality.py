"""The tools that keep the source honest, as tests: one command runs everything."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.quality


def run(tool: str, *arguments: str) -> None:
    # Beside this Python first: the virtual environment's own, not another project's.
    program = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if program is None:
        pytest.skip(f"{tool} is missing: pip install -e '.[dev]'")
    done = subprocess.run([program, *arguments], cwd=str(ROOT), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    run("mypy")


def test_lint() -> None:
    run("ruff", "check", ".")


def test_format() -> None:
    run("ruff", "format", "--check", ".")


def test_python_3_8_is_the_floor() -> None:
    run("vermin", "--quiet", "--no-tips", "--target=3.8-", "--violations", "pykd_dumpfilt", "tests")


def imports_pykd(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "pykd" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "pykd"


def test_only_one_module_imports_pykd() -> None:
    importers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pykd_dumpfilt").rglob("*.py")
        if any(map(imports_pykd, ast.walk(ast.parse(path.read_text()))))
    ]
    assert importers == ["pykd_dumpfilt/debugger/pykd_debugger.py"]


def test_the_core_needs_construct_alone(tmp_path: Path) -> None:
    """What runs inside WinDbg must import where nothing but construct is installed."""
    import construct

    library = tmp_path / "site"
    shutil.copytree(str(Path(construct.__file__).parent), str(library / "construct"))
    program = (
        "import pykd_dumpfilt.cli, pykd_dumpfilt.checking, pykd_dumpfilt.trace, sys;"
        "code = pykd_dumpfilt.cli.main(['check', sys.argv[1], '--format', 'json']);"
        "sys.exit(code)"
    )
    fixture = sorted((ROOT / "fixtures").glob("*.dumpfilt"))[0]
    paths = [str(ROOT), str(library)]
    done = subprocess.run(
        # -S: no site-packages; -E: no environment.
        [
            sys.executable,
            "-S",
            "-E",
            "-c",
            f"import sys; sys.path[:0] = {paths!r}; {program}",
            str(fixture),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr


def test_git_leaves_recordings_as_they_are() -> None:
    """Line ends that git converts on Windows would be damage to every recording."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    files = git("ls-files", "*.dumpfilt/*").splitlines()
    assert len(files) >= 18
    attributes = git("check-attr", "text", "--", *files).splitlines()
    assert attributes == [f"{file}: text: unset" for file in files]


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=str(ROOT), capture_output=True, text=True, check=True)
    return done.stdout
