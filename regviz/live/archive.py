"""Archives by URL: a dump on a web server, of which only what is needed is fetched, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from regviz.errors import NotRecognisedError
from regviz.live.address import parse_archive
from regviz.live.credentials import Credentials
from regviz.live.ranges import Ranges, Seekable
from regviz.live.remote import FileClient, Remote
from regviz.storage import kind_of, none_of_them, within
from regviz.storage.replayed import Replayed
from regviz.storage.streams import Stream, gunzipped, unzstd
from regviz.storage.tar import Tar
from regviz.storage.zip import Zip

if TYPE_CHECKING:
    from typing import IO

    from regviz.live.options import Live
    from regviz.storage.base import Storage


def open_remote_archive(source: str, live: Live, *, partial: bool) -> Storage:
    """The storage in an archive at a URL.

    A plain tar and a zip are read in ranges, so that no layer is fetched. Whatever has none is read as it comes, and
    what is small of it is kept in memory, so that this happens once.

    Raises
    ------
    RegvizError
        Nothing lies there, it may not be read, is no archive, or breaks off.
    """
    address, target = parse_archive(source, insecure=live.insecure)
    credentials = Credentials(address.authority, address.login)
    client = FileClient(address, credentials, connections=live.connections, rate=live.rate, insecure=live.insecure)
    remote = Remote(client, target)
    kind = kind_of(remote.head)
    if kind == "zip":
        if remote.length is None:
            raise NotRecognisedError(
                f"{remote.uri} is a zip archive, whose table stands at its end, and its server sends no ranges: "
                "download it first, or offer it as a tar"
            )
        return Zip(remote.uri, cast("IO[bytes]", Seekable(Ranges(remote))))
    if kind == "tar":
        if remote.length is not None:
            return Tar(Ranges(remote), partial=partial)
        return Tar(Replayed(Stream(remote.uri, lambda _: remote.stream())), partial=partial)
    if kind == "other":
        raise NotRecognisedError(none_of_them(remote.uri, remote.head))
    unpacked = gunzipped if kind == "gzip" else unzstd
    stream = Stream(remote.uri, lambda _: unpacked(remote.stream()))
    return within(Replayed(stream), partial=partial)
