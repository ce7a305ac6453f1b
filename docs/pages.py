"""Write the notebooks as pages, with an index: ``python docs/pages.py FOLDER [SOURCE]``; ``make site`` does."""

from __future__ import annotations

import argparse

from regviz.cli.progress import progress_bars
from regviz.report.site import site

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("source", nargs="?")
    asked = parser.parse_args()
    print(site(asked.folder, asked.source, progress=progress_bars(wanted=None)))
