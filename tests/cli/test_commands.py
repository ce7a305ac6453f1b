"""The other commands, and what all have in common."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, get_args
from xml.etree import ElementTree as ET

import click
import networkx as nx
import pytest

import regviz
from regviz.analysis.members import Grain
from regviz.cli import main
from regviz.graph import FORMATS, collapse_chains, layer_graph, object_graph, write_graph
from regviz.problems import RULES
from regviz.read import read
from regviz.tree import tree
from tests.cli.running import START, WORLD, WORLD_V1, done, run
from tests.conftest import ROOT
from tests.helpers import Store

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = list(main.commands.values())
ISSUE = {"report", "tree", "table", "graph", "sizes", "lab", "capture", "world", "rules", "detect", "plan"}
ISSUE |= {"garbage", "who-uses", "bases", "nearest-base", "ancestors", "descendants", "compare", "diff"}
ISSUE |= {"churn", "transfer", "history", "tag-history", "stale-tags", "growth", "forecast", "check"}
ISSUE |= {"doctor", "reconcile", "sharing", "owner-sets", "clusters", "what-if", "delete-together"}
