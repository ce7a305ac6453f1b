"""What the entries of Distribution's storage are, in words."""

from __future__ import annotations

from regviz.layouts.distribution.grammar import (
    BLOBS,
    GITLAB_LOCKS,
    HEX_LENGTHS,
    LAYERS,
    MANIFESTS,
    PROXY_MARK,
    REVISIONS,
    TAGS,
    UPLOADS,
    Place,
    Role,
    parse,
)
from regviz.storage.base import DIRECTORY
from regviz.text import count_noun, decode_name, format_bytes, short_digest
from regviz.tree.layout import RootedLayout

_NOT_OF_THE_LAYOUT = "no part of the layout"
_LINK_STATES = {
    "empty": "an empty link: its write was interrupted",
    "malformed": "a link that holds no digest",
    "mismatch": "a link that names another digest than its path",
    "missing": "no link",
    "unread": "a link, of which the listing has only the name",
}


class DistributionWords(RootedLayout):
    """Explains paths below ``docker/registry/v2``."""

    title = "Distribution storage: blobs and names"
    names_are_paths = True

    def explain_outside(self, path: bytes) -> str:
        """See `RootedLayout`."""
        above = self.root.removesuffix(b"docker/registry/v2/")
        if path == above + PROXY_MARK:
            return "what a pull-through cache will throw away, and when"
        if path.startswith(above + GITLAB_LOCKS):
            return "GitLab's mark of where the names are kept"
        return super().explain_outside(path)

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        place = parse(path)
        if type == DIRECTORY:
            said = self._directory(path, empty=empty)
        elif path.endswith(b".tmp"):
            said = "temporary file of an interrupted write (3.x)"
        else:
            said = self._file(place, path)
        repository = decode_name(place.repository or path.removeprefix(b"repositories/").partition(b"/_")[0])
        return said, self.known.repository(repository) if repository in self.known.repositories else None

    # --- files

    def _file(self, place: Place, path: bytes) -> str:
        repository, digest = decode_name(place.repository), f"{decode_name(place.algorithm)}:{decode_name(place.name)}"
        if place.role == Role.BLOB:
            return self.known.blob(digest)
        if place.role == Role.LAYER_LINK:
            return self._layer_link(repository, digest)
        if place.role == Role.REVISION_LINK:
            return self._revision_link(repository, digest)
        if place.role == Role.TAG_CURRENT:
            return self._current_link(repository, decode_name(place.tag))
        if place.role == Role.TAG_INDEX:
            return self._index_link(repository, decode_name(place.tag), digest)
        if place.role == Role.UPLOAD_START:
            return "when it began"
        return {
            Role.SIGNATURE_LINK: "a signature of this schema 1 manifest (2.0 to 2.4)",
            Role.UPLOAD_DATA: "what has arrived",
            Role.UPLOAD_STATE: f"the hash as it was after {decode_name(path.rpartition(b'/')[2])} bytes",
            Role.REFERRER_LINK: "a manifest that speaks about this one (ORAS)",
        }.get(place.role, _NOT_OF_THE_LAYOUT)

    def _layer_link(self, repository: str, digest: str) -> str:
        row = self.known.in_repository("repository_blobs", repository, "link", self.known.registry.key_code(digest))
        state = self.known.text("repository_blobs", "link_state", row) if row >= 0 else "missing"
        if state in _LINK_STATES:
            return f"layer link: {_LINK_STATES[state]}"
        blob = self.known.text("repository_blobs", "blob", row) or digest
        arrow = "" if blob == digest else f"→ {short_digest(blob)} "
        if not self.known.present(blob):
            return f"{arrow}layer link: the blob is not here"
        name = self.known.repository(repository)
        return f"{arrow}layer link: {name} may serve this {self.known.noun(blob)} ({self.known.length(blob)})"

    def _revision_link(self, repository: str, digest: str) -> str:
        code = self.known.registry.key_code(digest)
        row = self.known.in_repository("repository_manifests", repository, "manifest", code)
        state = self.known.text("repository_manifests", "link_state", row) if row >= 0 else "missing"
        if state in _LINK_STATES:
            return f"revision link: {_LINK_STATES[state]}"
        if not self.known.present(digest):
            return "revision link: the manifest is not here"
        name = self.known.repository(repository)
        tagged = any(tag.startswith(f"{name}:") for tag in self.known.tags_on([code]))
        knows = self.known.registry.source.knows_contents
        untagged = "" if tagged or not knows else "; no tag here reaches it"
        return f"revision link: {name} serves this {self.known.manifest(code)}{untagged}"

    def _current_link(self, repository: str, tag: str) -> str:
        row = self._tag_row(repository, tag)
        state = self.known.text("tags", "link_state", row) if row >= 0 else "missing"
        if state in _LINK_STATES:
            return _LINK_STATES[state]
        digest = self.known.text("tags", "manifest", row)
        what = (
            self.known.manifest(self.known.registry.key_code(digest))
            if self.known.present(digest)
            else "manifest, which is not here,"
        )
        name = self.known.repository(repository)
        by_time = ", as times tell" if self.known.text("tags", "link_state", row) == "inferred" else ""
        return f'→ {short_digest(digest)} the {what} that tag "{tag}" of {name} points to{by_time}'

    def _index_link(self, repository: str, tag: str, digest: str) -> str:
        row = self._tag_row(repository, tag)
        if row >= 0 and self.known.text("tags", "manifest", row) == digest:
            return "points to it now"
        gone = "" if self.known.present(digest) else "; it is not here any more"
        if row >= 0 and self.known.text("tags", "link_state", row) == "unread":
            return f"points to it now, or did before{gone}"
        return f"pointed to it before{gone}"

    def _tag_row(self, repository: str, tag: str) -> int:
        return self.known.in_repository("tags", repository, "tag", self.known.registry.name_code(tag))

    # --- directories

    def _directory(self, path: bytes, *, empty: bool) -> str:
        head, _, rest = path.partition(b"/")
        if head == BLOBS:
            return self._in_blobs(rest.split(b"/") if rest else [], empty=empty)
        at = rest.find(b"/_")
        name = decode_name(rest if at < 0 else rest[:at])
        if not rest:
            return (
                f"{count_noun(len(self.known.repositories), 'repository', 'repositories')}: names, and links to blobs"
            )
        if at < 0:
            return self._repository(name) if name in self.known.repositories else self.known.namespace(name)
        return self._in_repository(name, rest[at + 1 :].split(b"/"), empty=empty)

    def _in_blobs(self, parts: list[bytes], *, empty: bool) -> str:
        if not parts:
            return "contents, each stored once under its digest"
        if len(parts) == 1:
            rows = [row for rows in self.known.blobs(decode_name(parts[0])).values() for row in rows.tolist()]
            return self.known.count_and_bytes("blob", rows)
        if len(parts) == 2:
            return f"digests that begin with {decode_name(parts[1])}"
        return "no data: it was collected, or never completed" if empty else ""

    def _repository(self, name: str) -> str:
        tags, manifests, links = (
            len(self.known.of_repository(table, name)) for table in ("tags", "repository_manifests", "repository_blobs")
        )
        return (
            f"repository: {count_noun(tags, 'tag')}, {count_noun(manifests, 'manifest')}, "
            f"{count_noun(links, 'other blob')}"
        )

    def _in_repository(self, repository: str, parts: list[bytes], *, empty: bool) -> str:
        last = parts[-1]
        if parts[0] == UPLOADS:
            return self._in_uploads(repository, parts, empty=empty)
        if parts[:2] == [MANIFESTS, TAGS] and len(parts) > 2:
            return self._in_tag(repository, parts[2:], empty=empty)
        if len(parts) > 1 and (last in HEX_LENGTHS or parts[-2] not in HEX_LENGTHS) and parts[0] == LAYERS:
            return ""
        whole = {
            (LAYERS,): "links to the blobs that it may serve",
            (MANIFESTS,): "manifests and tags",
            (MANIFESTS, REVISIONS): "links to the manifests that it serves",
            (MANIFESTS, TAGS): count_noun(len(self.known.of_repository("tags", repository)), "tag"),
            (b"_referrers",): "manifests that speak about others (ORAS)",
        }.get(tuple(parts))
        if whole is not None:
            return whole
        if len(parts) > 1 and parts[-2] in HEX_LENGTHS and empty:
            return "no link: this manifest was deleted" if parts[0] == MANIFESTS else "no link: this blob was unlinked"
        return "" if parts[0] in (LAYERS, b"_referrers") or parts[1:2] == [REVISIONS] else _NOT_OF_THE_LAYOUT

    def _in_tag(self, repository: str, parts: list[bytes], *, empty: bool) -> str:
        if len(parts) == 1:
            row = self._tag_row(repository, decode_name(parts[0]))
            pushed = self.known.date("tags", "pushed_at", row) if row >= 0 else ""
            return f"tag, pushed {pushed}" if pushed else "tag"
        if parts[1:] == [b"current"]:
            return "no link: where it points to is lost" if empty else ""
        if parts[1:] == [b"index"]:
            return "every manifest it ever pointed to"
        if parts[1] != b"index":
            return _NOT_OF_THE_LAYOUT
        return "no link" if empty and parts[-2] in HEX_LENGTHS else ""

    def _in_uploads(self, repository: str, parts: list[bytes], *, empty: bool) -> str:
        if len(parts) == 1:
            return "no upload is under way" if empty else "uploads under way, or broken off"
        if len(parts) > 2:
            return "states of the hash, for an upload to go on" if parts[2:] == [b"hashstates"] else ""
        code = self.known.registry.name_code(decode_name(parts[1]))
        row = self.known.in_repository("uploads", repository, "upload", code)
        began = self.known.date("uploads", "started_at", row) if row >= 0 else ""
        arrived = format_bytes(self.known.number("uploads", "upload_bytes", row) if row >= 0 else None)
        return f"upload{f' begun {began}' if began else ''}, not completed: {arrived} arrived"
