"""S3 servers for the tests, on loopback and free ports: moto over HTTP and HTTPS, and a Ceph RGW with a cluster of one
monitor and one OSD in memory. Nothing outlives a test run, and nothing is written outside temporary folders."""

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")

from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PROGRAM = Path(os.environ.get("GLEANER_BIN_DIR", "target/debug")).resolve() / "s3-uploader"
# Starting takes two seconds on an idle machine.
CEPH_PATIENCE = 240


@dataclass
class Server:
    """A server that runs, and the keys it takes."""

    url: str
    key: str
    secret: str
    ca: Path | None = None
    requests: Path | None = field(default=None, repr=False)
    ceph: "Ceph | None" = field(default=None, repr=False)

    def client(self, **more):
        given = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret, "region_name": "us-east-1"}
        # Checksum trailers are newer than this RGW.
        config = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
        verify = str(self.ca) if self.ca else None
        return boto3.client("s3", endpoint_url=self.url, config=config, verify=verify, **{**given, **more})

    def environment(self, home, **more):
        """All that the program gets to know of its surroundings; a value of None takes a variable away."""
        usual = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(home),
            "SSL_CERT_FILE": str(self.ca) if self.ca else None,
        }
        return {name: str(value) for name, value in {**usual, **more}.items() if value is not None}

    def run(self, folder, *arguments, **environment):
        return subprocess.run(
            [PROGRAM, *with_receipts(arguments)],
            cwd=folder,
            env=self.environment(folder, **environment),
            capture_output=True,
            text=True,
            timeout=180,
        )

    def begin(self, folder, *arguments):
        """Starts the program and does not wait for it."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([PROGRAM, *with_receipts(arguments)], cwd=folder, env=self.environment(folder), **quiet)


def with_receipts(arguments):
    """Receipts in the folder that the program is run in, so that a moved folder is empty."""
    texts = list(map(str, arguments))
    if texts[0] in ("copy", "move") and "--receipts" not in texts:
        texts += ["--receipts", "s3-receipts.jsonl"]
    return texts


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def empty(client, bucket):
    """Takes a bucket away with all that is in it, unfinished uploads as well."""
    for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=item["Key"])
    client.delete_bucket(Bucket=bucket)


def with_bucket(server):
    """A client of the server while a test runs, with an empty bucket."""
    client = server.client()
    client.create_bucket(Bucket="bucket")
    yield client
    empty(client, "bucket")


def make_certificates(folder):
    """A CA and a server's certificate for 127.0.0.1 of it; rustls takes no certificate that is its own CA."""
    now = datetime.datetime.now(datetime.timezone.utc)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA of a test")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])

    def certificate(subject, public, is_ca, more=()):
        build = x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
        build = build.not_valid_before(now - datetime.timedelta(hours=1))
        build = build.not_valid_after(now + datetime.timedelta(days=2))
        build = build.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        for extension in more:
            build = build.add_extension(extension, critical=False)
        return build.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    ca_file, file, key_file = folder / "ca.pem", folder / "server.pem", folder / "server.key"
    ca_file.write_bytes(certificate(ca_name, ca_key.public_key(), True))
    file.write_bytes(certificate(name, key.public_key(), False, [alternative]))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*form))
    return ca_file, file, key_file


def moto(folder, https=False):
    """A moto server while it is iterated over. It checks neither signatures nor checksums."""
    port, requests = free_port(), folder / "requests"
    flags, ca = [], None
    if https:
        ca, certificate, key = make_certificates(folder)
        flags = ["-c", str(certificate), "-k", str(key)]
    arguments = ["-H", "127.0.0.1", "-p", str(port), *flags]
    code = f"from moto.server import main; main({arguments!r})"
    environment = dict(os.environ, MOTO_RECORDER_FILEPATH=str(requests))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, **quiet)
    try:
        for _ in range(300):
            if listens(port):
                break
            assert process.poll() is None, "moto ended at its start"
            time.sleep(0.1)
        url = f"{'https' if https else 'http'}://127.0.0.1:{port}"
        yield Server(url, "testing", "a-secret-for-moto", ca, requests)
    finally:
        process.kill()
        process.wait()


# No mgr: it only counts. Short pauses between proposals: each new pool waits for some. One shard of every log: each is
# an object to be made at the start. Without cephx a radosgw must not ask for a ciphered way to the monitor. And a
# gateway that was killed is waited for no longer than five seconds, not thirty.
CEPH_CONF = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
run dir = {folder}
admin socket =
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
mon data = {folder}/mon
mon data avail crit = 1
mon allow pool size one = true
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 16G
osd client watch timeout = 5
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 64
rgw data log num shards = 1
rgw md log max shards = 1
rgw gc max objs = 1
rgw lc max objs = 1
rgw reshard num logs = 1
rgw dynamic resharding = false
rgw run sync thread = false
"""


class Ceph:
    """The processes of a cluster and its gateway."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.deadline = time.monotonic() + CEPH_PATIENCE
        self.port = free_port()
        self.fsid = str(uuid.uuid4())
        self.mon = free_port()
        self.conf = folder / "ceph.conf"
        self.conf.write_text(CEPH_CONF.format(fsid=self.fsid, mon=self.mon, port=self.port, folder=folder))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def start(self):
        (self.folder / "mon").mkdir()
        (self.folder / "osd").mkdir()
        map_file, address = self.folder / "monmap", f"[v2:127.0.0.1:{self.mon}]"
        self.call("monmaptool", "--create", "--addv", "a", address, "--fsid", self.fsid, map_file, conf=False)
        self.call("ceph-mon", "-i", "a", "--mkfs", "--monmap", map_file)
        self.spawn("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self.call("ceph", "osd", "new", osd, "0")
        self.call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        process = self.spawn("ceph-osd", "-i", "0")
        while " 1 up" not in self.call("ceph", "osd", "stat"):
            if process.poll() is not None:
                # It may say 'wrong fsid' once, when the monitor is slow to begin.
                process = self.spawn("ceph-osd", "-i", "0")
            self.wait("the OSD is not up")
        user = ["--uid", "tester", "--display-name", "tester", "--access-key", "tester-key"]
        self.call("radosgw-admin", "user", "create", *user, "--secret-key", "tester-secret-of-rgw")
        self.start_gateway()

    def start_gateway(self):
        self.gateway = self.spawn("radosgw", "-n", "client.rgw")
        while not listens(self.port):
            if self.gateway.poll() is not None:
                self.fail("radosgw ended at its start")
            self.wait("radosgw does not listen")

    def restart_gateway(self):
        """As a crash of the server: requests under way break off, the cluster keeps what it has."""
        self.gateway.kill()
        self.gateway.wait()
        self.processes.remove(self.gateway)
        self.deadline = time.monotonic() + CEPH_PATIENCE
        self.start_gateway()

    def call(self, program, *arguments, conf=True):
        flags = ["-c", self.conf] if conf else []
        left = max(1.0, self.deadline - time.monotonic())
        try:
            done = subprocess.run([program, *flags, *arguments], capture_output=True, text=True, timeout=left)
        except subprocess.TimeoutExpired:
            self.fail(f"{program} {arguments[0]} does not end")
        if done.returncode != 0:
            self.fail(f"{program} {arguments[0]} failed: {done.stderr}")
        return done.stdout

    def spawn(self, program, *arguments):
        # The kernel ends it with us, however we end.
        bound = ["setpriv", "--pdeathsig", "KILL", program, "-c", self.conf, *arguments, "-f"]
        with open(self.folder / f"{program}.out", "ab") as out:
            self.processes.append(subprocess.Popen(bound, stdout=out, stderr=out))
        return self.processes[-1]

    def wait(self, what):
        if time.monotonic() > self.deadline:
            self.fail(f"{what} after {CEPH_PATIENCE} seconds")
        time.sleep(0.1)

    def fail(self, what):
        files = sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")])
        tails = [f"-- {file.name}\n" + "\n".join(file.read_text().splitlines()[-15:]) for file in files]
        raise RuntimeError("\n".join([what, *tails]))


@pytest.fixture(scope="session")
def rgw():
    for program in ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "setpriv"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: apt-get install ceph-mon ceph-osd radosgw")
    if os.geteuid() != 0:
        pytest.skip("the cluster's programs want root")
    with tempfile.TemporaryDirectory(prefix="rgw-", ignore_cleanup_errors=True) as folder, Ceph(Path(folder)) as ceph:
        yield Server(f"http://127.0.0.1:{ceph.port}", "tester-key", "tester-secret-of-rgw", ceph=ceph)
