"""What looks like a secret is masked wherever texts leave, and what does not is left alone."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.graph import layer_graph, write_graph
from regviz.masks import MASK, masked, shapes
from regviz.read import read
from regviz.schema import TABLES
from tests.cli.running import done
from tests.helpers import Store, V1Store, compressed, image_config, image_id, image_manifest

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-do-not-show"  # noqa: S105  # it is none
"""Nothing else has these letters."""

INNOCENT = (
    "ENV NODE_VERSION=20.11.0",
    "ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568",
    "ENV PYTHON_GET_PIP_SHA256=6fb7b781206356f45ad79efbb19322caa6c2a5ad39092d0d44d0fec94117e118",
    "ENV NGINX_GPGKEYS=573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62",
    "ENV PATH=/usr/local/bin:/usr/bin",
    "ENV TOKEN= PASSWORD=\"\" SECRET='' API_KEY=$KEY ACCESS_KEY=${KEY:-none}",
    "ENV PASSWORD=<password> SECRET=%SECRET% TOKEN={{token}} API_KEY=xxxx",
    "ENV POSTGRES_PASSWORD_FILE=/run/secrets/db GOOGLE_APPLICATION_CREDENTIALS=/srv/key.json PGPASSWORD=/run/secrets/x",
    "ENV PWD=/srv OLDPWD=/ MAX_TOKENS=4096 TOKEN_TTL=3600 TOKENIZERS_PARALLELISM=false KEY_FILE=a BYPASS=1",
    "RUN --mount=type=secret,id=token,env=TOKEN --mount=type=ssh make",
    'RUN /bin/sh -c for key in 4ED778F539E3634C779C87C6D7062848A1AB005C; do gpg --recv-keys "$key"; done',
    'RUN /bin/sh -c if [ "$PASSWORD" = "" ]; then exit 1; fi',
    'RUN /bin/sh -c curl -u "$USER:$PASS" https://example.org && docker run -u 1000:1000 x && chown a:b /srv',
    "RUN /bin/sh -c echo 'passwd: files' > /etc/nsswitch.conf && mkdir -p /srv",
    "RUN /bin/sh -c docker login -u bob --password-stdin",
    "COPY file:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 in /etc/secret",
    "git clone ssh://git@example.org:22/a.git https://example.org:8443/@scope/x",
)
SECRETIVE = (
    (f"ENV A=1 DB_PASS={SECRET} B=2", f"ENV A=1 DB_PASS={MASK} B=2"),
    (f'ENV PASSWORD="{SECRET} \\"quoted\\"" B=2', f'ENV PASSWORD="{MASK}" B=2'),
    (f"RUN PASSWORD='{SECRET}'\\''more' make", f"RUN PASSWORD='{MASK}' make"),
    (f"RUN sh -c 'PASSWORD={SECRET}' && make", f"RUN sh -c 'PASSWORD={MASK}' && make"),
    (f'{{"a":"b","clientSecret":"{SECRET}","z":1}}', f'{{"a":"b","clientSecret":"{MASK}","z":1}}'),
    (f'RUN echo "{{\\"password\\": \\"{SECRET}\\"}}"', f'RUN echo "{{\\"password\\": \\"{MASK}\\"}}"'),
    (f'CMD ["app", "--api-key", "{SECRET}"]', f'CMD ["app", "--api-key", "{MASK}"]'),
    (f"RUN |2 NPM_TOKEN={SECRET} X=1 /bin/sh -c npm ci", f"RUN |2 NPM_TOKEN={MASK} X=1 /bin/sh -c npm ci"),
    (f"RUN curl 'https://example.org/?access_token={SECRET}&x=1'", f"RUN curl 'https://example.org/?access_token={MASK}&x=1'"),
    (f"RUN mysql -u root -p{SECRET} -e 'select 1'", f"RUN mysql -u root -p{MASK} -e 'select 1'"),
    (f'RUN curl -H "X-Auth-Token: {SECRET}" x', f'RUN curl -H "X-Auth-Token: {MASK}" x'),
    (f"RUN aws configure set aws_secret_access_key {SECRET} && x", f"RUN aws configure set aws_secret_access_key {MASK} && x"),
    (f"ENV PASSWORD=@{SECRET}! A=1", f"ENV PASSWORD={MASK} A=1"),
    (f"ENV MYSQL_PWD={SECRET}", f"ENV MYSQL_PWD={MASK}"),
)  # fmt: skip


def test_each_shape_is_found_and_its_like_is_not() -> None:
    for shape in shapes():
        text, secret = shape.positive
        assert secret in text
        without, found = masked(text)
        assert found == [shape.shape]
        assert secret not in without
        assert without.replace(MASK, "") == text.replace(secret, "")  # all else stays
        assert masked(shape.negative) == (shape.negative, []), shape.shape
        assert re.fullmatch(r"[a-z]+(?:-[a-z]+)*", shape.shape)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == (text, [])


@pytest.mark.parametrize(("text", "expected"), SECRETIVE)
def test_what_is_one_goes_and_nothing_else(text: str, expected: str) -> None:
    assert masked(text)[0] == expected


def test_nothing_is_left_to_mask_in_what_is_masked() -> None:
    for text in [*(text for text, _ in SECRETIVE), *(shape.positive[0] for shape in shapes())]:
        without, _ = masked(text)
        assert masked(without) == (without, [])


WORDS = st.sampled_from(
    "ENV |set |RUN |PASSWORD|_TOKEN|api-key|secret|_BASE|=|: |:|\"|'|\\|--|-u |-p |curl |login |mysql |://|@|a|B7|-x| |"
    "hunter2|$X|AKIA|QYLPMN5HHHFPZAM2|ghp_|0123456789abcdefghijABCDEFGHIJ012345|eyJhbGciOiJIUzI1NiJ9|.|password |machine |"
    "-----BEGIN PRIVATE KEY-----|Authorization|Bearer | \\| |chpasswd|,|;|&|\n".replace("\\|", "\0").split("|")
).map(lambda word: word.replace("\0", "|"))  # fmt: skip


@given(st.lists(WORDS, max_size=14).map("".join))
def test_what_is_masked_has_its_sign(text: str) -> None:
    """The quick look for signs passes over nothing that the full expressions find."""
    for shape in shapes():
        without, found = masked(text, [shape])
        if found:
            assert pc.match_substring_regex(pa.array([text]), shape.sign, ignore_case=True)[0].as_py(), shape.shape
            assert len(without) <= len(text) + len(MASK) * without.count(MASK)


HOSTILE = (
    "password=", 'password="', "password='", 'pass=a"', "ENV a", "ENV password ", "set token", "curl -u ", "curl  ",
    "login -p ", "mysql -p", "://", "://a:", "eyJ", "eyJaaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "Authorization:",
    "a:b|", "login a password ", "--token ", "--a-", "ghp_a", '\\"', "password=\\", "api_", " ", "a",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    """The engine does not tell its steps, so processor time is taken, of one length and of eight times that."""
    from time import process_time

    def best(count: int) -> float:
        text, taken = piece * count, []
        for _ in range(3):
            begin = process_time()
            masked(text)
            taken.append(process_time() - begin)
        return min(taken)

    short = 10_000 // len(piece)
    assert best(8 * short) < 24 * best(short) + 0.05  # its square would be 64 times


# --- wherever texts leave


def _distribution(root: Path) -> Path:
    store = Store(root)
    config = image_config(
        [b"1"],
        history=[{"created_by": f"ENV DB_PASSWORD={SECRET}", "author": f"token={SECRET}", "comment": f"pass={SECRET}"}],
        config={"Labels": {"api.token": SECRET, "url": f"https://bob:{SECRET}@example.org"}, "Env": [f"P={SECRET}"]},
        author=f"secret: {SECRET}",
    )
    for data in (config, compressed(b"1")):
        store.linked_blob("a", data)
    store.push("a", image_manifest(config, [compressed(b"1")]), "latest")
    return root


def _v1(root: Path) -> Path:
    store = V1Store(root)
    made = {"Cmd": ["/bin/sh", "-c", f"#(nop) ENV DB_PASSWORD {SECRET}"]}
    labels = {"Labels": {"api.token": SECRET}}
    store.image(image_id(1), container_config=made, config=labels, author=f"token={SECRET}", comment=f"pass={SECRET}")
    store.tag("library/x", "latest", image_id(1))
    return root


SOURCES = {"distribution": _distribution, "v1": _v1}


@pytest.fixture(params=list(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return SOURCES[request.param](tmp_path / "source")


def _texts(registry: Any) -> str:
    return "\n".join(str(registry.table(name).to_csv()) for name in [*TABLES, "images"])


def test_tables_and_graphs_have_no_secret(source: Path) -> None:
    registry = read(source)
    assert not registry.shows_values
    graph = io.BytesIO()
    for format_ in ("graphml", "dot", "json"):
        write_graph(layer_graph(registry), graph, format_)
    stack = registry.stack(str(registry.manifests["manifest"].iloc[0]))
    for text in (_texts(registry), graph.getvalue().decode(), stack.to_csv(), rv.layer_sizes(registry).to_csv()):
        assert SECRET not in text
        assert "DB_PASSWORD" in text
    assert {"secret-in-history", "secret-in-label"} <= set(registry.problems["rule"])


def test_they_are_shown_to_who_asks(source: Path) -> None:
    registry = read(source, show_values=True)
    assert registry.shows_values
    assert SECRET in _texts(registry)
    assert SECRET in registry.layers["created_by"].iloc[0]
    assert SECRET in registry.labels.set_index("key").loc["api.token", "value"]
    problems = registry.problems[["rule", "detail"]]
    assert SECRET not in problems.to_csv()  # they say where, never what
    assert problems.equals(read(source).problems[["rule", "detail"]])


def test_a_capture_has_none_unless_asked(source: Path, tmp_path: Path) -> None:
    read(source).save(tmp_path / "masked.regviz")
    read(source, show_values=True).save(tmp_path / "shown.regviz")

    def content(name: str) -> str:
        files = sorted((tmp_path / name).glob("*.parquet"))
        return "".join(str(pq.read_table(file).to_pylist()) for file in files)

    assert SECRET not in content("masked.regviz")
    assert all(SECRET.encode() not in path.read_bytes() for path in (tmp_path / "masked.regviz").iterdir())
    assert SECRET in content("shown.regviz")
    for name in ("masked.regviz", "shown.regviz"):  # whoever reads one must ask again
        assert SECRET not in _texts(read(tmp_path / name))
    assert SECRET in _texts(read(tmp_path / "shown.regviz", show_values=True))
    assert SECRET not in _texts(read(tmp_path / "masked.regviz", show_values=True))


def test_commands_show_none_unless_asked(source: Path, tmp_path: Path) -> None:
    commands = [
        ("table", source, "layers", "--format", "json"),
        ("table", source, "labels", "--format", "csv"),
        ("table", source, "history"),
        ("tree", source, "--full"),
        ("graph", source),
        ("graph", source, "--format", "svg"),
    ]
    for command in commands:
        assert SECRET not in done(*command), command
    for command in commands[:3]:
        assert SECRET in done(*command, "--show-values", COLUMNS="400"), command
    for number, words in enumerate([(), ("--show-values",)]):
        target = tmp_path / f"{number}.regviz"
        done("capture", source, "-o", target, *words)
        labels = str(pq.read_table(target / "labels.parquet").to_pylist())
        assert (SECRET in labels) == bool(words)


def test_a_report_shows_none_unless_asked(tmp_path: Path) -> None:
    source = _distribution(tmp_path / "source")
    for words in ((), ("--show-values",)):
        done("report", source, "-o", tmp_path / "report.html", *words)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert (SECRET in page) == bool(words)
        assert "secret-in-history" in page
