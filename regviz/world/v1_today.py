"""The v1 images of an image of today: its layers, each with the id and the JSON that docker itself gave them.

An image of today is a configuration and a list of layers; v1 wants an id and a JSON for each layer. From 1.10 on
docker made both from the configuration, so that engines before 1.10 could load what it saved, and they are the same
wherever they are made: an id is the SHA-256 of the JSON without its id, with the chain ID of the layer and the id
below. Only the topmost layer says what the image is; of those below nothing but their place on the stack is known.

Sources: moby v20.10.24, image/v1/imagev1.go (CreateID), image/tarexport/save.go (saveImage), image/image.go (V1Image)
and api/types/container/config.go (Config, HealthConfig), whose fields Go writes in the order they are declared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from regviz.world.encode import chain_ids, digest, go_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STRING, _FLAG, _STRINGS, _SET, _TEXTS, _NUMBER, _CHECK = "string", "flag", "strings", "set", "texts", "number", "check"
_ALWAYS, _IF_ANY = False, True
_CONFIG = (
    ("Hostname", _STRING, _ALWAYS),
    ("Domainname", _STRING, _ALWAYS),
    ("User", _STRING, _ALWAYS),
    ("AttachStdin", _FLAG, _ALWAYS),
    ("AttachStdout", _FLAG, _ALWAYS),
    ("AttachStderr", _FLAG, _ALWAYS),
    ("ExposedPorts", _SET, _IF_ANY),
    ("Tty", _FLAG, _ALWAYS),
    ("OpenStdin", _FLAG, _ALWAYS),
    ("StdinOnce", _FLAG, _ALWAYS),
    ("Env", _STRINGS, _ALWAYS),
    ("Cmd", _STRINGS, _ALWAYS),
    ("Healthcheck", _CHECK, _IF_ANY),
    ("ArgsEscaped", _FLAG, _IF_ANY),
    ("Image", _STRING, _ALWAYS),
    ("Volumes", _SET, _ALWAYS),
    ("WorkingDir", _STRING, _ALWAYS),
    ("Entrypoint", _STRINGS, _ALWAYS),
    ("NetworkDisabled", _FLAG, _IF_ANY),
    ("MacAddress", _STRING, _IF_ANY),
    ("OnBuild", _STRINGS, _ALWAYS),
    ("Labels", _TEXTS, _ALWAYS),
    ("StopSignal", _STRING, _IF_ANY),
    ("StopTimeout", _NUMBER, _IF_ANY),
    ("Shell", _STRINGS, _IF_ANY),
)
_HEALTHCHECK = (
    ("Test", _STRINGS, _IF_ANY),
    ("Interval", _NUMBER, _IF_ANY),
    ("Timeout", _NUMBER, _IF_ANY),
    ("StartPeriod", _NUMBER, _IF_ANY),
    ("Retries", _NUMBER, _IF_ANY),
)
_EPOCH, _NEVER = "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class V1Step(NamedTuple):
    """A layer as v1 knows it."""

    id: str
    parent: str
    json: bytes


def v1_steps(config: Mapping[str, Any], diff_ids: Sequence[str]) -> list[V1Step]:
    """The v1 image of each layer, base first.

    Parameters
    ----------
    config : mapping
        The image's configuration, as it was parsed. What is not of the type that docker knows is left out.
    diff_ids : sequence of str
        Of its layers, base first.

    Examples
    --------
    >>> base, top = v1_steps({"os": "linux", "architecture": "amd64"}, ["sha256:" + "a" * 64, "sha256:" + "b" * 64])
    >>> top.parent == base.id, base.json[73:106]
    (True, b'"created":"1970-01-01T00:00:00Z",')
    """
    steps: list[V1Step] = []
    below: dict[str, Any] = {"created": _EPOCH, "container_config": _fields({}, _CONFIG)}
    top = _image(config)
    parent = ""
    for number, chain in enumerate(chain_ids(diff_ids)):
        said = top if number == len(diff_ids) - 1 else below
        hashed = said | {"layer_id": chain} | ({"parent": f"sha256:{parent}"} if parent else {})
        name = digest(go_json(dict(sorted(hashed.items())))).removeprefix("sha256:")
        steps.append(V1Step(name, parent, go_json(_in_order(said, name, parent, _text(config.get("os"))))))
        parent = name
    return steps


def _image(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the Go struct, without its id, its parent and what is empty."""
    created = _time(_text(config.get("created")))
    container_config, own = config.get("container_config"), config.get("config")
    size = config.get("Size")
    fields = {
        "comment": _text(config.get("comment")),
        "created": created,
        "container": _text(config.get("container")),
        "container_config": _fields(container_config if isinstance(container_config, dict) else {}, _CONFIG),
        "docker_version": _text(config.get("docker_version")),
        "author": _text(config.get("author")),
        "config": _fields(own, _CONFIG) if isinstance(own, dict) else None,
        "architecture": _text(config.get("architecture")),
        "variant": _text(config.get("variant")),
        "os": _text(config.get("os")),
        "Size": size if type(size) is int and 0 < size < 1 << 63 else None,
    }
    return {name: value for name, value in fields.items() if value}


def _in_order(said: dict[str, Any], name: str, parent: str, os: str) -> dict[str, Any]:
    """The whole document; a layer below the topmost learns its system last, when its id is made."""
    document = {"id": name, **({"parent": parent} if parent else {}), **said}
    return document if "os" in said or not os else document | {"os": os}


def _fields(value: Mapping[str, Any], fields: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    found = {name: _of_kind(value.get(name), kind) for name, kind, _ in fields}
    return {name: found[name] for name, _, only_if_any in fields if found[name] or not only_if_any}


def _of_kind(value: Any, kind: str) -> Any:
    """A value of a field, or Go's zero value where it is of another type."""
    if kind == _STRING:
        return _text(value)
    if kind == _FLAG:
        return value is True
    if kind == _NUMBER:
        return value if type(value) is int and abs(value) < 1 << 63 else None
    if kind == _STRINGS:
        return [_text(item) for item in value] if isinstance(value, list) else None
    if kind == _CHECK:
        return _fields(value, _HEALTHCHECK) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        return None
    return {_text(key): {} if kind == _SET else _text(value[key]) for key in sorted(value)}


def _text(value: Any) -> str:
    """A text as Go decodes it, to which half a pair of surrogates is no character."""
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else ""


def _time(text: str) -> str:
    """A time as Go writes it again: zeros at the end of the fraction are trimmed.

    Examples
    --------
    >>> _time("2014-03-27T09:05:01.2500Z"), _time("yesterday")
    ('2014-03-27T09:05:01.25Z', '0001-01-01T00:00:00Z')
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return _NEVER
    fraction = (match[2] or "")[:9].rstrip("0")
    return f"{match[1]}{'.' if fraction else ''}{fraction}{match[3]}"
