"""What every test may use, and the rule for skips."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.together import common_folder, once

if TYPE_CHECKING:
    from collections.abc import Generator

# What tests share explains itself when it fails; said here, before any test imports it.
pytest.register_assert_rewrite("tests.helpers", "tests.layouts.cases")

ROOT = Path(__file__).resolve().parents[1]

NO_DUMPS = "no-shared-dumps"
NO_PYTHON_2 = "no-python-2.7"

# The two things a machine may lack without any fault of its own: the collection of dumps that lies beside the
# checkout where the project is developed, and the interpreter the v1 server of 2014 needs.
ALLOWED_SKIPS = (NO_DUMPS, NO_PYTHON_2)

# How long an example takes is the machine's affair. Where CI runs, the examples are the same each time.
settings.register_profile(
    "regviz",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
)
settings.load_profile("regviz")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a skipped test is a failed test."""
    report = yield
    _hold(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """With CI=true a module that skips itself is a failure too."""
    report = yield
    _hold(report)
    return report


def _hold(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} skips, and with CI=true only {ALLOWED_SKIPS} may: {reason}"


@pytest.fixture(scope="session", autouse=True)
def contract_check() -> Generator[None]:
    """Every Registry that a test reads is held to the contract of its tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGVIZ_CHECK", "1")
        patch.delenv("COLUMNS", raising=False)  # which processes of the tests have, though there is no terminal
        yield


@pytest.fixture(scope="session")
def shared_dumps() -> Path:
    """The folder of real registry dumps beside the checkout."""
    folder = ROOT.parent / "shared" / "dumps"
    if not folder.is_dir():
        pytest.skip(f"{NO_DUMPS}: there is no {folder}")
    return folder


@pytest.fixture
def open_to_all() -> Generator[Path]:
    """A folder that anybody may look into, which a test's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the notebooks' site, made of the world that ships."""
    from regviz.report.site import site

    folder, source = common_folder(tmp_path_factory, "site"), ROOT / "data" / "world-distribution.tar.gz"
    with once(folder / "made") as wanted:
        if wanted:
            site(folder / "pages", source, notebooks=site_pages())
            (folder / "made").touch()
    return folder / "pages"


def site_pages() -> list[str]:
    """The notebooks that the tests' site has: of the lessons the first alone, as `tests/lesson` runs each."""
    from regviz.lesson.forms import names
    from regviz.report.site import shipped

    return [name for name in shipped() if name not in names()[1:]]


@pytest.fixture(scope="session")
def lessons_ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lessons that ship are run, each once, for all tests that look at what came of it."""
    return common_folder(tmp_path_factory, "lessons")
