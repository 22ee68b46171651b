"""s3-uploader against a real Ceph RGW. It checks signatures and MD5s but neither checks nor keeps other checksums, so
every proof must be an ETag. Skipped where Ceph is not installed: apt-get install ceph-mon ceph-osd radosgw."""

import json
import random
import time
import urllib.error
import urllib.request

import pytest
from s3_servers import rgw, with_bucket

BYTES = random.Random(7)
FILES = {
    "empty": b"",
    "three": b"abc",
    "deep/er/with spaces.jsonl": BYTES.randbytes(70_000),
    "ünïcödé/日本.txt": BYTES.randbytes(10),
    "ü/+%25 ~": BYTES.randbytes(3),
    "a new\nline": BYTES.randbytes(5),
    "large.bin": BYTES.randbytes(12 << 20),
}
PARTS = ["--part-size", "5MiB", "--part-from", "5MiB"]


@pytest.fixture
def s3(rgw):
    yield from with_bucket(rgw)


def write(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listed(s3, prefix=""):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def uploads(s3):
    return [upload["UploadId"] for upload in s3.list_multipart_uploads(Bucket="bucket").get("Uploads", [])]


def parts(s3, upload):
    answer = s3.list_parts(Bucket="bucket", Key="in/large.bin", UploadId=upload)
    return {part["PartNumber"]: (part["ETag"], part["LastModified"]) for part in answer.get("Parts", [])}


def until(condition):
    for _ in range(300):
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about within 30 seconds")


def kill_with_more_parts(rgw, s3, folder, before, bandwidth):
    """Kills a move when the server has three parts more than `before`; tells the upload and the parts it has then."""
    process = rgw.begin(folder, "move", "files", "s3://bucket/in", *PARTS, "--bandwidth", bandwidth)
    try:
        upload = until(lambda: uploads(s3))[0]
        until(lambda: len(parts(s3, upload)) >= before + 3)
        assert process.poll() is None, "it should be in the middle"
    finally:
        process.kill()
        process.wait()
    # A part that was whole on the wire may still come in.
    time.sleep(1)
    return upload, parts(s3, upload)


def test_a_moved_tree_is_what_boto3_sees(rgw, s3, tmp_path):
    write(tmp_path / "files", FILES)
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", "--metadata", "crawl=7")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "files") == {}
    assert listed(s3) == {"in/" + name: len(data) for name, data in FILES.items()}
    for name, data in FILES.items():
        answer = s3.get_object(Bucket="bucket", Key="in/" + name)
        assert (answer["Body"].read(), answer["Metadata"]) == (data, {"crawl": "7"})
    receipts = {receipt["key"]: receipt for receipt in lines(tmp_path / "s3-receipts.jsonl")}
    assert {receipt["proof"] for receipt in receipts.values()} == {"etag"}
    heads = {key: s3.head_object(Bucket="bucket", Key=key)["ETag"].strip('"') for key in receipts}
    assert heads == {key: receipt["remote_etag"] for key, receipt in receipts.items()}
    assert heads["in/large.bin"].endswith("-3")
    assert uploads(s3) == []

    # And it all comes back, but for the name that not every system can hold: that one must be given a name.
    done = rgw.run(tmp_path, "get", "s3://bucket/in/", "back")
    assert done.returncode == 3 and "a new\\nline" in done.stderr, done.stderr
    done = rgw.run(tmp_path, "get", "s3://bucket/in/a new\nline", "back/named")
    assert done.returncode == 0, done.stderr
    back = read(tmp_path / "back")
    assert {**back, "a new\nline": back["named"]} == {**FILES, "named": FILES["a new\nline"]}


def test_a_killed_upload_goes_on_with_the_parts_that_are_there(rgw, s3, tmp_path):
    data = random.Random(8).randbytes(64 << 20)
    file = tmp_path / "files" / "large.bin"
    write(tmp_path / "files", {"large.bin": data})
    upload, first = kill_with_more_parts(rgw, s3, tmp_path, 0, "10MiB")
    assert 3 <= len(first) < 13
    assert file.exists() and (tmp_path / "s3-receipts.jsonl").read_text() == ""

    again, second = kill_with_more_parts(rgw, s3, tmp_path, len(first), "10MiB")
    assert uploads(s3) == [upload] == [again]
    assert len(first) < len(second) < 13
    # Same ETags and dates: these parts were not sent again.
    assert {number: second[number] for number in first} == first
    assert file.exists() and (tmp_path / "s3-receipts.jsonl").read_text() == ""

    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", *PARTS)
    assert done.returncode == 0, done.stderr
    # A journal begins with the upload and the parts it knows; then come those that this run sent.
    journal = lines(tmp_path / "s3-receipts.jsonl.journal")
    assert [line["begun"]["upload"] for line in journal if "begun" in line] == [upload]
    assert [line["ended"]["upload"] for line in journal if "ended" in line] == [upload]
    sent = [line["part"]["part"]["number"] for line in journal if "part" in line]
    assert sorted(sent) == sorted(set(range(1, 14)) - set(second))
    assert s3.get_object(Bucket="bucket", Key="in/large.bin")["Body"].read() == data
    assert [receipt["proof"] for receipt in lines(tmp_path / "s3-receipts.jsonl")] == ["etag"]
    assert not file.exists() and uploads(s3) == []


def test_a_file_that_changed_after_the_kill_is_begun_anew(rgw, s3, tmp_path):
    write(tmp_path / "files", {"large.bin": random.Random(9).randbytes(40 << 20)})
    old, _ = kill_with_more_parts(rgw, s3, tmp_path, 0, "10MiB")
    data = random.Random(10).randbytes(40 << 20)
    write(tmp_path / "files", {"large.bin": data})
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", *PARTS)
    assert done.returncode == 0, done.stderr
    assert s3.get_object(Bucket="bucket", Key="in/large.bin")["Body"].read() == data
    ended = [line["ended"]["upload"] for line in lines(tmp_path / "s3-receipts.jsonl.journal") if "ended" in line]
    assert ended[0] == old and len(set(ended)) == 2 and uploads(s3) == []


def test_a_server_that_dies_in_the_middle_costs_no_file(rgw, s3, tmp_path):
    files = {"large.bin": random.Random(13).randbytes(40 << 20), "small": b"abc"}
    write(tmp_path / "files", files)
    process = rgw.begin(tmp_path, "move", "files", "s3://bucket/in", *PARTS, "--bandwidth", "10MiB")
    try:
        upload = until(lambda: uploads(s3))[0]
        until(lambda: len(parts(s3, upload)) >= 2)
        rgw.ceph.restart_gateway()
        assert (tmp_path / "files" / "large.bin").exists()
        # It tries again; whether that is enough is a matter of luck.
        assert process.wait(60) in (0, 3, 75)
    finally:
        process.kill()
        process.wait()
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", *PARTS)
    assert done.returncode == 0, done.stderr
    for name, data in files.items():
        assert s3.get_object(Bucket="bucket", Key="in/" + name)["Body"].read() == data
    assert read(tmp_path / "files") == {} and uploads(s3) == []
    assert {receipt["proof"] for receipt in lines(tmp_path / "s3-receipts.jsonl")} == {"etag"}


def test_cleanup_ends_old_uploads_and_keeps_young_ones(rgw, s3, tmp_path):
    old = s3.create_multipart_upload(Bucket="bucket", Key="in/old")["UploadId"]
    s3.upload_part(Bucket="bucket", Key="in/old", UploadId=old, PartNumber=1, Body=b"orphan")
    elsewhere = s3.create_multipart_upload(Bucket="bucket", Key="elsewhere")["UploadId"]
    time.sleep(10)
    young = s3.create_multipart_upload(Bucket="bucket", Key="in/young")["UploadId"]
    dry = rgw.run(tmp_path, "cleanup", "s3://bucket/in/", "--older-than", "8s", "--dry-run")
    assert dry.returncode == 0 and "would end" in dry.stdout
    assert rgw.run(tmp_path, "cleanup", "s3://bucket/in/").returncode == 0
    assert sorted(uploads(s3)) == sorted([old, elsewhere, young])
    done = rgw.run(tmp_path, "cleanup", "s3://bucket/in/", "--older-than", "8s")
    assert done.returncode == 0, done.stderr
    assert sorted(uploads(s3)) == sorted([elsewhere, young])


@pytest.mark.parametrize("key", ["with space", "ünï", "+%25", "a new\nline"])
def test_cleanup_ends_uploads_whatever_their_keys(rgw, s3, tmp_path, key):
    # This RGW codes the keys of this listing when it is asked to, and does not say so: there is no EncodingType.
    s3.create_multipart_upload(Bucket="bucket", Key=key)
    done = rgw.run(tmp_path, "cleanup", "s3://bucket", "--older-than", "0s")
    assert done.returncode == 0, done.stderr
    assert uploads(s3) == []


@pytest.mark.parametrize("size", [10, 12 << 20], ids=["whole", "in-parts"])
def test_no_overwrite_keeps_both_the_object_and_the_file(rgw, s3, tmp_path, size):
    data = random.Random(11).randbytes(size)
    write(tmp_path / "files", {"taken": data, "free": b"free"})
    s3.put_object(Bucket="bucket", Key="in/taken", Body=b"somebody's")
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", "--no-overwrite")
    assert s3.get_object(Bucket="bucket", Key="in/taken")["Body"].read() == b"somebody's"
    assert s3.get_object(Bucket="bucket", Key="in/free")["Body"].read() == b"free"
    assert read(tmp_path / "files") == {"taken": data}
    # 3: some files went.
    assert done.returncode == 3, done.stderr
    assert "another object has this key" in done.stderr and "in/taken" in done.stderr
    alone = rgw.run(tmp_path, "move", "files", "s3://bucket/in", "--no-overwrite")
    assert alone.returncode == 74, alone.stderr


@pytest.mark.parametrize("size", [10, 12 << 20], ids=["whole", "in-parts"])
def test_no_overwrite_is_content_with_an_equal_object(rgw, s3, tmp_path, size):
    data = random.Random(12).randbytes(size)
    write(tmp_path / "files", {"same": data})
    s3.put_object(Bucket="bucket", Key="in/same", Body=data)
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", "--no-overwrite")
    assert done.returncode == 0, done.stderr
    assert s3.get_object(Bucket="bucket", Key="in/same")["Body"].read() == data
    assert read(tmp_path / "files") == {} and uploads(s3) == []


def test_verify_finds_what_was_tampered_with(rgw, s3, tmp_path):
    write(tmp_path / "files", FILES)
    assert rgw.run(tmp_path, "move", "files", "s3://bucket/in").returncode == 0

    def bad(*flags):
        done = rgw.run(tmp_path, "verify", "s3-receipts.jsonl", "--json", *flags)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(found) == len(FILES)
        return done.returncode, sorted(line["key"] for line in found if not line["good"])

    assert bad() == (0, [])
    assert bad("--deep") == (0, [])
    # As many bytes, but others: the size alone tells nothing.
    s3.put_object(Bucket="bucket", Key="in/three", Body=b"abd")
    assert bad() == (74, ["in/three"])
    large = FILES["large.bin"]
    s3.put_object(Bucket="bucket", Key="in/large.bin", Body=large[:-1] + bytes([large[-1] ^ 1]))
    assert bad() == (74, ["in/large.bin", "in/three"])
    s3.put_object(Bucket="bucket", Key="in/three", Body=b"abc")
    s3.put_object(Bucket="bucket", Key="in/large.bin", Body=large)
    s3.delete_object(Bucket="bucket", Key="in/empty")
    assert bad() == (66, ["in/empty"])
    # An audit writes nothing, so it brings nothing back.
    assert "in/empty" not in listed(s3)


def test_a_proof_that_is_asked_for_is_given_or_nothing_is_sent(rgw, s3, tmp_path):
    write(tmp_path / "files", {"small": b"abc", "large.bin": FILES["large.bin"]})
    done = rgw.run(tmp_path, "move", "files", "s3://bucket/in", "--proof", "checksum")
    assert done.returncode == 74 and "--proof readback" in done.stderr
    assert listed(s3) == {} and len(read(tmp_path / "files")) == 2
    for proof in ("readback", "etag"):
        done = rgw.run(tmp_path, "copy", "files", "s3://bucket/in", "--proof", proof, "--receipts", proof)
        assert done.returncode == 0, done.stderr
        assert {receipt["proof"] for receipt in lines(tmp_path / proof)} == {proof}
        assert rgw.run(tmp_path, "rm", "s3://bucket/in/", "--recursive", "--yes").returncode == 0


def deny(s3, action):
    everything = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::bucket/*"}
    s3.put_bucket_policy(Bucket="bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [everything]}))


def test_without_leave_to_delete_a_move_works_and_says_that_the_probe_stays(rgw, s3, tmp_path):
    write(tmp_path / "files", {"a": b"abc"})
    deny(s3, "s3:DeleteObject")
    try:
        done = rgw.run(tmp_path, "move", "files", "s3://bucket/in")
        refused = rgw.run(tmp_path, "rm", "s3://bucket/in/a")
    finally:
        s3.delete_bucket_policy(Bucket="bucket")
    assert done.returncode == 0 and "probe object stays" in done.stderr
    assert refused.returncode == 77 and "AccessDenied" in refused.stderr
    assert listed(s3)["in/a"] == 3 and read(tmp_path / "files") == {}


def test_without_leave_to_read_a_move_keeps_the_files_and_says_why(rgw, s3, tmp_path):
    write(tmp_path / "files", {"a": b"abc"})
    deny(s3, "s3:GetObject")
    try:
        done = rgw.run(tmp_path, "move", "files", "s3://bucket/in")
    finally:
        s3.delete_bucket_policy(Bucket="bucket")
    assert done.returncode == 77 and read(tmp_path / "files") == {"a": b"abc"}
    # The answer to a HEAD has no body: a GET of one byte is asked what it says.
    assert "AccessDenied" in done.stderr and "leave for GetObject" in done.stderr, done.stderr


def test_receipts_name_the_version(rgw, s3, tmp_path):
    write(tmp_path / "files", FILES)
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    done = rgw.run(tmp_path, "move", "files", "s3://versions/in")
    assert done.returncode == 0, done.stderr
    for receipt in lines(tmp_path / "s3-receipts.jsonl"):
        found = s3.get_object(Bucket="versions", Key=receipt["key"], VersionId=receipt["version_id"])
        assert found["Body"].read() == FILES[receipt["key"].removeprefix("in/")]
    assert rgw.run(tmp_path, "verify", "s3-receipts.jsonl").returncode == 0


def test_long_listings_and_removal(rgw, s3, tmp_path):
    names = [f"many/{number:04} +%é" for number in range(1050)]
    for name in names:
        s3.put_object(Bucket="bucket", Key=name, Body=name.encode())
    s3.put_object(Bucket="bucket", Key="other", Body=b"other")

    def ls(at):
        done = rgw.run(tmp_path, "ls", at, "--json")
        assert done.returncode == 0, done.stderr
        return {item["key"]: item["size"] for item in map(json.loads, done.stdout.splitlines())}

    assert ls("s3://bucket/many/") == listed(s3, "many/") == {name: len(name.encode()) for name in names}
    assert ls("s3://bucket") == listed(s3)
    done = rgw.run(tmp_path, "get", "s3://bucket/many/", "back")
    assert done.returncode == 0, done.stderr
    assert {"many/" + name: data for name, data in read(tmp_path / "back").items()} == {n: n.encode() for n in names}

    assert rgw.run(tmp_path, "rm", "s3://bucket/" + names[0]).returncode == 0
    assert set(listed(s3)) == {*names[1:], "other"}
    assert rgw.run(tmp_path, "rm", "s3://bucket/many/", "--recursive", "--dry-run").returncode == 0
    assert set(listed(s3)) == {*names[1:], "other"}
    assert rgw.run(tmp_path, "rm", "s3://bucket/many/", "--recursive", "--yes").returncode == 0
    assert set(listed(s3)) == {"other"}


def test_a_presigned_address_opens_one_object(rgw, s3, tmp_path):
    s3.put_object(Bucket="bucket", Key="ü/+%25 ~", Body=b"for a while")
    address = rgw.run(tmp_path, "presign", "s3://bucket/ü/+%25 ~").stdout.strip()
    assert urllib.request.urlopen(address, timeout=30).read() == b"for a while"
    # The server does look at the signature.
    wrong = address[:-1] + ("0" if address[-1] != "0" else "1")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(wrong, timeout=30)
    assert refused.value.code == 403


def test_keys_of_every_source_open_the_bucket_and_wrong_ones_do_not(rgw, s3, tmp_path):
    write(tmp_path / "files", {"a": b"abc"})
    none = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    copy = ["copy", "files", "s3://bucket/in"]

    wrong = rgw.run(tmp_path, "move", *copy[1:], AWS_SECRET_ACCESS_KEY="another-secret", RUST_LOG="trace")
    assert wrong.returncode == 77 and "SignatureDoesNotMatch" in wrong.stderr
    assert "another-secret" not in wrong.stderr and "Signature=" not in wrong.stderr
    assert listed(s3) == {} and (tmp_path / "files" / "a").exists()
    nobody = rgw.run(tmp_path, "move", *copy[1:], "--anonymous", **none)
    assert nobody.returncode == 77, nobody.stderr
    assert listed(s3) == {} and (tmp_path / "files" / "a").exists()

    (tmp_path / ".aws").mkdir()
    keys = f"aws_access_key_id = {rgw.key}\naws_secret_access_key = {rgw.secret}\n"
    (tmp_path / ".aws" / "credentials").write_text(f"[mine]\n{keys}")
    done = rgw.run(tmp_path, *copy, "--profile", "mine", **none)
    assert done.returncode == 0, done.stderr

    cloud = tmp_path / "cloud.toml"
    keys = f'access_key = "{rgw.key}"\nsecret_key = "{rgw.secret}"\n'
    cloud.write_text(f'bucket = "bucket"\nendpoint = "{rgw.url}"\n{keys}')
    cloud.chmod(0o600)
    done = rgw.run(tmp_path, "ls", "--cloud", "cloud.toml", "--json", **none, AWS_ENDPOINT_URL=None)
    assert done.returncode == 0 and json.loads(done.stdout)["key"] == "in/a", done.stderr

    # What everybody may read needs no keys.
    s3.put_object_acl(Bucket="bucket", Key="in/a", ACL="public-read")
    done = rgw.run(tmp_path, "get", "s3://bucket/in/a", "back", "--anonymous", **none)
    assert done.returncode == 0 and (tmp_path / "back").read_bytes() == b"abc", done.stderr
