"""Commands that show what lies there: tree, table, graph, detect, rules."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import (
    Reading,
    binary_output,
    engine_options,
    format_option,
    object_options,
    output_option,
    reading_options,
    refuse_to_harm,
    repository_options,
    source_argument,
    tag_option,
    top_option,
)
from regviz.cli.output import chosen_format, is_for_people, terminal_width, write_lines, write_table

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    import networkx as nx
    import pandas as pd

    from regviz.cli.options import TableFormat
    from regviz.cli.output import TextFormat
    from regviz.live.containers import Opened

_MEASURED = "what the files take, by category; measured when asked for"
_GRAPH_SUFFIXES = {".graphml": "graphml", ".dot": "dot", ".gv": "dot", ".json": "json", ".svg": "svg"}


@click.command()
@source_argument
@click.option("--full", is_flag=True, help="Show every entry, and every digest whole.")
@click.option("--depth", metavar="N", type=click.IntRange(min=1), help="Show N levels of directories.")
@repository_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "csv", "json", "parquet"]),
    help="text (the default), or a table. A suffix of FILE says it too.",
)
@output_option
@reading_options
def tree(  # one an option
    source: str | None,
    *,
    full: bool,
    depth: int | None,
    repositories: tuple[str, ...],
    excluded: tuple[str, ...],
    format_: TextFormat | None,
    output: str | None,
    reading: Reading,
) -> None:
    """Print the storage, each entry explained.

    As find prints it, with what each entry is and whose it is. What repeats is shown once or twice, and the rest
    counted. With --repository or --exclude only repositories are shown, and up to forty of them are opened.
    """
    from regviz.tree import Tree, refuse_address, tree_lines, tree_rows

    refuse_to_harm(source, output)
    refuse_address(source)
    chosen = chosen_format("table" if format_ == "text" else format_, output)
    opened = reading.opened(source)
    registry = reading.read(opened)
    rows = tree_rows(
        opened,
        registry=registry,
        full=full,
        depth=depth,
        chosen=repository_matcher(repositories, excluded),
        partial=reading.partial,
        progress=reading.bars(),
        storage_options=reading.storage_options,
    )
    if chosen == "table":
        write_lines(tree_lines(rows, terminal_width(output), full=full), output)
    else:
        write_table(Tree(tuple(rows)).table(), chosen, output)


@click.command()
@click.argument("source_and_table", nargs=-1, metavar="[SOURCE] [TABLE]", type=click.Path(readable=False))
@repository_options
@tag_option
@top_option
@format_option
@output_option
@reading_options
def table(  # one an option
    source_and_table: tuple[str, ...],
    *,
    repositories: tuple[str, ...],
    excluded: tuple[str, ...],
    tag: re.Pattern[str] | None,
    top: int | None,
    format_: TableFormat | None,
    output: str | None,
    reading: Reading,
) -> None:
    """Print a table of the registry.

    Without TABLE it tells which tables there are. Tables of manifests are chosen from by the repositories that
    serve them and the tags that reach them.
    """
    from regviz.schema import TABLES

    source, name = _source_and_table(source_and_table, [*TABLES, "images"])
    refuse_to_harm(source, output)
    chosen_format(format_, output)
    registry = reading.read(source, measure=name == "storage")
    if name is None:
        import pandas as pd

        about = {each: table.about for each, table in TABLES.items()} | {"images": "the manifests that a host can run"}
        counts: dict[str, int | None] = {each: len(registry.table(each)) for each in about}
        if not counts["storage"]:
            counts["storage"], about["storage"] = None, _MEASURED
        frame = pd.DataFrame({"table": [*about], "rows": [*counts.values()], "about": [*about.values()]})
        frame = frame.astype({"rows": "Int64"})
    else:
        frame = choose_rows(registry.table(name), registry, repository_matcher(repositories, excluded), tag)
    write_table(frame if top is None else frame.head(top), format_, output)


def _source_and_table(given: tuple[str, ...], tables: list[str]) -> tuple[str | None, str | None]:
    """What one or two words mean: a table is told by its name."""
    if len(given) > 2:
        raise click.UsageError(f"Got too many arguments: {' '.join(given[2:])}")
    if len(given) == 2:
        source, name = given
        if name not in tables:
            raise click.UsageError(f"There is no table {name!r}; there are {', '.join(tables)}.")
        return source, name
    if given and given[0] in tables:
        return None, given[0]
    from regviz.live import is_address
    from regviz.live.containers import is_container
    from regviz.live.docker_engine import is_engine
    from regviz.storage.objects import is_object_address

    tests = is_address, is_engine, is_container, is_object_address
    is_place = given and (any(test(given[0]) for test in tests) or os.path.lexists(given[0]))
    if given and os.sep not in given[0] and not is_place:
        from regviz.errors import SourceNotFoundError

        raise SourceNotFoundError(f"nothing lies at {given[0]}, and it is no table: those are {', '.join(tables)}")
    return given[0] if given else None, None


@click.command()
@source_argument
@click.option("--objects", is_flag=True, help="Tags, manifests and blobs, instead of the forest of layers.")
@click.option("--collapse", is_flag=True, help="Each run of layers that nobody names as one node.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["graphml", "dot", "json", "svg"]),
    help="A suffix of FILE says it too. [default: dot]",
)
@output_option
@reading_options
def graph(  # one an option
    source: str | None,
    *,
    objects: bool,
    collapse: bool,
    format_: str | None,
    output: str | None,
    reading: Reading,
) -> None:
    """Write the forest of layers as a graph.

    Its edges lead from a layer to what was built on it. dot is for Graphviz, graphml for Gephi, yEd and networkx,
    json is networkx' node-link data, svg a picture.
    """
    refuse_to_harm(source, output)
    suffix = Path(output or "x.dot").suffix.lower()
    chosen = format_ or _GRAPH_SUFFIXES.get(suffix)
    if chosen is None:
        raise click.UsageError(
            f"{output} does not say what to write: give --format, or a FILE.{{graphml,dot,json,svg}}"
        )
    if objects and collapse:
        raise click.UsageError("--objects does not go with --collapse, which is about layers.")
    if chosen == "svg" and (objects or collapse):
        raise click.UsageError("A picture is of the forest of layers, and collapses runs where it must.")
    registry = reading.read(source)
    from regviz.graph import collapse_chains, layer_graph, object_graph, write_graph

    with reading.working("drawing" if chosen == "svg" else "graph"), binary_output(output) as file:
        made = object_graph(registry) if objects else layer_graph(registry)
        if chosen == "svg":
            file.write(_picture(made).encode())
        else:
            write_graph(collapse_chains(made) if collapse else made, file, chosen)


def _picture(forest: nx.DiGraph[Any]) -> str:
    """The forest as an SVG document."""
    from regviz import plot
    from regviz.plot.svg import to_svg

    axes = plot.forest(forest)
    title = next((title for loc in ("left", "center", "right") if (title := axes.get_title(loc))), "The layers")
    figure = axes.get_figure(root=True)
    description = str(getattr(axes, "description", ""))
    return to_svg(figure, title=title, description=description) if figure else ""


@click.command()
@source_argument
@format_option
@output_option
@click.option("--partial", is_flag=True, help="Go by what is there where an archive breaks off.")
@click.option("--insecure", is_flag=True, help="Allow plain HTTP to other machines than this one.")
@engine_options
@object_options
def detect(
    source: str | None,
    *,
    format_: TableFormat | None,
    output: str | None,
    partial: bool,
    insecure: bool,
    storage_options: dict[str, Any],
    **engine: Any,
) -> None:
    """Say what SOURCE is, and why.

    And where its root lies. It is recognised and not read, so a large storage takes no longer than a small one.
    """
    refuse_to_harm(source, output)
    opened = Reading(partial=partial, target=output, **engine).opened(source)
    found = _detected(opened, storage_options, partial=partial, insecure=insecure)
    write_table(found, format_, output)


def _detected(
    source: str | Opened | None, storage_options: dict[str, Any], *, partial: bool, insecure: bool
) -> pd.DataFrame:
    import pandas as pd

    from regviz.layouts.recognise import recognise
    from regviz.live import detect as detect_live
    from regviz.live import is_address, is_archive
    from regviz.live.containers import Opened
    from regviz.live.docker_engine import is_engine
    from regviz.read import open_source, read, source_path
    from regviz.storage import open_storage
    from regviz.text import decode_name

    path = source_path(source)
    how = f"; {source.why}" if isinstance(source, Opened) else ""
    if is_engine(path):
        rows = [("docker-engine", ".", "the source says so")]
    elif is_address(path) and not is_archive(path):
        rows = [detect_live(path, insecure=insecure)]
    else:
        if isinstance(source, Opened):
            storage = source.storage
        elif "://" in path:
            storage = open_source(
                path, partial=partial, storage_options=storage_options, over_http={"insecure": insecure}
            )
        else:
            storage = open_storage(path, partial=partial)  # roots are told as seen from what was given
        if not isinstance(source, Opened) and not storage.by_path:
            for _ in storage.entries():  # an archive that breaks off further on is none to rely on
                pass
        rows = [
            (
                found.layout,
                decode_name(found.root) or ".",
                f"{found.why}{how}. Instead, {found.instead}" if found.instead else found.why + how,
            )
            for found in recognise(storage)
        ]
    if not rows:
        read(source, partial=partial, storage_options=storage_options)  # says what was looked for, and what was seen
    return pd.DataFrame(rows, columns=["layout", "root", "why"], dtype="str")


@click.command()
@click.argument("names", nargs=-1, metavar="[RULE]…")
@format_option
@output_option
def rules(names: tuple[str, ...], *, format_: TableFormat | None, output: str | None) -> None:
    """Explain the rules a registry can break.

    What each means, who says so, what to do. The problems that a registry has are one of its tables:
    regviz table SOURCE problems.
    """
    from regviz import problems

    catalogue = problems.rules()
    unknown = set(names).difference(catalogue["rule"])
    if unknown:
        raise click.UsageError(f"There is no rule {', '.join(sorted(unknown))}; regviz rules lists all.")
    chosen = catalogue[catalogue["rule"].isin(names)] if names else catalogue
    if is_for_people(format_, output):
        write_lines(_explained(chosen, terminal_width(output) or 100), output)
    else:
        write_table(chosen, format_, output)


def _explained(catalogue: pd.DataFrame, width: int) -> Iterator[str]:
    columns = ("rule", "severity", "meaning", "action", "source", "aborts")
    for rule, severity, meaning, action, source, aborts in zip(*(catalogue[name] for name in columns), strict=True):
        yield f"{rule}  ({severity})"
        said = [meaning, f"→ {action}", f"[{source}]", *([f"Stops the collector: {aborts}"] if aborts else [])]
        for text in said:
            indent = "    "
            yield from textwrap.wrap(
                text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
            )
        yield ""
