"""Lesson 02: layers and ancestry."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import random
from functools import cache

from regviz.lesson.book import Book, files
from regviz.world import Build, Image, Layer, Push, World, storage_tree

book = Book(
    "02",
    title="Layers and ancestry",
    question="Two images stand on one base. How many of the bytes that their layers add up to are stored?",
    minutes=45,
    archives=("first-push-distribution", "unfolding-v1", "unfolding-distribution"),
    objectives=(
        "tell digest, diff ID and chain ID apart, and work each out",
        "find where two images part, and say what they share and what that saves",
        "say before a push which layers it will send",
        "put the lines of a Dockerfile in the order that makes pushes small",
    ),
    prerequisites=("lesson 01, or: you know what a manifest, a config and a blob are", "what RUN, COPY and FROM do"),
)
_TODAY, _SERIES = "first-push-distribution", "unfolding-distribution"
_ROOT = "docker/registry/v2"


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Storage:
    """Manifests, configs and layers of one storage, by its files alone."""

    def __init__(self, archive: str, folder: str) -> None:
        start = f"{folder}/{_ROOT}/"
        found = files(archive).items()
        self.files = {path.removeprefix(start): content for path, content in found if path.startswith(start)}

    def blob(self, digest: str) -> bytes:
        encoded = digest.removeprefix("sha256:")
        return self.files[f"blobs/sha256/{encoded[:2]}/{encoded}/data"]

    def manifest(self, repository: str, tag: str) -> str:
        return self.files[f"repositories/{repository}/_manifests/tags/{tag}/current/link"].decode()

    def layers(self, repository: str, tag: str) -> dict[str, int]:
        """Digests and lengths, the base first."""
        listed = json.loads(self.blob(self.manifest(repository, tag)))["layers"]
        return {layer["digest"]: layer["size"] for layer in listed}

    def config(self, repository: str, tag: str) -> dict[str, list[dict[str, object]]]:
        document = json.loads(self.blob(self.manifest(repository, tag)))
        config: dict[str, list[dict[str, object]]] = json.loads(self.blob(document["config"]["digest"]))
        return config

    def by_step(self, repository: str, tag: str) -> dict[int, str]:
        """The layer of each step that has one."""
        history = self.config(repository, tag)["history"]
        made = [step for step, each in enumerate(history) if not each.get("empty_layer")]
        return dict(zip(made, self.layers(repository, tag), strict=True))


@cache
def _state(name: str) -> _Storage:
    return _Storage(_SERIES, name)


@cache
def _hello() -> list[str]:
    """Digests of the layers of hello, the base first."""
    return list(_Storage(_TODAY, "registry").layers("hello", "latest"))


def _diff_ids() -> list[str]:
    storage = _Storage(_TODAY, "registry")
    return [_sha256(gzip.decompress(storage.blob(digest))) for digest in _hello()]


def _chained(names: list[str], between: str = " ") -> str:
    chain = names[0]
    for name in names[1:]:
        chain = _sha256(f"{chain}{between}{name}".encode())
    return chain


@book.check(
    "02.1",
    asks="What is the chain ID of the topmost layer of hello? With sha256: before its digits.",
    why="It is the key of that layer in the table layers, too.",
    hint='Begin with diff_ids[0]; then twice: sha256(f"{chain_id} {diff_id}".encode()).',
)
def chain_id() -> str:
    """By the formula of the specification."""
    return _chained(_diff_ids())


@chain_id.mistake("That is the diff ID of the layer. It says what the step changed, and nothing of what lies below.")
def top_diff_id() -> str:
    """The diff ID alone."""
    return _diff_ids()[-1]


@chain_id.mistake("That chain is made of digests: of compressed layers. A chain ID is made of diff IDs.")
def chain_of_digests() -> str:
    """Digests in the place of diff IDs."""
    return _chained(_hello())


@chain_id.mistake("Between the two names stands one blank, and it is hashed along.")
def without_a_blank() -> str:
    """Names joined without a blank."""
    return _chained(_diff_ids(), "")


@chain_id.mistake(
    "All three were hashed at once. The chain goes step by step: first the two lowest, then their name and the third."
)
def all_at_once() -> str:
    """One hash over all."""
    return _sha256(" ".join(_diff_ids()).encode())


@chain_id.mistake("That is the chain ID of the layer below the topmost: one step is missing.")
def one_step_short() -> str:
    """The chain without its last step."""
    return _chained(_diff_ids()[:-1])


@chain_id.mistake("The digits are right, and sha256: belongs to the name.")
def bare_digits() -> str:
    """Without the algorithm."""
    return _chained(_diff_ids()).removeprefix("sha256:")


@book.prediction("02.a", asks="How many bytes of layers does the push of python add beside nodejs?", unit="bytes")
def added_by_python() -> int:
    """Its layers that were not there."""
    before = _state("1-pushed").layers("nodejs", "latest")
    return sum(size for digest, size in _python().items() if digest not in before)


def _python() -> dict[str, int]:
    return _state("2-shared").layers("python", "2.7")


def _nodejs() -> dict[str, int]:
    return _state("2-shared").layers("nodejs", "latest")


@book.check(
    "02.2",
    asks="How many bytes do the layers of nodejs and python take in the registry, all together?",
    unit="bytes",
    why="Each blob counts once.",
    hint="Each blob counts once, by its digest, however many images name it.",
)
def unique_bytes() -> int:
    """Distinct blobs."""
    return sum({**_nodejs(), **_python()}.values())


@unique_bytes.mistake(
    "That is the sum of both images: what they share is in it twice. The registry keeps each blob once."
)
def summed() -> int:
    """Both, one by one."""
    return sum(_nodejs().values()) + sum(_python().values())


@unique_bytes.mistake("That is what both share. It is stored, and so is what each has besides.")
def shared() -> int:
    """What both have."""
    return sum(size for digest, size in _nodejs().items() if digest in _python())


@unique_bytes.mistake("Manifests and configs are in it. They are blobs as well, but no layers.")
def all_blobs() -> int:
    """Documents too."""
    return sum(len(content) for path, content in _state("2-shared").files.items() if path.startswith("blobs/"))


@unique_bytes.mistake("That is the larger of the two. The other has a layer of its own besides.")
def larger_one() -> int:
    """One image alone."""
    return max(sum(_nodejs().values()), sum(_python().values()))


@book.check(
    "02.3",
    asks="On how many layers do nodejs and python both stand?",
    unit="layers",
    why="They are the trunk of the forest.",
    hint="Take what lies below each tip, the tip with it, and count what is in both.",
)
def in_common() -> int:
    """Distinct layers of both."""
    return len(_nodejs().keys() & _python().keys())


@in_common.mistake("Those are the steps of the base. Four of them changed no file, and have no layer in this storage.")
def steps_of_the_base() -> int:
    """Steps, with those that changed no file."""
    one, two = (_state("2-shared").config(*name)["history"] for name in (("nodejs", "latest"), ("python", "2.7")))
    return next(at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)


@in_common.mistake("Those are all layers of the forest. Some of them only one of the two stands on.")
def whole_forest() -> int:
    """All layers there are."""
    return len(_nodejs().keys() | _python().keys())


@in_common.mistake(
    "That is the trunk without its last layer: networkx's ancestors of a node leave out the node itself."
)
def without_the_fork() -> int:
    """Arrows in the trunk."""
    return len(_nodejs().keys() & _python().keys()) - 1


@book.prediction("02.b", asks="How many bytes of layers does the push of the rebuilt nodejs add?", unit="bytes")
def added_by_the_rebuild() -> int:
    """Its layers that were not there."""
    rebuilt = _state("3-overwritten").layers("nodejs", "latest")
    return sum(size for digest, size in rebuilt.items() if digest not in _nodejs())


def _both_builds() -> tuple[dict[int, str], dict[int, str]]:
    return _state("2-shared").by_step("nodejs", "latest"), _state("3-overwritten").by_step("nodejs", "latest")


@book.check(
    "02.4",
    asks="Which steps of nodejs have a new layer after the rebuild? Their numbers, as a set.",
    why="From the first line that was run again to the end, whether its files changed or not.",
    hint='Compare nodejs["blob"] with rebuilt["blob"], row by row, where there is one.',
)
def new_steps() -> set[int]:
    """Steps whose digest is another."""
    before, after = _both_builds()
    return {step for step, digest in before.items() if after[step] != digest}


@new_steps.mistake(
    "Those are the steps whose layer has another length. One more has the same length and other bytes: compare digests."
)
def other_lengths() -> set[int]:
    """Steps whose layer has another length."""
    before, after = _both_builds()
    sizes = [_nodejs(), _state("3-overwritten").layers("nodejs", "latest")]
    return {step for step, digest in before.items() if sizes[0][digest] != sizes[1][after[step]]}


@new_steps.mistake("That is the step that installs Node.js. The lines above and below it were run again as well.")
def only_nodejs() -> set[int]:
    """The step that was wanted."""
    history = _state("2-shared").config("nodejs", "latest")["history"]
    return {step for step, each in enumerate(history) if str(each.get("created_by", "")).endswith("install -y nodejs")}


@new_steps.mistake("Those are all five lines of the Dockerfile. The first two came from the build cache.")
def whole_dockerfile() -> set[int]:
    """Everything above the base."""
    steps = len(_state("2-shared").config("nodejs", "latest")["history"])
    return set(range(steps_of_the_base.value, steps))


@new_steps.mistake(
    "Comparing with NA gives true for steps without a layer: they have none before and none after. Leave them out."
)
def steps_without_layers() -> set[int]:
    """NA is unlike NA."""
    before, _ = _both_builds()
    history = _state("2-shared").config("nodejs", "latest")["history"]
    expected: set[int] = new_steps.truth
    return expected | {step for step in range(len(history)) if step not in before}


def _noise(name: str, size: int) -> bytes:
    return random.Random(name).randbytes(size)  # noqa: S311  # bytes that hardly compress


def _layers(lines: tuple[str, ...], day: int) -> tuple[Layer, ...]:
    build = Build(dt.datetime(2024, 3, day, 9, tzinfo=dt.UTC))
    for line in lines:
        if line == "COPY":
            build.copy("srv/app.js", _noise(f"application of day {day}", 2_000))
        else:
            build.run("npm install", {"srv/packages.js": _noise("packages", 60_000)})
    return tuple(build.layers)


@cache
def _pushed(*lines: str) -> int:
    """What the second day's push adds in layers, by the files that a registry then has more."""
    one, two = _layers(lines, 1), _layers(lines, 2)
    cached = lines.index("COPY")
    images = [Image(one), Image(one[:cached] + two[cached:])]
    pushes = [
        Push(repository="app", at=dt.datetime(2024, 3, day, 10, tzinfo=dt.UTC), content=image)
        for day, image in enumerate(images, 1)
    ]
    before, after = (storage_tree(World("app", tuple(pushes[:count])), "distribution") for count in (1, 2))
    new = [after[path] for path in after if path not in before and "/blobs/" in path]
    return sum(len(content) for content in new if content.startswith(b"\x1f\x8b"))


@book.check(
    "02.5",
    asks="How many bytes of layers does the second push add if RUN npm install stands before COPY?",
    unit="bytes",
    why="The packages stay as they are, and only the application travels.",
    hint='pushed_bytes("RUN", "COPY") measures it.',
)
def packages_first() -> int:
    """The packages from the cache."""
    return _pushed("RUN", "COPY")


@packages_first.mistake(
    "That is the order of before: the packages stand above the line that changed, and are built and pushed again."
)
def application_first() -> int:
    """The other order."""
    return _pushed("COPY", "RUN")


@packages_first.mistake(
    "That is the application as it lies in the folder. What is pushed is a tar of it, compressed, and a little larger "
    "here, as these bytes hardly compress."
)
def bare_application() -> int:
    """The file alone."""
    return len(_noise("application of day 2", 2_000))


@packages_first.mistake("The application did change, so its layer is new, and is pushed.")
def nothing_at_all() -> int:
    """As if all came from the cache."""
    return 0
