"""A container registry (docker-registry), pushed to and pulled from with skopeo and by hand."""

import gzip
import hashlib
import http.client
import io
import json
import os
import subprocess
import tarfile
from urllib.parse import urlsplit

import pytest

from harness.client import tls_context
from harness.program import environment, find_program
from harness.wire import LIMIT

BIG = 64 << 20
PIECE = 8 << 20

# Neither `host` nor `relativeurls`: the registry makes its URLs from what Portico tells it.
CONFIG = """
version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {directory}/storage}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:0", secret: "of this test"}}
"""


def registry_command(directory):
    config = directory / "config.yml"
    config.write_text(CONFIG.format(directory=directory))
    return [find_program("docker-registry"), "serve", str(config)]


@pytest.fixture
def registry(server_factory, behind):
    """(Portico in front of a registry, its HTTPS port). The names are such as resolve everywhere;
    for an address, clients send no SNI."""
    portico = behind(server_factory(registry_command), "localhost", "127.0.0.1")
    return portico, portico.address("https")[1]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(name, data):
    """A layer with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make_image(directory):
    """An OCI image layout with two layers, a small one and one that does not compress. Returns the
    digests of all its blobs."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    digests = []

    def add(data, media_type):
        digests.append(digest_of(data))
        (blobs / digests[-1].removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media_type}+{'gzip' if 'layer' in media_type else 'json'}",
                "digest": digests[-1], "size": len(data)}

    layers = [tar_of("etc/motd", b"hello\n"), tar_of("data", os.urandom(BIG))]
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add(json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]}}).encode(), "config.v1"),
        "layers": [add(gzip.compress(layer, 0), "layer.v1.tar") for layer in layers]}
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode(), "manifest.v1")]}
    (directory / "index.json").write_text(json.dumps(index))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return digests


def skopeo(home, *arguments):
    # As root it would keep a cache for the whole machine, unless it is told that it is somebody.
    done = subprocess.run([find_program("skopeo"), "--insecure-policy", *arguments], capture_output=True,
                          env=environment(home, _CONTAINERS_ROOTLESS_UID="1"), cwd=home, timeout=4 * LIMIT)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_skopeo_pushes_and_pulls(registry, tmp_path):
    """By name and by address; every blob comes back as it was, and unpacked it is checked again."""
    portico, port = registry
    image, pulled, trust = tmp_path / "image", tmp_path / "pulled", tmp_path / "trust"
    trust.mkdir()
    (trust / "portico.crt").write_bytes(portico.root.read_bytes())
    digests = make_image(image)
    there = f"docker://localhost:{port}/some/image:1"
    skopeo(tmp_path, "copy", "--dest-cert-dir", str(trust), f"oci:{image}", there)
    assert json.loads(skopeo(tmp_path, "list-tags", "--cert-dir", str(trust), there.removesuffix(":1")))["Tags"] == ["1"]
    assert json.loads(skopeo(tmp_path, "inspect", "--cert-dir", str(trust), there))["Digest"] == digests[-1]

    skopeo(tmp_path, "copy", "--src-cert-dir", str(trust), f"docker://127.0.0.1:{port}/some/image:1", f"oci:{pulled}")
    for digest in digests:
        assert digest_of((pulled / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()) == digest

    # From one repository to another: a pull and a push at the same time.
    skopeo(tmp_path, "copy", "--src-cert-dir", str(trust), "--dest-cert-dir", str(trust), there,
           f"docker://127.0.0.1:{port}/other:2")
    skopeo(tmp_path, "delete", "--cert-dir", str(trust), there)
    patches = [line for line in portico.out.text().splitlines() if '"PATCH ' in line]
    assert len(patches) >= len(digests) - 1  # all but the manifest
    assert not [line for line in portico.out.text().splitlines() if "reason=-" not in line]


def test_skopeo_distrusts_without_the_root(registry, tmp_path):
    _, port = registry
    with pytest.raises(AssertionError, match="certificate"):
        skopeo(tmp_path, "list-tags", f"docker://localhost:{port}/some/image")


def test_upload_in_pieces(registry):
    """A blob in several PATCHes, along the URLs that the registry gives: absolute ones, which must
    lead back to the public name and port."""
    portico, port = registry
    data = os.urandom(BIG)
    digest = digest_of(data)
    client = http.client.HTTPSConnection("localhost", port, context=tls_context(portico.root), timeout=LIMIT)

    def ask(status, method, url, body=None, **fields):
        client.request(method, url, body, {name.replace("_", "-"): value for name, value in fields.items()})
        answer = client.getresponse()
        content = answer.read()
        assert answer.status == status, content
        return answer, content

    def location(answer):
        found = urlsplit(answer.headers["Location"])
        assert (found.scheme, found.netloc) == ("https", f"localhost:{port}")
        return f"{found.path}?{found.query}"

    answer, _ = ask(202, "POST", "/v2/pieces/blobs/uploads/")
    for at in range(0, BIG, PIECE):
        end = at + PIECE - 1
        answer, _ = ask(202, "PATCH", location(answer), memoryview(data)[at:at + PIECE],
                        Content_Range=f"{at}-{end}", Content_Type="application/octet-stream")
        assert answer.headers["Range"] == f"0-{end}"
    answer, _ = ask(204, "GET", location(answer))
    assert answer.headers["Range"] == f"0-{BIG - 1}"
    answer, _ = ask(201, "PUT", location(answer) + f"&digest={digest}", b"")
    found = urlsplit(answer.headers["Location"])
    assert (found.scheme, found.netloc, found.path) == ("https", f"localhost:{port}", f"/v2/pieces/blobs/{digest}")
    assert ask(200, "GET", found.path)[1] == data
    answer, part = ask(206, "GET", found.path, Range=f"bytes={PIECE}-{PIECE + 999}")
    assert part == data[PIECE:PIECE + 1000]
    ask(202, "DELETE", found.path)
    ask(404, "GET", found.path)
    client.close()
