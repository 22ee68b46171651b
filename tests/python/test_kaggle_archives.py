"""The archives that the double of Kaggle serves, read by Python's own zipfile and tarfile: good, huge and hostile ones.

GLEANER_SIM names the built `sim` binary.
"""

import io
import json
import os
import pathlib
import subprocess
import tarfile
import urllib.request
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIM = os.environ.get("GLEANER_SIM", str(ROOT / "target" / "debug" / "sim"))


@pytest.fixture
def start():
    started = []

    def begin(*arguments):
        process = subprocess.Popen([SIM, "kaggle", *arguments], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process.stdout.readline().split()[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


class ByRange(io.RawIOBase):
    """A file that is read by Range through one signed link."""

    def __init__(self, url):
        self.url, self.at = url, 0
        request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})
        with urllib.request.urlopen(request) as answer:
            self.url, self.size = answer.url, int(answer.headers["content-range"].split("/")[1])

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, buffer):
        end = min(self.at + len(buffer), self.size)
        if end <= self.at:
            return 0
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={self.at}-{end - 1}"})
        with urllib.request.urlopen(request) as answer:
            data = answer.read()
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def test_an_archive_of_100_gib_is_a_good_zip(start):
    url = start("--large", "100")
    source = io.BufferedReader(ByRange(f"{url}/api/v1/datasets/download/sim/large"), 1 << 20)
    with zipfile.ZipFile(source) as archive:
        assert len(archive.namelist()) == 102
        assert archive.getinfo("part-099.bin").header_offset > 99 << 30
        assert archive.read("README.md") == b"# large\n"
        lines = archive.getinfo("lines.csv")
        assert lines.compress_size < lines.file_size // 2
        with archive.open("lines.csv") as member:
            total = sum(len(piece) for piece in iter(lambda: member.read(1 << 20), b""))
        assert total == lines.file_size == 64 << 20
        with archive.open("part-099.bin") as member:
            assert member.read(1 << 16) == bytes(1 << 16)


def test_attacks_are_well_formed(start):
    url = start("--fault", "cdn@1=zip-bomb", "--fault", "cdn@2=zip-slip", "--fault", "cdn@3=tar-links")
    with urllib.request.urlopen(f"{url}/api/v1/datasets/list") as answer:
        ref = json.load(answer)[0]["ref"]

    def fetch():
        with urllib.request.urlopen(f"{url}/api/v1/datasets/download/{ref}") as answer:
            return io.BytesIO(answer.read())

    packed = fetch()
    with zipfile.ZipFile(packed) as bomb:
        (entry,) = bomb.infolist()
        assert entry.file_size == 1 << 30 and len(packed.getvalue()) < 4 << 20
        assert bomb.testzip() is None
    with zipfile.ZipFile(fetch()) as slip:
        names = slip.namelist()
        assert slip.testzip() is None
        assert {"../slipped.csv", "/tmp/slipped.csv", "10:20:30.csv"} <= set(names) and names.count("twice.csv") == 2
        assert slip.getinfo("way-out").external_attr >> 16 == 0o120777
    with tarfile.open(fileobj=fetch()) as tar:
        kinds = {entry.name: entry.type for entry in tar.getmembers()}
    assert kinds["way-out"] == tarfile.SYMTYPE and kinds["hard"] == tarfile.LNKTYPE
    assert kinds["device"] == tarfile.CHRTYPE and kinds["pipe"] == tarfile.FIFOTYPE
