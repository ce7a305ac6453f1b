"""The catalogue of rules: complete in itself, and each rule broken by a test."""

from __future__ import annotations

import re

import pytest

from regviz.problems import RULES, rules
from regviz.read import read
from tests.conftest import ROOT
from tests.layouts import (
    test_distribution_rules,
    test_document_rules,
    test_oci_rules,
    test_storage_rules,
    test_v1_rules,
)

MODULES = (test_distribution_rules, test_document_rules, test_oci_rules, test_storage_rules, test_v1_rules)
ELSEWHERE = [
    *sorted((ROOT / "tests" / "live").glob("test_*.py")),
    *sorted((ROOT / "tests" / "layouts").glob("test_docker_*.py")),
    ROOT / "tests" / "storage" / "test_listing.py",
    ROOT / "tests" / "layouts" / "test_listing.py",
]
"""Tests that name the rules they break themselves."""
ELSEWHERE_RULES = ("answer-", "docker-", "listing-", "pages-", "repository-", "tag-")


def test_every_rule_is_broken_by_a_test() -> None:
    broken = {case.rule for module in MODULES for case in module.CASES}
    assert broken.isdisjoint(test_storage_rules.ARCHIVE_RULES)
    named = {text for file in ELSEWHERE for text in re.findall(r'"([a-z0-9.-]+)"', file.read_text(encoding="utf-8"))}
    broken |= {rule for rule in RULES.keys() & named if rule.startswith(ELSEWHERE_RULES)}
    assert broken.union(test_storage_rules.ARCHIVE_RULES) == set(RULES)


def test_what_is_said_of_a_rule_is_whole() -> None:
    table = rules()
    assert table["rule"].tolist() == list(RULES)
    assert set(table["severity"]) == {"error", "warning", "info"}
    for rule in RULES.values():
        assert re.fullmatch(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", rule.rule)
        for sentence in (rule.meaning, rule.action):
            assert re.fullmatch(r"\S.*\.", sentence), rule.rule
            assert sentence[0].isupper(), rule.rule
        assert rule.source
        assert len(rule.meaning) <= 120, "it is a heading of the report"


def test_collectors_that_stop_are_those_there_are() -> None:
    known = {"distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m"}
    assert {collector for rule in RULES.values() for collector in rule.aborts} == known


@pytest.mark.parametrize("world", ["world-v1", "world-distribution"])
def test_problems_say_what_their_rule_says(world: str) -> None:
    problems = read(ROOT / "data" / f"{world}.tar.gz").problems
    assert len(problems)
    assert problems["problem"].tolist() == list(range(len(problems)))
    for rule, severity in zip(problems["rule"], problems["severity"], strict=True):
        assert severity == RULES[rule].severity
