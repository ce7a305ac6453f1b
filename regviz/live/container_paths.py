"""Where a container's registry stores, as its own configuration says: environment, configuration file, known places.

Of the environment, which may hold secrets, only the few variables named here are looked at, and only paths go on.
Sources: Distribution's docs (about/configuration), docker-registry 0.9.1 config/config_sample.yml, zot's and Harbor's
own configuration files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from regviz.manifests.json import mapping, text
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONFIG_FILES = (
    "/etc/docker/registry/config.yml",
    "/etc/distribution/config.yml",
    "/etc/registry/config.yml",
    "/var/opt/gitlab/registry/config.yml",
    "/etc/zot/config.json",
)
"""Of Distribution 2 (and Debian's), of Distribution 3, of Harbor's registry, of GitLab's, of zot."""
KNOWN = (
    "/var/lib/registry",
    "/tmp/registry",  # noqa: S108  # where the registry of 2013 stores
    "/registry",
    "/storage",
    "/var/lib/docker-registry",
    "/tmp/registry-dev",  # noqa: S108  # Distribution's first sample configuration
    "/var/opt/gitlab/gitlab-rails/shared/registry",
)
"""Where registries store when nothing says so: Distribution and zot, v1, Harbor, Debian, GitLab."""
_FOLDER, _FOLDERS = "filesystem", ("filesystem", "local")
_ROOT, _DRIVER = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "REGISTRY_STORAGE"
_V1_PATH, _V1_FLAVOR = "STORAGE_PATH", "SETTINGS_FLAVOR"
_FILE_VARIABLES = ("REGISTRY_CONFIGURATION_PATH",)
_DRIVERS = ("azure", "cos", "gcs", "inmemory", "oss", "s3", "s3aws", "swift")
_NO_DRIVERS = frozenset(("cache", "delete", "maintenance", "redirect", "tag"))  # what else stands below `storage`
_V1_ELSEWHERE = ("azureblob", "ceph-s3", "elliptics", "gcs", "glance", "oss", "prod", "s3", "swift", "openstack")
_CONFIG_SUFFIXES = (".yml", ".yaml", ".json")


@dataclass(slots=True)
class Said:
    """What a container's configuration says of its storage.

    Attributes
    ----------
    paths : dict of str to str
        Folders that something names, and what that was; the surest first.
    elsewhere : str
        The driver, where it stores in no folder; empty where nothing says so.
    elsewhere_by : str
        What said so.
    tried : list of str
        What was looked at, for a person.
    """

    paths: dict[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    elsewhere_by: str = ""
    tried: list[str] = field(default_factory=list)


def configured(details: Mapping[str, Any], read_file: Callable[[str], bytes | None]) -> Said:
    r"""Where a container's environment and configuration file say that it stores.

    Parameters
    ----------
    details : mapping
        What the engine says of the container (``GET /containers/{id}/json``).
    read_file : callable
        Takes a path in the container; returns the file's content, None where there is none to read.

    Examples
    --------
    >>> details = {"Config": {"Env": ["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/data", "PASSWORD=secret"]}}
    >>> configured(details, lambda path: None).paths
    {'/data': 'the variable REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY'}
    >>> file = b"version: 0.1\nstorage: {s3: {bucket: images}, delete: {enabled: true}}"
    >>> configured({}, lambda path: file).elsewhere
    's3'
    """
    said = Said()
    environment = _environment(mapping(details.get("Config")).get("Env"))
    own_path = environment.get(_ROOT, "")
    (driver, path), by = _storage(_parsed(environment.get(_DRIVER, "").encode())), f"the variable {_DRIVER}"
    if own_path:
        said.paths[clean(own_path)] = f"the variable {_ROOT}"
    elif path:
        said.paths[path] = by
    elif not environment.get(_V1_PATH):
        said.tried.append(f"its environment has no {_ROOT} and no {_V1_PATH}")
    for file in _config_files(details, environment):
        content = read_file(file)
        if content is None:
            said.tried.append(f"{file} is not there")
            continue
        there, path = _storage(_entries(_parsed(content)).get("storage"))
        if path:
            said.paths.setdefault(path, f"its configuration file {file}")
        else:
            said.tried.append(f"{file} names no folder")
        if not driver:
            driver, by = there, f"its configuration file {file}"
        break
    if not driver and not said.paths:
        named = (each for each in _DRIVERS for name in environment if name.startswith(f"{_DRIVER}_{each.upper()}_"))
        driver, by = next(named, ""), "its environment"
    if driver and driver not in _FOLDERS and not own_path:
        said.elsewhere, said.elsewhere_by = driver if driver in _DRIVERS else "another driver", by
    _of_v1(environment, said)
    return said


def _of_v1(environment: Mapping[str, str], said: Said) -> None:
    """The registry of 2013 says by its flavour how it stores, and by a path where."""
    flavor, path = environment.get(_V1_FLAVOR, ""), environment.get(_V1_PATH, "")
    if flavor.startswith(_V1_ELSEWHERE) and not said.paths and not said.elsewhere:
        known = next(name for name in _V1_ELSEWHERE if flavor.startswith(name))
        said.elsewhere, said.elsewhere_by = "s3" if known == "prod" else known, f"the variable {_V1_FLAVOR}"
    elif path:
        said.paths.setdefault(clean(path), f"the variable {_V1_PATH}")


def _environment(variables: object) -> dict[str, str]:
    """The variables that are looked at, and the names alone of those that tell of a driver."""
    wanted = {_ROOT, _DRIVER, _V1_PATH, _V1_FLAVOR, *_FILE_VARIABLES}
    found: dict[str, str] = {}
    for line in variables if isinstance(variables, list) else []:
        name, _, value = text(line).partition("=")
        if name in wanted:
            found[name] = value
        elif name.startswith(f"{_DRIVER}_"):
            found[name] = ""
    return found


def _config_files(details: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """Paths of the configuration file, the surest first: a variable, an argument of the command, the usual ones."""
    named = [environment.get(name, "") for name in _FILE_VARIABLES]
    arguments = details.get("Args")
    named += [text(argument) for argument in arguments] if isinstance(arguments, list) else []
    own = [path for path in named if path.startswith("/") and path.endswith(_CONFIG_SUFFIXES)]
    yield from dict.fromkeys((*own, *CONFIG_FILES))


def _parsed(content: bytes) -> yaml.Node | None:
    """A YAML document's nodes; None where it is none. They are not made values: aliases could multiply without end."""
    try:
        return yaml.compose(content, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _scalar(node: yaml.Node | None) -> str:
    return clean(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _storage(node: yaml.Node | None) -> tuple[str, str]:
    """Driver and folder that a ``storage`` section names, empty where it does not.

    Examples
    --------
    >>> _storage(_parsed(b"s3")), _storage(_parsed(b"{filesystem: {rootdirectory: /data}, delete: {enabled: true}}"))
    (('s3', ''), ('filesystem', '/data'))
    >>> _storage(_parsed(b'{"rootDirectory": "/data"}')), _storage(_parsed(b"{storageDriver: {name: s3}}"))
    (('filesystem', '/data'), ('s3', ''))
    """
    if driver := _scalar(node):
        return driver, ""
    section = _entries(node)
    if "rootDirectory" in section or "storageDriver" in section:  # zot
        driver, path = _scalar(_entries(section.get("storageDriver")).get("name")), section.get("rootDirectory")
    else:
        drivers = [name for name in section if name not in _NO_DRIVERS]
        driver = _FOLDER if _FOLDER in drivers else clean(next(iter(drivers), ""))
        path = _entries(section.get(_FOLDER)).get("rootdirectory")
    driver = driver or (_FOLDER if path else "")
    return driver, _scalar(path) if driver in _FOLDERS else ""
