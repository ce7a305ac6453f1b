"""An S3 server on the loopback (moto), Distribution that keeps its storage there, and boto3 to look at the same objects."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tests.real.distribution import DistributionServer
from tests.real.service import LOOPBACK, running

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET = "test-key", "test-secret-that-nobody-shows"
LOGIN = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}

_CONFIG = """\
version: 0.1
storage:
  s3: {{region: us-east-1, regionendpoint: "{url}", bucket: {bucket}, accesskey: {key}, secretkey: {secret}, secure: false,
    v4auth: true, rootdirectory: /{prefix}}}
  redirect: {{disable: true}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:0", secret: only-for-this-test}}
compatibility: {{schema1: {{enabled: true}}}}
validation: {{manifests: {{urls: {{allow: ["^https://vendor[.]example/"]}}}}}}
"""


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3 server."""

    url: str

    @property
    def options(self) -> dict[str, Any]:
        """What `rv.read` takes to read from it."""
        return {"endpoint_url": self.url}

    def client(self) -> Any:
        """boto3's own client: nothing of what is tested."""
        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
        )

    def upload(self, folder: Path, bucket: str, prefix: str) -> None:
        """Every file of a folder, as an object of a new bucket."""
        client = self.client()
        client.create_bucket(Bucket=bucket)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                client.put_object(Bucket=bucket, Key=f"{prefix}{path.relative_to(folder)}", Body=path.read_bytes())

    def download(self, bucket: str, prefix: str, folder: Path) -> Path:
        """Every object as a file, as old as its object."""
        client = self.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                path = folder / found["Key"].removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
                os.utime(path, (found["LastModified"].timestamp(),) * 2)
        return folder


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """An S3 server without any buckets."""
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", LOOPBACK, "-p", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    listening = rf"Running on http://{re.escape(LOOPBACK)}:(\d+)"
    with running(command, folder / "moto.log", listening=listening, env=env) as port:
        yield S3Server(f"http://{LOOPBACK}:{port}")


@contextmanager
def distribution_on_s3(
    program: str, server: S3Server, bucket: str, prefix: str, folder: Path
) -> Iterator[DistributionServer]:
    """Distribution, with an empty storage in a new bucket."""
    server.client().create_bucket(Bucket=bucket)
    config = folder / "config.yml"
    config.write_text(_CONFIG.format(url=server.url, bucket=bucket, key=KEY, secret=SECRET, prefix=prefix))
    command, listening = [program, "serve", str(config)], rf"listening on {re.escape(LOOPBACK)}:(\d+)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with running(command, folder / "server.log", listening=listening, env=env) as port:
        yield DistributionServer(port, folder, config)
