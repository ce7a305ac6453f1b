"""How a source is written, and where a container's own configuration says that its registry stores."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.errors import RegvizError, UnreachableError
from regviz.live.container_files import readable_folder
from regviz.live.container_paths import CONFIG_FILES, Said, configured
from regviz.live.containers import split_source
from regviz.live.engine import engine_host

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "never-to-be-seen"  # noqa: S105  # of no one
ROOT = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
DISTRIBUTION_2, DISTRIBUTION_3, HARBOR, GITLAB, ZOT = CONFIG_FILES


def said(*environment: str, arguments: tuple[str, ...] = (), **files: str) -> Said:
    """What is made of environment, arguments and files of a container; `file` is Distribution 2's configuration."""
    there = {DISTRIBUTION_2: files["file"].encode()} if "file" in files else {}
    there |= {path: text.encode() for path, text in files.items() if path != "file"}
    details = {"Config": {"Env": list(environment)}, "Args": list(arguments)}
    return configured(details, there.get)


# --- how it is written


@pytest.mark.parametrize(
    ("source", "name", "path"),
    [
        ("docker-container://registry", "registry", ""),
        ("docker-container://my_reg.1-a:/var/lib/registry/", "my_reg.1-a", "/var/lib/registry"),
        ("docker-container://registry:/", "registry", "/"),
        ("docker-container://registry:/a:b", "registry", "/a:b"),
        ("docker-volume://DATA:v2", "DATA", "/v2"),
        ("docker-volume://" + "0f" * 32, "0f" * 32, ""),
        ("docker-volume://DATA://a/./b", "DATA", "/a/b"),
    ],
)
def test_a_source_is_a_name_and_a_path(source: str, name: str, path: str) -> None:
    assert split_source(source) == (name, path)


@pytest.mark.parametrize(
    "rest", ["", ":/x", "a b", "-a", "a/b", "../a", "a?x=1", "a\n", "é", "a:relative", "a:/x/../../y", "a:/x\0"]
)
def test_a_name_that_is_none(rest: str) -> None:
    with pytest.raises(RegvizError, match="write docker-container://"):
        rv.read(f"docker-container://{rest}")


def test_a_scheme_without_slashes() -> None:
    """As docker-daemon: is written."""
    with pytest.raises(RegvizError, match=r"write docker-volume://NAME\[:/PATH\]"):
        rv.read("docker-volume:DATA")


@given(st.text(max_size=20))
def test_any_text_is_taken_or_refused(rest: str) -> None:
    """What is taken has a name that Docker would take, and a path that leads nowhere else."""
    try:
        name, path = split_source(f"docker-volume://{rest}")
    except RegvizError:
        return
    assert name.replace("_", "").replace(".", "").replace("-", "").isalnum()
    assert path == "" or os.path.normpath(path) == path.replace("//", "/", 1)
    assert ".." not in path.split("/")


@pytest.mark.parametrize("option", [{"helper": True}, {"helper_image": "a:1"}])
@pytest.mark.parametrize("source", ["docker-container://registry", "registry.tar", "https://registry.example"])
def test_a_helper_is_for_volumes(source: str, option: Any) -> None:
    with pytest.raises(RegvizError, match=r"helper is for docker-volume://NAME"):
        rv.read(source, **option)


# --- where it stores


def test_the_environment_counts_before_the_file() -> None:
    file = "storage: {filesystem: {rootdirectory: /of/file}}"
    found = said(f"{ROOT}=/of/env", "PATH=/bin", file=file)
    assert found.paths == {"/of/env": f"the variable {ROOT}", "/of/file": f"its configuration file {DISTRIBUTION_2}"}
    assert not found.elsewhere


@pytest.mark.parametrize("path", [DISTRIBUTION_2, DISTRIBUTION_3, HARBOR, GITLAB])
def test_the_configuration_of_distribution(path: str) -> None:
    """As its documentation shows it, the storage among other sections."""
    text = f"""
version: 0.1
log: {{fields: {{service: registry}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  delete:
    enabled: true
  maintenance: {{uploadpurging: {{enabled: false}}}}
  filesystem:
    rootdirectory: /srv/images
    maxthreads: 100
http: {{addr: ":5000", secret: {SECRET}}}
"""
    found = said(**{path: text})
    assert found.paths == {"/srv/images": f"its configuration file {path}"}
    assert not found.elsewhere
    assert SECRET not in repr(found)


@pytest.mark.parametrize("argument", ["/opt/own.yml", "/opt/own.yaml"])
def test_the_configuration_that_the_command_names(argument: str) -> None:
    found = said(arguments=("serve", argument), **{argument: "storage: {filesystem: {rootdirectory: /own}}"})
    assert found.paths == {"/own": f"its configuration file {argument}"}


def test_the_configuration_that_a_variable_names() -> None:
    found = said("REGISTRY_CONFIGURATION_PATH=/own.yml", **{"/own.yml": "storage: {filesystem: {rootdirectory: /own}}"})
    assert list(found.paths) == ["/own"]


@pytest.mark.parametrize(
    ("text", "paths", "elsewhere"),
    [
        ('{"storage": {"rootDirectory": "/var/lib/zot", "dedupe": true}}', ["/var/lib/zot"], ""),
        ('{"storage": {"rootDirectory": "/zot", "storageDriver": {"name": "s3", "secretkey": "x"}}}', [], "s3"),
        ('{"storage": {"rootDirectory": "/zot", "storageDriver": {"name": "local"}}}', ["/zot"], ""),
    ],
)
def test_the_configuration_of_zot(text: str, paths: list[str], elsewhere: str) -> None:
    found = said(**{ZOT: text})
    assert (list(found.paths), found.elsewhere) == (paths, elsewhere)


@pytest.mark.parametrize(
    ("environment", "file", "elsewhere"),
    [
        (["REGISTRY_STORAGE=s3"], "storage: {filesystem: {rootdirectory: /x}}", "s3"),
        ([f"REGISTRY_STORAGE_S3_SECRETKEY={SECRET}"], "storage: {delete: {enabled: true}}", "s3"),
        ([f"REGISTRY_STORAGE_GCS_BUCKET={SECRET}"], "", "gcs"),
        ([], f"storage: {{azure: {{accountkey: {SECRET}}}, redirect: {{disable: true}}}}", "azure"),
        ([], "storage: inmemory", "inmemory"),
        (["REGISTRY_STORAGE={s3: {bucket: x}}"], "", "s3"),
        ([f"REGISTRY_STORAGE={SECRET}"], "", "another driver"),
        (["SETTINGS_FLAVOR=s3", "STORAGE_PATH=/prefix"], "", "s3"),
        (["SETTINGS_FLAVOR=prod"], "", "s3"),
        (["SETTINGS_FLAVOR=swift"], "", "swift"),
        (["REGISTRY_STORAGE=filesystem"], "storage: {s3: {bucket: x}}", ""),
        ([f"{ROOT}=/x"], "storage: {s3: {bucket: x}}", ""),
        (["SETTINGS_FLAVOR=local"], "", ""),
    ],
)
def test_storage_that_is_no_folder(environment: list[str], file: str, elsewhere: str) -> None:
    found = said(*environment, file=file)
    assert found.elsewhere == elsewhere
    assert bool(found.elsewhere_by) == bool(elsewhere)
    assert SECRET not in repr(found)


def test_the_registry_of_2013() -> None:
    found = said("SETTINGS_FLAVOR=local", "STORAGE_PATH=/data/v1", "AWS_SECRET_KEY=" + SECRET)
    assert found.paths == {"/data/v1": "the variable STORAGE_PATH"}
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "storage: [",
        "- a",
        "storage: {filesystem: /x}",
        "storage: {filesystem: {rootdirectory: [/x]}}",
        "storage:",
        "",
        "\0",
        "a: &a [*a]",
        "[" * 5000,
        "!!python/object/apply:os.system [exit]",
        "storage: !!python/name:os.system",
        b"\xff\xfe\xff".decode("latin-1"),
    ],
)
def test_a_configuration_that_says_nothing(text: str) -> None:
    found = said(file=text)
    assert found.paths == {}
    assert f"{DISTRIBUTION_2} names no folder" in found.tried


def test_aliases_do_not_multiply() -> None:
    """A billion laughs, by merge keys: the values would fill the memory; nodes are as many as were written."""
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30))]
    text = "\n".join([*lines, "storage: {filesystem: {rootdirectory: /found}}"])
    assert list(said(file=text).paths) == ["/found"]


@given(st.dictionaries(st.text(max_size=5), st.recursive(st.text() | st.integers() | st.none(), st.lists), max_size=4))
def test_any_configuration_is_read(document: dict[str, Any]) -> None:
    found = said(file=yaml.safe_dump({"storage": document}))
    assert all(isinstance(path, str) for path in found.paths)


def test_what_the_engine_says_may_be_anything() -> None:
    for details in ({}, {"Config": None, "Args": None}, {"Config": {"Env": [None, 5, "=", "X"]}, "Args": [None, 7]}):
        assert configured(details, lambda _: None).paths == {}


# --- in place


def test_a_folder_that_may_be_read_in_place(tmp_path: Path) -> None:
    """Only below the mount, and over no link: the content of a volume must not lead to other folders of the machine."""
    root, other = tmp_path / "volume", tmp_path / "other"
    (root / "a" / "b").mkdir(parents=True)
    other.mkdir()
    (root / "out").symlink_to(other)
    (root / "in").symlink_to("a")
    (root / "file").write_text("")
    (tmp_path / "mount").symlink_to(root)
    assert readable_folder(str(root), ".") == str(root)
    assert readable_folder(str(root), "a/b") == str(root / "a/b")
    assert readable_folder(str(tmp_path / "mount"), "a") == str(root / "a")  # the engine's own folder may be a link
    for below in ("out", "in", "in/b", "file", "absent", "../other", "a/../../other"):
        assert readable_folder(str(root), below) is None
    assert readable_folder("", ".") is None
    assert readable_folder(str(tmp_path / "absent"), ".") is None


# --- the engine


@pytest.mark.parametrize("source", ["docker-container://registry", "docker-volume://DATA:/x"])
def test_no_engine_answers(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(UnreachableError, match=r"no Docker Engine answers at unix://.*nothing.sock.*: start it"):
        rv.read(source)
    with pytest.raises(UnreachableError):
        rv.tree(source)


def test_an_engine_that_refuses_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is there, and connecting fails."""
    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)  # and no listening
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(UnreachableError, match=r"Connection refused.*the group docker"):
            rv.read("docker-container://registry")


def test_an_engine_over_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://someone@127.0.0.1:1")
    with pytest.raises(UnreachableError, match=r"at ssh://someone@127.0.0.1:1 .*docker\[ssh\]"):
        rv.read("docker-container://registry")


def test_the_context_of_docker_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `docker` itself: DOCKER_HOST, else DOCKER_CONTEXT, else the current one."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")  # contexts lie beside it
    assert engine_host() == "unix:///var/run/docker.sock"
    far = f"unix://{tmp_path}/far.sock"
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest() / "meta.json"  # as Docker's cli/context
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": far}}}))
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert engine_host() == far
    with pytest.raises(UnreachableError, match=f"no Docker Engine answers at {far}"):
        rv.read("docker-volume://DATA")
    monkeypatch.setenv("DOCKER_CONTEXT", "absent")
    with pytest.raises(RegvizError, match="there is no Docker context absent"):
        rv.read("docker-volume://DATA")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2")
    assert engine_host() == "tcp://127.0.0.1:2"
