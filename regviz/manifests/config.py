"""Image configurations: platform, diff IDs, history, labels (image-spec config.md)."""

from __future__ import annotations

from itertools import chain, compress, repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from regviz.manifests.batches import batches, together
from regviz.manifests.found import left_out, look_through, texts_of, values_of
from regviz.manifests.json import load_object, mapping, objects
from regviz.manifests.memo import Memo, decode_deep, decoding, without
from regviz.native import Bounds, Texts, documents
from regviz.native.documents import ANYTHING, MISSING, Members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from regviz.columns import Key
    from regviz.facts import Facts
    from regviz.manifests.found import Found
    from regviz.manifests.json import Document
    from regviz.native.documents import Listed

    Codes = NDArray[np.int32]

_ARRAY = (b"", b"[")
_SPILL_AFTER = 256  # documents that come one by one
_NAMES = ("os", "architecture", "variant", "os.version")
_WANTED = Members(
    dict.fromkeys((*_NAMES, "created", "author"), ANYTHING)
    | {"rootfs": MISSING + "{", "rootfs/diff_ids": MISSING + "[", "history": MISSING + "["}
    | {"config": MISSING + "{n", "config/Labels": MISSING + "{n"},
    arrays=("rootfs/diff_ids", "history"),
    objects=("config/Labels",),
)
_STEP = Members(dict.fromkeys(("created", "created_by", "author", "comment", "empty_layer"), ANYTHING))
_COLUMNS = (
    *("config", "os", "architecture", "variant", "os_version", "created", "author"),
    *("diff_count", "history_count"),
)


class _RootFS(msgspec.Struct, gc=False):
    diff_ids: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class _Runtime(msgspec.Struct, gc=False):
    Labels: dict[str, Any] | None = None


class _Config(msgspec.Struct, gc=False):
    """A configuration as nearly all are: all else in it is passed over, steps of history are looked at once."""

    os: Any = None
    architecture: Any = None
    variant: Any = None
    os_version: Any = msgspec.field(default=None, name="os.version")
    created: Any = None
    author: Any = None
    rootfs: _RootFS = msgspec.field(default_factory=_RootFS)
    history: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    config: _Runtime | None = None


class ConfigReader:
    """Puts image configurations into `configs`, `diffs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._decode = msgspec.json.Decoder(_Config).decode
        self._words = History(facts)
        self._diff_ids, self._names, self._authors, self._label_names = Memo(), Memo(), Memo(), Memo()
        self._add_names, self._add_authors = decoding(facts.names.codes), decoding(facts.texts.codes)
        self._diffs = facts.diffs.column("diff_id")
        self._staged_ids = facts.diff_ids.column("diff_id").staged

    def read(self, digest: Key, data: bytes) -> None:
        """Take one configuration; one that is no JSON object becomes a problem."""
        if self._facts.configs.numbered % _SPILL_AFTER == 0:
            self._facts.spill()
        self._take([(digest, data)])

    def read_many(self, documents: Iterable[tuple[Key, bytes]]) -> None:
        """Take configurations as :meth:`read` takes one; each of many costs half as much."""
        for some in batches(documents):
            self._take(some)
            self._facts.spill()

    def read_texts(self, keys: Sequence[Key], texts: Texts) -> None:
        """Take configurations that stand in one text. The library of :mod:`regviz.native` is there."""
        found, good = look_through(texts, _WANTED)
        self._add_found([*compress(keys, good)], found.only(good))
        if others := left_out(keys, texts, good):
            self._decode_each(others)
            self._facts.spill()

    def _take(self, documents: list[tuple[Key, bytes]]) -> None:
        if (texts := together(documents)) is not None:
            self.read_texts(*texts)
        else:
            self._decode_each(documents)

    def _decode_each(self, documents: list[tuple[Key, bytes]]) -> None:
        plain, others = [], []
        for digest, data in documents:
            try:
                config = decode_deep(self._decode, data)
                diff_ids, history = bytes(config.rootfs.diff_ids), bytes(config.history)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                others.append((digest, data))
                continue
            if diff_ids[:1] in _ARRAY and history[:1] in _ARRAY:
                plain.append((digest, config, diff_ids, history))
            else:
                others.append((digest, data))
        self._add_plain(plain)
        for digest, data in others:
            self._read_leniently(digest, data)

    def _add_found(self, keys: list[Key], found: Found) -> None:
        """Take configurations that were looked through: texts that are known are not made again."""
        configs = self._facts.configs
        numbers, counts = self._diff_ids.numbers_in(found.text, found.listed["rootfs/diff_ids"], self._add_found_ids)
        self._diffs.extend_numbers(numbers)
        configs.column("config").extend(keys)
        names = self._names.of(found.text, found.bounds(*_NAMES), self._add_names).reshape(len(_NAMES), -1)
        for name, codes in zip(_NAMES, names, strict=True):
            configs.column(name.replace(".", "_")).extend_numbers(codes)
        configs.column("created").extend_numbers(found.moments("created"))
        authors = self._authors.of(found.text, found.bounds("author"), self._add_authors)
        configs.column("author").extend_numbers(authors)
        configs.column("diff_count").extend_numbers(np.where(found.bounds("rootfs/diff_ids").starts < 0, -1, counts))
        configs.column("history_count").extend_numbers(self._words.add_found(found.text, found.listed["history"]))
        self._add_found_labels(configs.numbers(len(keys)), found)

    def _add_found_labels(self, rows: range, found: Found) -> None:
        labels, names, values = self._facts.labels, found.listed["config/Labels"], found.listed["config/Labels/*"]
        labels.column("config").extend_numbers(np.repeat(rows, names.counts))
        labels.column("key").extend_numbers(self._label_names.numbers_in(found.text, names, self._add_names)[0])
        codes = texts_of(found.text, values.different, self._facts.texts, keep_empty=True)
        labels.column("value").extend_numbers(codes)

    def _add_plain(self, configs: list[tuple[Key, _Config, bytes, bytes]]) -> None:
        if not configs:
            return
        digests, decoded, diff_ids, histories = zip(*configs, strict=True)
        numbers, counts = self._diff_ids.numbers(diff_ids, self._add_diff_ids)
        self._diffs.extend_numbers(numbers)
        diff_counts = [count if raw else -1 for count, raw in zip(counts.tolist(), diff_ids, strict=True)]
        rows = self._add(digests, decoded, diff_counts, self._words.add_raw(histories))
        self._add_labels(
            [
                (row, config.config.Labels)
                for row, config in zip(rows, decoded, strict=True)
                if config.config is not None and config.config.Labels
            ]
        )

    def _read_leniently(self, digest: Key, data: bytes) -> None:
        document = load_object(data)
        if document is None:
            self._facts.problem("config-unreadable", blob=digest, detail=f"{len(data)} bytes")
            return
        count = -1
        diff_ids = mapping(document.get("rootfs")).get("diff_ids")
        if isinstance(diff_ids, list):
            count = len(diff_ids)
            self._diffs.staged += self._add_diff_ids(diff_ids)
        config = _Config()
        for name in ("os", "architecture", "variant", "created", "author"):
            setattr(config, name, document.get(name))
        config.os_version = document.get("os.version")
        [row] = self._add([digest], [config], [count], [self._words.add(objects(document.get("history")))])
        self._add_labels([(row, mapping(mapping(document.get("config")).get("Labels")))])

    def _add(
        self, digests: Sequence[Key], configs: Sequence[_Config], diff_counts: list[int], history_counts: list[int]
    ) -> range:
        said = (
            digests,
            [config.os for config in configs],
            [config.architecture for config in configs],
            [config.variant for config in configs],
            [config.os_version for config in configs],
            [config.created for config in configs],
            [config.author for config in configs],
            diff_counts,
            history_counts,
        )
        for name, values in zip(_COLUMNS, said, strict=True):
            self._facts.configs.column(name).staged.extend(values)
        return self._facts.configs.numbers(len(configs))

    def _add_diff_ids(self, diff_ids: list[Any]) -> range:
        self._staged_ids += diff_ids
        return self._facts.diff_ids.numbers(len(diff_ids))

    def _add_found_ids(self, text: bytes, diff_ids: Bounds) -> Sequence[int] | Codes:
        """Take diff IDs that stand in a text, natively where all are as nearly all are; returns their numbers."""
        raw, good = documents.digests(text, diff_ids)
        if not good.all():
            numbers = self._add_diff_ids(values_of(text, diff_ids))
            self._facts.diff_ids.spill()
            return numbers
        self._facts.diff_ids.key("diff_id").extend_raw(raw)
        return self._facts.diff_ids.numbers(len(raw))

    def _add_labels(self, of_rows: list[tuple[int, dict[str, Any]]]) -> None:
        labels = self._facts.labels
        all_said = [said for _, said in of_rows]
        labels.column("config").staged.extend(chain.from_iterable(repeat(row, len(said)) for row, said in of_rows))
        labels.column("key").staged.extend(chain.from_iterable(all_said))
        labels.column("value").staged.extend(chain.from_iterable(map(dict.values, all_said)))


class History:
    """Puts steps of history into `words` and `history`, those that images share once."""

    def __init__(self, facts: Facts) -> None:
        self._numbers = facts.words.numbers
        self._columns = [
            facts.words.column(name).staged for name in ("created", "created_by", "author", "comment", "empty")
        ]
        self._facts = facts
        self._memo = Memo()
        self._column = facts.history.column("word")

    def add_raw(self, arrays: Sequence[bytes]) -> list[int]:
        """Take the steps of some configurations, as they are written; returns how many each has."""
        words, counts = without(*self._memo.numbers(arrays, self._read))
        self._column.extend_numbers(words)
        how_many: list[int] = counts.tolist()
        return how_many

    def add_found(self, text: bytes, steps: Listed) -> NDArray[np.int64]:
        """Take the steps of some configurations, as they stand in a text; returns how many each has."""
        words, counts = without(*self._memo.numbers_in(text, steps, self._add_found))
        self._column.extend_numbers(words)
        return counts

    def add(self, steps: list[Document]) -> int:
        """Take the steps of one configuration; returns how many there are."""
        self._column.staged += self._add(steps)
        return len(steps)

    def add_word(self, step: Document, created_by: str | None, *, empty: bool) -> None:
        """Take one step, of which the instruction is known."""
        self._column.staged += self._add([step | {"created_by": created_by, "empty_layer": empty}])

    def _add_found(self, text: bytes, steps: Bounds) -> Codes:
        """Take steps that stand in a text, those natively that are as nearly all are; returns their numbers."""
        found, good = look_through(Texts(text, steps), _STEP)
        plain, words, texts = found.only(good), self._facts.words, self._facts.texts
        words.column("created").extend_numbers(plain.moments("created"))
        for name in ("created_by", "author", "comment"):
            words.column(name).extend_numbers(plain.texts(name, texts))
        words.column("empty").extend_numbers(plain.begins("empty_layer", b"t"))
        numbers = np.empty(len(good), np.int32)
        numbers[good] = self._numbers(int(np.count_nonzero(good)))
        if not good.all():
            numbers[~good] = self._read(values_of(text, Bounds(steps.starts[~good], steps.ends[~good])))
        return numbers

    def _read(self, steps: list[Any]) -> list[int]:
        numbers = iter(self._add([step for step in steps if isinstance(step, dict)]))
        return [next(numbers) if isinstance(step, dict) else -1 for step in steps]

    def _add(self, steps: list[Document]) -> range:
        created, created_by, author, comment, empty = self._columns
        created += [step.get("created") for step in steps]
        created_by += [step.get("created_by") for step in steps]
        author += [step.get("author") for step in steps]
        comment += [step.get("comment") for step in steps]
        empty += [step.get("empty_layer") is True for step in steps]
        return self._numbers(len(steps))
