"""A deletion plan as a shell script that checks before it deletes, and as JSON."""

from __future__ import annotations

import json
import shlex
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from regviz.text import count_noun, escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    Step = tuple[int, str, list[str]]

FORMAT = "regviz-deletion-plan"
VERSION = 1

_PROGRAM = r"""
set -u
export LC_ALL=C
registry=${REGISTRY:?give the address of the registry, for example REGISTRY=https://registry.example.org}
registry=${registry%/}
deleted=0 skipped=0 failed=0
accept='Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
accept="$accept, application/vnd.docker.distribution.manifest.list.v2+json"
accept="$accept, application/vnd.docker.distribution.manifest.v2+json"
accept="$accept, application/vnd.docker.distribution.manifest.v1+prettyjws"
accept="$accept, application/vnd.docker.distribution.manifest.v1+json"

# curl, with the words of CURL_OPTIONS as its options.
ask() {
    # shellcheck disable=SC2086
    curl --silent --show-error --globoff --path-as-is ${CURL_OPTIONS:-} "$@" </dev/null
}

# REPOSITORY TAG: the digest that a tag has now, or none; fails where the registry does not say.
digest_of() {
    answer=$(ask --head --header "$accept" --write-out 'status %{http_code}' "$registry/v2/$1/manifests/$2") || return 1
    case $answer in
    *'status 200') ;;
    *'status 404') echo none; return ;;
    *) return 1 ;;
    esac
    answer=$(printf '%s\n' "$answer" | tr -d '\r' | tr 'A-Z' 'a-z' | sed -n 's/^docker-content-digest: *//p')
    [ -n "$answer" ] && echo "$answer"
}

# REPOSITORY: its tags, one a line, page by page; fails where the registry does not say.
tags_of() {
    page="/v2/$1/tags/list"
    while [ -n "$page" ]; do
        answer=$(ask --fail --include "$registry$page") || return 1
        case $answer in *'"tags"'*) ;; *) return 1 ;; esac
        { printf '%s' "$answer" | tr '\r\n' '  '; echo; } |
            sed -n 's/.*"tags" *: *\[\([^]]*\)\].*/\1/p' | tr ',' '\n' | tr -d '" '
        page=$(printf '%s\n' "$answer" | tr -d '\r' |
            sed -n 's/^[Ll]ink: *<\([^>]*\)>; *rel="*next"*.*/\1/p' | sed 's|^https*://[^/]*||')
    done
}

# REPOSITORY TAG...: the tags that go; notes the digests of all others, so that none is deleted with them.
repository() {
    repository=$1
    shift
    if all=$(tags_of "$repository"); then
        known=yes
        others=$(
            { printf '%s\n' "$@" "$@"; printf '%s\n' "$all"; } | sort | uniq -u | while read -r tag; do
                [ -z "$tag" ] || digest_of "$repository" "$tag" || echo unknown
            done
        )
        case $others in *unknown*) known=no ;; esac
    else
        known=no
    fi
}

skip() {
    echo "kept: $1" >&2
    skipped=$((skipped + 1))
}

# METHOD-PATH NAME: deletes, unless DRY_RUN says not to.
delete() {
    if [ -n "${DRY_RUN:-}" ]; then
        echo "would delete: $2"
        return
    fi
    status=$(ask --request DELETE --output /dev/null --write-out '%{http_code}' "$registry/v2/$1")
    case $status in
    202) echo "deleted: $2"; deleted=$((deleted + 1)); return ;;
    401 | 403) why='you may not delete: give CURL_OPTIONS' ;;
    405) why='the registry has deletion switched off, or is read-only' ;;
    400) why='this registry deletes by digest only: make a plan for that' ;;
    404) why='it is not there' ;;
    *) why="unexpected answer $status" ;;
    esac
    echo "failed: $2: $why" >&2
    failed=$((failed + 1))
}

# TAG DIGEST: whether the tag is still what the plan says.
unchanged() {
    now=$(digest_of "$repository" "$1") || now=
    [ "$now" = none ] && now="not there"
    [ "$now" = "$2" ] || { skip "$repository:$1 is ${now:-not to be read} now, no longer $2"; return 1; }
}

# DIGEST TAG...: deletes a manifest and the tags on it, if those are all that is on it.
manifest() {
    digest=$1
    shift
    if [ "$known" = no ]; then
        skip "$repository@$digest: the tags of the repository could not all be read"
        return
    fi
    if printf '%s\n' "$others" | grep -qxF "$digest"; then
        skip "$repository@$digest: another tag has it now"
        return
    fi
    for tag; do
        unchanged "$tag" "$digest" || return 0
    done
    delete "$repository/manifests/$digest" "$repository@$digest ($*)"
}

# TAG DIGEST: deletes a tag alone.
tag() {
    if unchanged "$1" "$2"; then
        delete "$repository/manifests/$1" "$repository:$1"
    fi
}
"""


def plan_script(plan: pd.DataFrame) -> str:
    """A plan of `deletion_plan` as a shell script for curl.

    Before each deletion the script asks whether the tags still have the digests of the plan, and, where a manifest
    goes, whether any other tag has it now; if not so, nothing is deleted there. ``DRY_RUN=1`` checks only.

    Parameters
    ----------
    plan : DataFrame
        What `deletion_plan` gave.

    Returns
    -------
    str
        For any POSIX shell. All names are quoted; what stands in comments is escaped.

    Examples
    --------
    >>> import regviz as rv
    >>> plan = rv.deletion_plan(rv.read(), tags=["library/tiny:1"])
    >>> print(plan_script(plan).partition("# ---")[2].rpartition("# ---")[2].strip().splitlines()[1][:30])
    manifest 'sha256:8dd7b43840d99
    """
    lines = ["#!/bin/sh", *(f"# {line}".rstrip() for line in _header(plan)), _PROGRAM, "# ---"]
    for repository, steps in _by_repository(plan):
        tags = [tag for _, _, some in steps for tag in some]
        lines.append(_call("repository" if _is_by_digest(plan) else "repository=", repository, tags))
        for _, digest, some in steps:
            if _is_by_digest(plan):
                lines.append(_call("manifest", digest, some))
            else:
                lines += [_call("tag", tag, [digest]) for tag in some]
    lines += [
        "",
        'echo "$deleted deleted, $skipped kept because something changed, $failed failed" >&2',
        '[ "$skipped" -eq 0 ] && [ "$failed" -eq 0 ]',
    ]
    return "\n".join(lines) + "\n"


def plan_json(plan: pd.DataFrame) -> str:
    """A plan of `deletion_plan` as JSON, for programs.

    Parameters
    ----------
    plan : DataFrame
        What `deletion_plan` gave.

    Returns
    -------
    str
        An object with ``format``, ``version``, ``header`` (what the server needs, in words), what the plan rests on and
        is expected to free, ``steps`` (in each the ``request``, and the ``tags`` that must have the ``digest`` before)
        and ``kept`` (tags that were chosen, and why they stay).

    Examples
    --------
    >>> import regviz as rv
    >>> plan = rv.deletion_plan(rv.read(), tags=["library/tiny:1"])
    >>> [step["request"]["method"] for step in json.loads(plan_json(plan))["steps"]]
    ['DELETE']
    """
    kept = plan[plan["action"] == "keep"]
    made: dict[str, Any] = {"format": FORMAT, "version": VERSION, "header": list(_header(plan))}
    made |= {str(name): value for name, value in plan.attrs.items()}
    made["steps"] = [
        {
            "step": step,
            "repository": repository,
            "digest": digest,
            "tags": tags,
            "request": {
                "method": "DELETE",
                "path": f"/v2/{repository}/manifests/{digest if _is_by_digest(plan) else tags[0]}",
            },
        }
        for repository, steps in _by_repository(plan)
        for step, digest, tags in steps
    ]
    made["kept"] = [
        {"repository": repository, "tag": tag, "digest": None if missing else digest, "reason": reason}
        for repository, tag, digest, missing, reason in zip(
            kept["repository"], kept["tag"], kept["manifest"], kept["manifest"].isna(), kept["reason"], strict=True
        )
    ]
    return json.dumps(made, indent=1) + "\n"


def _is_by_digest(plan: pd.DataFrame) -> bool:
    return bool(plan.attrs["delete_by"] == "manifest")


def _by_repository(plan: pd.DataFrame) -> Iterator[tuple[str, list[Step]]]:
    """For each repository its steps: number, digest, tags."""
    goes = plan[plan["action"] == "delete"].sort_values(["step", "tag"])
    names = (goes[name].tolist() for name in ("repository", "step", "manifest", "tag"))
    for repository, mine in groupby(zip(*names, strict=True), key=itemgetter(0)):
        steps = ((step, list(rows)) for step, rows in groupby(mine, key=itemgetter(1)))
        yield repository, [(int(step), rows[0][2], [row[3] for row in rows]) for step, rows in steps]


def _call(function: str, first: str, words: list[str]) -> str:
    quoted = [_quoted(first), *map(_quoted, words)]
    if function.endswith("="):
        return f"{function}{quoted[0]}"
    return " ".join([function, *quoted])


def _quoted(text: str) -> str:
    """A word for a shell, in quotes even where it needs none."""
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def _header(plan: pd.DataFrame) -> Iterator[str]:
    said, gone = plan.attrs, plan[plan["action"] == "delete"]
    kept = plan[plan["action"] == "keep"]
    by_digest = _is_by_digest(plan)
    requests = count_noun(int(gone["step"].nunique()), "manifest" if by_digest else "tag")
    yield f"Deletion plan: {requests} to delete" + (f", with {count_noun(len(gone), 'tag')}." if by_digest else ".")
    yield ""
    yield escape_terminal(f"Made by regviz {said['regviz']} of {said['source']}, as read at {said['read_at']}.")
    yield (
        f"{format_bytes(said['freed_bytes'])} ({said['freed_bytes']:,} bytes) will be free once garbage is collected "
        f"({said['collector']}),"
    )
    yield f"beyond the {format_bytes(said['collected_today_bytes'])} that collecting would free today anyway."
    if said["uncertain_bytes"]:
        yield f"{format_bytes(said['uncertain_bytes'])} more would go too, and may be needed by what could not be read."
    if len(kept):
        yield f"{count_noun(len(kept), 'chosen tag')} will stay:"
        for name, tag, reason in zip(kept["repository"], kept["tag"], kept["reason"], strict=True):
            yield escape_terminal(f"  {name}:{tag}: {reason}")
    yield ""
    yield "regviz deletes nothing; this script does. What it needs:"
    for number, need in enumerate(said["needs"], 1):
        yield f"{number}. {need}"
    yield ""
    yield "    DRY_RUN=1 REGISTRY=https://registry.example.org sh THIS_FILE     looks, and deletes nothing"
    yield "    REGISTRY=https://registry.example.org sh THIS_FILE               deletes"
    yield ""
    yield "CURL_OPTIONS are further options of curl: '--netrc' takes name and password from ~/.netrc, '--config FILE'"
    yield "any others from a file. It ends with 0 if everything was deleted, else with 1."
