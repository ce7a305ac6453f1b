"""What the files around the package promise: bounds, locks, the wheel, make, and what no file may say."""

from __future__ import annotations

import ast
import doctest
import functools
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import regviz
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MODULES = sorted((ROOT / "regviz").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOCKS = ("run", "test", "spark")
MOST_LINES = 400

# Written in pieces, so that this file does not hold what no file may hold.
INDEX_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"))]
PLACES = ["/".join(parts) for parts in (("", "work", ""), ("", "opt", "wheels"), ("", "opt", "pypi"))]

# What conda-forge calls a distribution where it has another name there.
CONDA_NAMES = {"docker-py": "docker", "python-isal": "isal"}


@functools.cache
def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _bounds(requirements: list[str]) -> dict[str, str]:
    parsed = map(Requirement, requirements)
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in parsed}


def _run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | environment
    return subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True)


def _need_git() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")


@functools.cache
def _texts() -> dict[str, str]:
    """Every text file that is, or would be, committed."""
    _need_git()
    # A clone made by another user is "dubious" to git; this only lists names.
    listing = _run("git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard")
    assert listing.returncode == 0, listing.stderr
    texts = {}
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


def _pins(lock: str) -> dict[str, tuple[Version, int]]:
    """Name → version and number of hashes, of every requirement in a lock."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[^\s#])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    pins: dict[str, tuple[Version, int]] = {}
    for entry in entries:
        requirement = Requirement(re.split(r"\\\n", entry)[0].strip())
        [specifier] = requirement.specifier
        assert specifier.operator == "==", entry
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)
        pins[canonicalize_name(requirement.name)] = Version(specifier.version), len(hashes)
    assert len(pins) == len(entries), "a package has more than one pin"
    return pins


def test_conda_gets_the_bounds_of_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    names = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    [by_pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    bounds = {CONDA_NAMES.get(name, name): bound for name, bound in _bounds(names).items()}

    assert bounds.pop("pip") == ""
    assert bounds.pop("python") == _pyproject()["project"]["requires-python"]
    assert bounds == _bounds(_pyproject()["project"]["dependencies"])
    assert by_pip == ["-e ."]


def test_dependencies_have_lower_bounds_only() -> None:
    project = _pyproject()["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    for requirement in map(Requirement, project["dependencies"] + extras):
        assert [specifier.operator for specifier in requirement.specifier] == [">="], requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_with_hashes_and_name_no_host(lock: str) -> None:
    assert all(hashes for _, hashes in _pins(lock).values())
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.findall(r"(?m)://|^\s*-|file:|@ ", re.sub(r"(?m)^\s+(--hash=|# ).*", "", text))


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_answer_to_pyproject(lock: str) -> None:
    groups = _pyproject()["dependency-groups"]
    wanted = groups["spark"] if lock == "spark" else _pyproject()["project"]["dependencies"] + groups["build"]
    wanted += groups["test"] if lock == "test" else []
    pins = _pins(lock)
    for requirement in map(Requirement, wanted):
        version, _ = pins[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, f"make lock: {requirement} against {version}"


def test_the_test_lock_holds_the_run_lock() -> None:
    assert _pins("run").items() <= _pins("test").items()


def test_what_the_package_imports_it_declares() -> None:
    declared = set(_bounds(_pyproject()["project"]["dependencies"]))
    for extra in _pyproject()["project"]["optional-dependencies"].values():
        declared |= set(_bounds(extra))
    distributions = importlib.metadata.packages_distributions()
    undeclared = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names} - {"regviz", *sys.stdlib_module_names}:
                providers = {canonicalize_name(provider) for provider in distributions.get(name, [])}
                if not providers & declared:
                    undeclared.add((name, path.relative_to(ROOT).as_posix()))
    assert undeclared == set()


def test_the_version_has_one_source() -> None:
    assert importlib.metadata.version("regviz") == regviz.__version__


def test_every_public_name_is_there() -> None:
    assert len(set(regviz.__all__)) == len(regviz.__all__)
    assert [name for name in regviz.__all__ if not hasattr(regviz, name)] == []
    assert set(regviz.__all__) <= set(dir(regviz))


def test_the_schema_is_there_once_regviz_is_imported() -> None:
    """As README.md says: no test must have imported it before."""
    line = "import regviz as rv; print(rv.schema.TABLES['tags'].key)"
    told = subprocess.run([sys.executable, "-c", line], check=True, capture_output=True, text=True).stdout
    assert told == "('repository', 'tag')\n"


def test_importing_regviz_loads_nothing_heavy() -> None:
    heavy = {
        "pandas",
        "numpy",
        "scipy",
        "pyarrow",
        "matplotlib",
        "networkx",
        "docker",
        "fsspec",
        "IPython",
        "nbconvert",
    }
    loaded = _run(sys.executable, "-c", "import regviz, sys; print(*sys.modules)")
    assert loaded.returncode == 0, loaded.stderr
    assert heavy & set(loaded.stdout.split()) == set()


def test_the_command_starts() -> None:
    [command] = importlib.metadata.entry_points(group="console_scripts", name="regviz")
    assert callable(command.load())
    printed = _run(sys.executable, "-c", "from regviz.cli import main; main()", "--version")
    assert printed.returncode == 0, printed.stderr
    assert regviz.__version__ in printed.stdout


def test_the_types_are_published() -> None:
    assert (ROOT / "regviz" / "py.typed").read_bytes() == b""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_fits_in_a_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_carry_no_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        assert not cell.get("outputs"), cell["id"]
        assert cell.get("execution_count") is None, cell["id"]


def test_the_wheel_carries_notebooks_and_data(tmp_path: Path) -> None:
    built = _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {path for path in (ROOT / "data").glob("*") if path.is_file() and path.suffix != ".py"}
    assert {path.name for path in data} >= {"world-v1.tar.gz", "world-distribution.tar.gz", "README.md"}
    shared = {path.relative_to(ROOT).as_posix() for path in data.union(NOTEBOOKS)}
    prefix = "regviz/_share/"
    assert {name.removeprefix(prefix) for name in names if name.startswith(prefix)} == shared
    assert {path.relative_to(ROOT).as_posix() for path in MODULES} <= names
    assert {name.partition("/")[0] for name in names} == {"regviz", f"regviz-{regviz.__version__}.dist-info"}


@pytest.mark.parametrize(
    "target", ["report", "test", "lab", "lint", "bench", "bundle", "clean", "data", "lock", "help"]
)
def test_make_knows_its_targets(target: str) -> None:
    planned = _run("make", "--dry-run", target)
    assert planned.returncode == 0, planned.stderr
    assert re.search(rf"(?m)^  make {target} ", _run("make").stdout)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_pages_name_real_targets(page: str) -> None:
    known = set(re.findall(r"(?m)^  make (\w+) ", _run("make").stdout))
    named = set(re.findall(r"(?m)(?:`|^(?:    )?(?:\$ )?)make ([a-z]+)\b", (ROOT / page).read_text(encoding="utf-8")))
    assert named <= known


def test_what_the_readme_shows_is_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGVIZ_SOURCE", raising=False)
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 4


def _set_up(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """What scripts/setup answers in a checkout without .venv, asked to make it from that interpreter."""
    copy = folder / "checkout" / "scripts" / "setup"
    copy.parent.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", copy)
    answer = _run(str(copy), "run", PYTHON=python)
    assert not (folder / "checkout" / ".venv").exists()
    return answer


@pytest.mark.parametrize(
    ("module", "code", "complaint"),
    [
        ("sitecustomize", "import sys; sys.version_info = (3, 9, 2)", "is Python 3.9"),
        ("sitecustomize", "import sys; sys.version_info = (3, 40, 0)", "is Python 3.40"),
        ("ensurepip", "raise ImportError", "apt-get install python3-venv"),
    ],
)
def test_setup_says_in_one_line_what_python_lacks(tmp_path: Path, module: str, code: str, complaint: str) -> None:
    (tmp_path / f"{module}.py").write_text(code)
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    answer = _set_up(tmp_path, str(python))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert re.fullmatch(rf"regviz: .*{complaint}.*\n", answer.stderr)


def test_setup_says_where_there_is_no_python(tmp_path: Path) -> None:
    answer = _set_up(tmp_path, "no-such-python")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert re.fullmatch(r"regviz: there is no no-such-python; .*make PYTHON=.*\n", answer.stderr)


def test_git_leaves_the_archives_alone() -> None:
    _need_git()
    asked = _run("git", "-c", "safe.directory=*", "check-attr", "text", "diff", "--", "data/world-v1.tar.gz")
    assert asked.stdout.splitlines() == [
        "data/world-v1.tar.gz: text: unset",
        "data/world-v1.tar.gz: diff: unset",
    ]


@pytest.mark.parametrize("word", [*INDEX_HOSTS, *PLACES])
def test_no_file_names_a_place_that_is_not_the_readers(word: str) -> None:
    assert [name for name, text in _texts().items() if word in text.lower()] == []


def test_only_tests_look_beside_the_checkout() -> None:
    named = [name for name, text in _texts().items() if "../shared" in text]
    assert [name for name in named if not name.startswith("tests/")] == []


SKIPS = """
import pytest
def test_plain(): pytest.skip("nothing here")
@pytest.mark.skipif(True, reason="not today")
def test_marked(): pass
@pytest.mark.skipif(True, reason="no-python-2.7: none on the PATH")
def test_allowed(): pass
@pytest.mark.xfail(reason="known", strict=True)
def test_xfail(): raise AssertionError
"""


@pytest.mark.parametrize(
    ("ci", "outcomes"),
    [("", "3 skipped, 1 xfailed"), ("true", "1 failed, 1 skipped, 1 xfailed, 1 error")],
)
def test_under_ci_a_skip_is_a_failure(tmp_path: Path, ci: str, outcomes: str) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    printed = _run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", cwd=tmp_path, CI=ci).stdout
    assert f"{outcomes} in " in printed
