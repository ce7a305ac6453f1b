"""What can be asked in the live widgets: each question's answer, its figure, and the code that gives both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regviz import analysis, plot
from regviz.explore.choices import call
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    import networkx as nx
    import pandas as pd
    from matplotlib.axes import Axes

    from regviz.explore.choices import Choices
    from regviz.registry import Registry

    Question = Callable[["Asked"], "Answer"]

_CHOOSE = "rv.choose_rows"
_BY_TIME = ("keep_last", "older_than")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown.

    Attributes
    ----------
    table : pandas.DataFrame
    draw : callable
        Draws its figure.
    code : tuple of str
        Lines that give the table, and end with the figure.
    said : str
        A sentence about it; empty where the figure says all.
    largest : str
        The column by which the table is shown.
    """

    table: pd.DataFrame
    draw: Callable[[], Axes]
    code: tuple[str, ...]
    said: str = ""
    largest: str = ""


class Held:
    """What answers to all choices rest on, asked for once."""

    def __init__(self, reg: Registry) -> None:
        self.reg = reg
        self.tags = reg.tags
        self.repositories: list[str] = reg.repositories["repository"].astype(str).tolist()
        self._sizes: dict[str, pd.DataFrame] = {}

    def sizes(self, by: Any) -> pd.DataFrame:
        """Bytes by repository or tag."""
        if by not in self._sizes:
            self._sizes[by] = analysis.sizes(self.reg, by=by)
        return self._sizes[by]

    @cached_property
    def tag_images(self) -> pd.DataFrame:
        """Layers of images of tags."""
        return analysis.tag_images(self.reg)

    @cached_property
    def layer_graph(self) -> nx.DiGraph[Any]:
        """The forest of layers."""
        return self.reg.layer_graph()

    @cached_property
    def history(self) -> pd.DataFrame:
        """Growth by month."""
        return analysis.history(self.reg)

    @cached_property
    def tag_history(self) -> pd.DataFrame:
        """What tags pointed to."""
        return analysis.tag_history(self.reg)


class Asked:
    """A question's registry and choices, and the tags that are chosen.

    Attributes
    ----------
    held : Held
    choices : Choices
    tags : pandas.DataFrame
        Rows of `reg.tags`.
    """

    def __init__(self, held: Held, choices: Choices) -> None:
        self.held, self.choices = held, choices
        filters = choices.filters()
        self.tags = analysis.choose_rows(held.tags, **filters) if filters else held.tags
        self.first = (f"tags = {call(_CHOOSE, 'reg.tags', **filters)}",) if filters else ()

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table that belong to chosen tags."""
        return analysis.choose_rows(table, tags=self.tags) if self.first else table

    def rows(self, asked: str) -> str:
        """The same as code."""
        return f"table = {_CHOOSE}({asked}, tags=tags)" if self.first else f"table = {asked}"

    def said(self) -> str:
        """How many tags are chosen."""
        every = len(self.held.tags)
        repositories = self.tags["repository"].nunique()
        chosen = f"{len(self.tags):,} of {count_noun(every, 'tag')}"
        return f"{chosen}, in {count_noun(repositories, 'repository', 'repositories')}."


def _by(grain: str) -> Question:
    def sizes(asked: Asked) -> Answer:
        table = asked.of(asked.held.sizes(grain))
        code = (*asked.first, asked.rows(call("rv.sizes", "reg", by=grain)), "rv.plot.sizes(table)")
        return Answer(table, lambda: plot.sizes(table), code, largest="exclusive_bytes")

    return sizes


def tag_map(asked: Asked) -> Answer:
    """Tags, images and layers."""
    table = asked.of(asked.held.tag_images)
    code = (*asked.first, asked.rows("rv.tag_images(reg)"), "rv.plot.tag_map(table)")
    return Answer(table, lambda: plot.tag_map(table), code)


def forest(asked: Asked) -> Answer:
    """The forest of the layers that chosen tags stand on."""
    if not asked.first:
        graph = asked.held.layer_graph
        table = asked.held.tag_images
        code: tuple[str, ...] = ("table = rv.tag_images(reg)", "rv.plot.forest(reg.layer_graph())")
        return Answer(table, lambda: plot.forest(graph), code)
    table = asked.of(asked.held.tag_images)
    graph = asked.held.layer_graph.subgraph(table["layer"].dropna().unique())
    code = (
        *asked.first,
        asked.rows("rv.tag_images(reg)"),
        "rv.plot.forest(reg.layer_graph().subgraph(table['layer'].dropna().unique()))",
    )
    return Answer(table, lambda: plot.forest(graph), code)


def history(asked: Asked) -> Answer:
    """Growth of the whole registry, of the months that are chosen."""
    table, code = asked.held.history, ["table = rv.history(reg)"]
    since, before = asked.choices.pushed_from, asked.choices.pushed_before
    if since:
        table = table[table["period"] >= f"{since:%Y-%m}"]
        code.append(f"table = table[table['period'] >= '{since:%Y-%m}']")
    if before:
        table = table[table["period"] < f"{before:%Y-%m}"]
        code.append(f"table = table[table['period'] < '{before:%Y-%m}']")
    said = "Months are those of the whole registry: only dates choose here."
    return Answer(table, lambda: plot.history(table), (*code, "rv.plot.history(table)"), said)


def tag_history(asked: Asked) -> Answer:
    """What chosen tags pointed to."""
    table = asked.of(asked.held.tag_history)
    code = (*asked.first, asked.rows("rv.tag_history(reg)"), "rv.plot.tag_history(table)")
    return Answer(table, lambda: plot.tag_history(table), code, largest="left_bytes")


def what_if(asked: Asked) -> Answer:
    """What deleting chosen tags would free and break."""
    arguments = asked.choices.deletion()
    table = analysis.what_if(asked.held.reg, tags=asked.tags, **arguments)
    tags = "tags" if asked.first else "reg.tags"
    asking = f"table = {call('rv.what_if', 'reg', f'tags={tags}', **arguments)}"
    code = (*asked.first, asking, "rv.plot.what_if(table)")
    return Answer(table, lambda: plot.what_if(table), code, consequences(table), "bytes")


def what_if_curve(asked: Asked) -> Answer:
    """What deleting more and more of the chosen tags would free."""
    arguments = {name: value for name, value in asked.choices.deletion().items() if name not in _BY_TIME}
    table = analysis.what_if_curve(asked.held.reg, tags=asked.tags, **arguments)
    tags = "tags" if asked.first else "reg.tags"
    asking = f"table = {call('rv.what_if_curve', 'reg', f'tags={tags}', **arguments)}"
    return Answer(table, lambda: plot.what_if_curve(table), (*asked.first, asking, "rv.plot.what_if_curve(table)"))


def consequences(table: pd.DataFrame) -> str:
    """What a deletion does, in sentences.

    Examples
    --------
    >>> import regviz as rv
    >>> print(consequences(rv.what_if(rv.read(), tags=["library/tiny:1"])))
    Deleting 1 tag frees ... 1 image can be pulled no more. No index breaks.
    """
    told = table.attrs
    tags = count_noun(told["tags"], "tag") if told["tags"] else "no tag"
    if told["also_removes"]:
        tags += f" ({told['also_removes']:,} of them along with their manifests)"
    freed = format_bytes(told["freed_bytes"]) if told["freed_bytes"] else "nothing"
    said = [f"Deleting {tags} frees {freed}"]
    if told["collected_today_bytes"]:
        said[0] += f", besides {format_bytes(told['collected_today_bytes'])} that the collector would free today"
    lost = told["images_lost"]
    said.append(f"{count_noun(lost, 'image')} can be pulled no more" if lost else "Every image can still be pulled")
    broken = told["indexes_broken"]
    said.append(f"{count_noun(broken, 'index', 'indexes')} would be broken" if broken else "No index breaks")
    said += [
        f"{count_noun(told[name], 'tag')} {'is' if told[name] == 1 else 'are'} {why}"
        for name, why in _KEPT.items()
        if told[name]
    ]
    if told["uncertain_bytes"]:
        said.append(f"{format_bytes(told['uncertain_bytes'])} more may go, which cannot be told for certain")
    if told["abort"]:
        said.append(f"The collector would stop, and free nothing: {told['abort']}")
    return ". ".join(said) + "."


_KEPT = {
    "protected": "to be kept",
    "undated": "kept, because nothing tells when they were pushed",
    "spared": "kept, because a tag that is to be kept needs the manifest",
    "stuck": "such as no request can delete",
}

WHAT_IF = "What if these tags were deleted?"
HOW_MANY = "How much goes with how many of them?"
QUESTIONS: dict[str, Question] = {
    "Bytes by repository": _by("repository"),
    "Bytes by tag": _by("tag"),
    "Tags, images and layers": tag_map,
    "What stands on what": forest,
    "When it grew": history,
    "What tags pointed to": tag_history,
    WHAT_IF: what_if,
    HOW_MANY: what_if_curve,
}
"""By what a person chooses them by."""
