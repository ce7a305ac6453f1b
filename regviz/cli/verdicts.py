"""What a check found, in the forms that pipelines and monitoring read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from regviz.cli.plain import plain_columns
from regviz.text import count_noun, escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from regviz.source import Source

    Rows = list[dict[str, Any]]

_WORDS = {True: "held", False: "broken", None: "cannot know"}
_NO_XML = re.compile("[\ufffe\uffff]")


def rows_of(table: pd.DataFrame) -> Rows:
    """The rows of a check, as plain values."""
    columns = plain_columns(table)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def as_text(table: pd.DataFrame, source: Source) -> Iterator[str]:
    """For a person, a line a rule."""
    del source
    for row in rows_of(table):
        yield f"{_WORDS[row['held']]}: {_sentence(row)}"


def as_json(table: pd.DataFrame, source: Source) -> Iterator[str]:
    """One object: the source, when it was read, whether all is held, and the rules."""
    said = {
        "source": source.uri,
        "read_at": source.read_at.isoformat(),
        "held": table.attrs["held"],
        "rules": rows_of(table),
    }
    yield json.dumps(said, indent=1)


def as_junit(table: pd.DataFrame, source: Source) -> Iterator[str]:
    """JUnit's XML: a test case a rule, a failure where it is broken, an error where that cannot be known."""
    rows = rows_of(table)
    counts = {
        "tests": len(rows),
        "failures": sum(row["held"] is False for row in rows),
        "errors": sum(row["held"] is None for row in rows),
    }
    said = {name: str(count) for name, count in counts.items()} | {"time": "0"}
    whole = ET.Element("testsuites", {"name": "regviz check"} | said)
    moment = source.read_at.strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(whole, "testsuite", {"name": "regviz check"} | said | {"skipped": "0", "timestamp": moment})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "source", "value": _xml(source.uri)})
    for row in rows:
        case = ET.SubElement(suite, "testcase", {"classname": "regviz.check", "name": row["rule"], "time": "0"})
        if row["held"] is not True:
            kind = "error" if row["held"] is None else "failure"
            found = ET.SubElement(case, kind, {"message": _xml(_sentence(row)), "type": _WORDS[row["held"]]})
            found.text = _xml(row["detail"])
    ET.indent(whole)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield from ET.tostring(whole, encoding="unicode").splitlines()


def as_prometheus(table: pd.DataFrame, source: Source) -> Iterator[str]:
    """Prometheus' text format: gauges, for the node exporter's textfile collector or a Pushgateway."""
    rows = rows_of(table)
    label = source.uri.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    metrics: list[tuple[str, str, list[tuple[str, str]]]] = [
        (
            "held",
            "Whether the limit is held (1) or broken (0); NaN where that cannot be known.",
            [(row["rule"], "NaN" if row["held"] is None else str(int(row["held"]))) for row in rows],
        )
    ]
    for unit in ("bytes", "problems"):
        for name, about in (("found", "What there is"), ("limit", "The most there may be")):
            known = [(row["rule"], str(row[name])) for row in rows if row["unit"] == unit and row[name] is not None]
            metrics.append((f"{name}_{unit}", f"{about}, in {unit}.", known))
    for name, about, values in metrics:
        if values:
            yield f"# HELP regviz_check_{name} {about}"
            yield f"# TYPE regviz_check_{name} gauge"
            yield from (f'regviz_check_{name}{{rule="{rule}",source="{label}"}} {value}' for rule, value in values)
    yield "# HELP regviz_check_read_timestamp_seconds When the registry was read."
    yield "# TYPE regviz_check_read_timestamp_seconds gauge"
    yield f'regviz_check_read_timestamp_seconds{{source="{label}"}} {source.read_at.timestamp():.3f}'


def _sentence(row: dict[str, Any]) -> str:
    """A rule and what became of it, in one line."""
    said = [_amount(row[name], row["unit"]) for name in ("found", "limit")]
    within = f"{said[0]} found, at most {said[1]}" if row["found"] is not None and row["limit"] is not None else ""
    return escape_terminal(
        "; ".join(part for part in (f"{row['rule']}: {within}" if within else row["rule"], row["detail"]) if part)
    )


def _amount(value: int | None, unit: str) -> str:
    return format_bytes(value) if unit == "bytes" or value is None else count_noun(value, "problem")


def _xml(text: str) -> str:
    """Text without what XML 1.0 does not take."""
    return _NO_XML.sub("?", escape_terminal(text))


FORMATS = {"text": as_text, "json": as_json, "junit": as_junit, "prometheus": as_prometheus}
