"""Table cells as HTML: bytes, numbers, digests, times and names the way a person reads them.

A cell shows the short form. The exact value stands in its ``title``, and in ``data-v`` where that sorts it.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Literal

from regviz.schema import TABLES
from regviz.text import escape_html, format_bytes, format_date, short_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

CellKind = Literal["bytes", "number", "share", "time", "flag", "digest", "text"]

NUMERIC: frozenset[CellKind] = frozenset({"bytes", "number", "share"})
_DIGEST_COLUMNS = {c.name for table in TABLES.values() for c in table.columns if c.kind == "digest"}
_DIGEST_COLUMNS |= {"image"}  # of answers
_DIGEST_COLUMNS |= {"old_manifest"}
_DIGEST = re.compile(r"(?:[a-z0-9]+:)*[0-9a-f]{16,128}")
_LINE_BREAKS = re.compile(r"[\t\n\r]+")
_LONGEST_LINE = 28  # what is longer may be broken, and rather where a part of it ends
_PART_ENDS = re.compile(r"(?<=[^/.][/.])(?=[^/.])")
_LONGEST_TEXT = 160
_LONGEST_TITLE = 2_000


def cell_kind(name: str, values: pd.Series[Any]) -> CellKind:
    """How a column is shown, by its name and its type.

    Examples
    --------
    >>> import pandas as pd
    >>> [cell_kind(name, pd.Series([1])) for name in ("blob_bytes", "bytes", "layers")]
    ['bytes', 'bytes', 'number']
    >>> cell_kind("layer", pd.Series(["ab"])), cell_kind("repository", pd.Series(["ab"]))
    ('digest', 'text')
    """
    from pandas.api import types  # loaded when asked for

    if types.is_datetime64_any_dtype(values.dtype):
        return "time"
    if types.is_bool_dtype(values.dtype):
        return "flag"
    if types.is_numeric_dtype(values.dtype):
        if name.endswith("bytes"):
            return "bytes"
        return "share" if types.is_float_dtype(values.dtype) else "number"
    return "digest" if name in _DIGEST_COLUMNS else "text"


def cells(values: pd.Series[Any], kind: CellKind) -> list[str]:
    """A column's ``<td>``, NA as a dash.

    Examples
    --------
    >>> import pandas as pd
    >>> for td in cells(pd.Series([1364000000, None], dtype="Int64"), "bytes"):
    ...     print(td)
    <td class="n" data-v="1364000000" title="1,364,000,000 bytes">1.27 GiB</td>
    <td class="n na">—</td>
    >>> cells(pd.Series(["<b>", "nan"]), "text")
    ['<td>&lt;b&gt;</td>', '<td>nan</td>']
    """
    show = _SHOWN[kind]
    known = values.notna().tolist()
    unknown = f'<td class="{"n na" if kind in NUMERIC else "na"}">—</td>'
    return [show(value) if here else unknown for value, here in zip(values, known, strict=True)]


def _bytes(value: Any) -> str:
    count = round(value)
    return f'<td class="n" data-v="{count}" title="{count:,} bytes">{format_bytes(count)}</td>'


def _number(value: Any) -> str:
    return f'<td class="n" data-v="{value}">{value:,}</td>'


def _share(value: float) -> str:
    exact = float(value)
    return f'<td class="n" data-v="{exact!r}" title="{exact!r}">{exact:.3g}</td>'


def _time(value: dt.datetime) -> str:
    moment = value.astimezone(dt.UTC)
    parts = f".{moment.microsecond:06}" if moment.microsecond else ""
    exact = f"{moment:%Y-%m-%d %H:%M:%S}{parts} UTC"
    seconds = f"{moment.timestamp():.6f}" if parts else str(int(moment.timestamp()))
    return f'<td class="t" data-v="{seconds}" title="{exact}">{format_date(moment)}</td>'


def _flag(value: Any) -> str:
    return f"<td>{'yes' if value else 'no'}</td>"


def _digest(value: Any) -> str:
    text = str(value)
    if not _DIGEST.fullmatch(text):
        return _text(text)
    short = short_digest(text)
    # The rest is there, of no width: it is found by the search and copied with the beginning.
    rest = f"<i>{text[len(short) :]}</i>" if len(text) > len(short) else ""
    return f'<td class="d" title="{text}"><code>{short}{rest}</code></td>'


def _text(value: Any) -> str:
    exact = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    text = _LINE_BREAKS.sub(" ", exact)
    if text == exact and len(text) <= _LONGEST_LINE:
        return f"<td>{escape_html(text)}</td>"
    if text == exact and len(text) <= _LONGEST_TEXT:
        return f'<td class="w">{_breakable(text)}</td>'
    if len(exact) > _LONGEST_TITLE:
        exact = f"{exact[:_LONGEST_TITLE]}… ({len(exact):,} characters)"
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return f'<td class="w" title="{escape_html(exact)}">{escape_html(shown)}</td>'


def _breakable(text: str) -> str:
    """Text as HTML; what is one long word, such as a media type, is rather broken after a part of it.

    Examples
    --------
    >>> _breakable("application/vnd.oci.image.index"), _breakable("a/b c")
    ('application/<wbr>vnd.<wbr>oci.<wbr>image.<wbr>index', 'a/b c')
    """
    parts = [text] if " " in text else _PART_ENDS.split(text)
    return "<wbr>".join(map(escape_html, parts))


_SHOWN: dict[CellKind, Callable[[Any], str]] = {
    "bytes": _bytes,
    "number": _number,
    "share": _share,
    "time": _time,
    "flag": _flag,
    "digest": _digest,
    "text": _text,
}
