"""What s3-uploader sends, boto3 finds: listing and bytes, on a moto server. moto accepts wrong checksums, so every
proof there must be a read-back. It accepts any keys as well: what came of those, its record of requests tells.
Needs `pip install pytest boto3 'moto[server]'`; skipped where they are not."""

import io
import json
import random
import shutil
import urllib.parse
import urllib.request

import pytest
from s3_servers import free_port, moto, with_bucket

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from moto(tmp_path_factory.mktemp("moto"))


@pytest.fixture(scope="module")
def https(tmp_path_factory):
    yield from moto(tmp_path_factory.mktemp("moto-https"), https=True)


@pytest.fixture
def s3(server):
    yield from with_bucket(server)


def headers(server, run):
    """What the requests of a run had in their headers."""

    def recorder(what):
        request = urllib.request.Request(f"{server.url}/moto-api/recorder/{what}", b"", method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    recorder("reset-recording")
    recorder("start-recording")
    done = run()
    recorder("stop-recording")
    assert done.returncode == 0, done.stderr
    requests = [json.loads(line)["headers"] for line in server.requests.read_text().splitlines()]
    assert requests
    return requests


def signers(requests):
    return {request.get("Authorization", "nobody/").split("Credential=")[-1].split("/")[0] for request in requests}


def test_boto3_sees_what_was_moved(server, s3, tmp_path):
    dice = random.Random(5)
    names = {"a.jsonl": 10, "empty": 0, "deep/er/b c.bin": 70_000, "ü/+%25 ~": 3, "large.bin": 12 << 20}
    content = {name: dice.randbytes(size) for name, size in names.items()}
    for name, data in content.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    done = server.run(tmp_path, "move", "files", "s3://bucket/in", "--metadata", "crawl=7")
    assert done.returncode == 0, done.stderr
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    # boto3 undoes the coding of keys itself.
    listed = {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]}
    assert listed == {"in/" + name: len(data) for name, data in content.items()}
    for name, data in content.items():
        answer = s3.get_object(Bucket="bucket", Key="in/" + name)
        assert answer["Body"].read() == data
        assert answer["Metadata"] == {"crawl": "7"}
    receipts = [json.loads(line) for line in (tmp_path / "s3-receipts.jsonl").read_text().splitlines()]
    assert {receipt["proof"] for receipt in receipts} == {"readback"}
    assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")
    assert server.run(tmp_path, "verify", "s3-receipts.jsonl").returncode == 0
    s3.put_object(Bucket="bucket", Key="in/a.jsonl", Body=b"0123456789")
    assert server.run(tmp_path, "verify", "s3-receipts.jsonl").returncode == 74
    s3.delete_object(Bucket="bucket", Key="in/empty")
    assert server.run(tmp_path, "verify", "s3-receipts.jsonl").returncode in (66, 74)


def test_our_listing_and_fetching_agree_with_boto3(server, s3, tmp_path):
    for number in range(1100):
        s3.put_object(Bucket="bucket", Key=f"many/{number:04} é", Body=str(number).encode())
    done = server.run(tmp_path, "ls", "s3://bucket/many/", "--json")
    keys = [json.loads(line)["key"] for line in done.stdout.splitlines()]
    assert keys == [f"many/{number:04} é" for number in range(1100)]
    assert server.run(tmp_path, "get", "s3://bucket/many/", "back").returncode == 0
    assert len(list((tmp_path / "back").iterdir())) == 1100
    address = server.run(tmp_path, "presign", "s3://bucket/many/0007 é").stdout.strip()
    assert urllib.request.urlopen(address, timeout=30).read() == b"7"
    assert server.run(tmp_path, "rm", "s3://bucket/many/", "--recursive", "--yes").returncode == 0
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_cleanup_ends_old_uploads(server, s3, tmp_path):
    s3.create_multipart_upload(Bucket="bucket", Key="stale")
    # moto gives every upload the same old date, so only a dry run keeps it.
    assert server.run(tmp_path, "cleanup", "s3://bucket", "--older-than", "1h", "--dry-run").returncode == 0
    assert len(s3.list_multipart_uploads(Bucket="bucket")["Uploads"]) == 1
    done = server.run(tmp_path, "cleanup", "s3://bucket", "--older-than", "0s")
    assert done.returncode == 0, done.stderr
    assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")


def test_a_large_file_that_may_not_overwrite_leaves_no_parts(server, s3, tmp_path):
    (tmp_path / "large").write_bytes(bytes(12 << 20))
    s3.put_object(Bucket="bucket", Key="large", Body=b"somebody's")
    done = server.run(tmp_path, "move", "large", "s3://bucket/", "--no-overwrite")
    assert done.returncode == 74 and "another object has this key" in done.stderr
    assert (tmp_path / "large").exists()
    assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == b"somebody's"
    assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")


def test_https_wants_a_ca_that_is_known(https, tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    s3 = https.client()
    s3.create_bucket(Bucket="bucket")
    unknown = https.run(tmp_path, "move", "a", "s3://bucket/in/", SSL_CERT_FILE=None)
    # To run it again would not help: a person must act.
    assert unknown.returncode in (77, 78), unknown.stderr
    assert "certificate" in unknown.stderr and "SSL_CERT_FILE" in unknown.stderr
    assert (tmp_path / "a").exists() and s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0
    done = https.run(tmp_path, "move", "a", "s3://bucket/in/")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "a").exists()
    assert s3.get_object(Bucket="bucket", Key="in/a")["Body"].read() == b"abc"


def test_without_keys_it_says_which_to_set(server, s3, tmp_path):
    done = server.run(tmp_path, "ls", "s3://bucket", **NO_KEYS)
    assert done.returncode == 77, done.stderr
    assert "AWS_ACCESS_KEY_ID" in done.stderr and "--profile" in done.stderr


def test_who_signs(server, s3, tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / ".aws").mkdir()
    section = "[{0}]\naws_access_key_id = id-of-{0}\naws_secret_access_key = secret-of-{0}\n"
    text = section.format("default") + section.format("mine") + "aws_session_token = token-of-mine\n"
    (tmp_path / ".aws" / "credentials").write_text(text)

    def requests(*flags, **environment):
        # Another receipts file each time, so that each run has to send.
        (tmp_path / "s3-receipts.jsonl").unlink(missing_ok=True)
        return headers(server, lambda: server.run(tmp_path, "copy", "a", "s3://bucket/in/", *flags, **environment))

    def tokens(requests):
        return {request.get("X-Amz-Security-Token") for request in requests}

    found = requests()
    assert (signers(found), tokens(found)) == ({"testing"}, {None})
    found = requests(AWS_SESSION_TOKEN="token-of-the-environment")
    assert (signers(found), tokens(found)) == ({"testing"}, {"token-of-the-environment"})
    found = requests(**NO_KEYS)
    assert (signers(found), tokens(found)) == ({"id-of-default"}, {None})
    found = requests("--profile", "mine", **NO_KEYS)
    assert (signers(found), tokens(found)) == ({"id-of-mine"}, {"token-of-mine"})
    found = requests(AWS_PROFILE="mine", **NO_KEYS)
    assert (signers(found), tokens(found)) == ({"id-of-mine"}, {"token-of-mine"})

    # moto lets nobody read what is not public; keys that are there are not used.
    more = {"AWS_SESSION_TOKEN": "token-of-the-environment"}
    refused = server.run(tmp_path, "get", "s3://bucket/in/a", "back", "--anonymous", **more)
    assert refused.returncode == 77 and not (tmp_path / "back").exists()
    s3.put_object_acl(Bucket="bucket", Key="in/a", ACL="public-read")
    get = ["get", "s3://bucket/in/a", "back", "--anonymous"]
    found = headers(server, lambda: server.run(tmp_path, *get, **more))
    assert (signers(found), tokens(found)) == ({"nobody"}, {None})
    assert (tmp_path / "back").read_bytes() == b"abc"


def test_a_cloud_file_with_keys_must_be_private(server, s3, tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    cloud = tmp_path / "cloud.toml"
    cloud.write_text(f'endpoint = "{server.url}"\nbucket = "bucket"\nprefix = "from/cloud/"\n')
    cloud.chmod(0o644)
    elsewhere = {"AWS_ENDPOINT_URL": None}

    def copy():
        return server.run(tmp_path, "copy", "a", "--cloud", "cloud.toml", **elsewhere)

    # Without keys anybody may read it.
    assert signers(headers(server, copy)) == {"testing"}
    assert s3.get_object(Bucket="bucket", Key="from/cloud/a")["Body"].read() == b"abc"
    with cloud.open("a") as file:
        file.write('access_key = "id-of-the-file"\nsecret_key = "secret-of-the-file"\n')
    for mode in (0o644, 0o640, 0o604):
        cloud.chmod(mode)
        refused = copy()
        assert refused.returncode == 78 and "chmod 600" in refused.stderr
        assert "-of-the-file" not in refused.stdout + refused.stderr
    cloud.chmod(0o600)
    assert signers(headers(server, copy)) == {"id-of-the-file"}


def test_how_objects_are_dressed(server, s3, tmp_path):
    (tmp_path / "files").mkdir()
    guessed = {"a.json": "application/json", "b.jsonl": "application/x-ndjson", "c": "application/octet-stream"}
    for name in guessed:
        (tmp_path / "files" / name).write_bytes(b"{}\n")
    (tmp_path / "files" / "d.csv").write_bytes(bytes(9 << 20))
    guessed["d.csv"] = "text/csv; charset=utf-8"
    flags = ["--storage-class", "STANDARD_IA", "--sse", "AES256", "--metadata", "crawl=7", "--metadata", "by=us=you"]
    done = server.run(tmp_path, "copy", "files", "s3://bucket/guessed", *flags)
    assert done.returncode == 0, done.stderr
    for name, kind in guessed.items():
        head = s3.head_object(Bucket="bucket", Key="guessed/" + name)
        assert (head["ContentType"], head["StorageClass"]) == (kind, "STANDARD_IA"), name
        assert head["Metadata"] == {"crawl": "7", "by": "us=you"}, name
        assert head["ServerSideEncryption"] == "AES256", name

    flags = ["--content-type", "text/x-ours", "--sse", "aws:kms", "--sse-kms-key-id", "a-key"]
    done = server.run(tmp_path, "copy", "files", "s3://bucket/given", *flags)
    assert done.returncode == 0, done.stderr
    for name in guessed:
        head = s3.head_object(Bucket="bucket", Key="given/" + name)
        assert (head["ContentType"], head["ServerSideEncryption"]) == ("text/x-ours", "aws:kms"), name
        assert (head["SSEKMSKeyId"], head["Metadata"]) == ("a-key", {}), name


def test_no_secret_is_written_whatever_happens(server, s3, https, tmp_path):
    secret, token, file_secret = "sEcReT0f7hEkEy" * 3, "tOkEn0f7hEsEsSiOn" * 3, "sEcReT0f7hEfIlE" * 3
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    (home / ".aws").mkdir(parents=True)
    keys = f"aws_access_key_id = x\naws_secret_access_key = {file_secret}\naws_session_token = {token}\n"
    (home / ".aws" / "credentials").write_text(f"[mine]\n{keys}[broken]\naws_access_key_id = x\n")
    text = f'bucket = "bucket"\naccess_key = "x"\nsecret_key = "{file_secret}"\nsession_token = "{token}"\n'
    clouds = {"private": text, "open": text, "broken": text.replace(' = "bucket"', " ="), "odd": text + "more = 1\n"}
    for name, content in clouds.items():
        (home / name).write_text(content)
        (home / name).chmod(0o644 if name == "open" else 0o600)
    written = []

    def run(code, *arguments, **more):
        for ways in ([], ["-v"], ["--log", "json"]):
            keys = {"AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token, "HOME": home}
            level = None if ways == ["-v"] else "trace"
            done = server.run(work, *arguments, *ways, **{**keys, "RUST_LOG": level, **more})
            assert done.returncode in (code if isinstance(code, tuple) else (code,)), (arguments, done.stderr)
            written.append(done.stderr)
            if arguments[0] != "presign":
                written.append(done.stdout)
            else:
                # That is its work; the token has to be in it.
                assert secret not in done.stdout and file_secret not in done.stdout

    dead = f"http://127.0.0.1:{free_port()}"
    (work / "files").mkdir()
    (work / "files" / "small").write_bytes(b"abc")
    (work / "files" / "large").write_bytes(bytes(9 << 20))
    shutil.copytree(work / "files", work / "to-move")
    source = {"environment": {}, "profile": {"AWS_PROFILE": "mine", **NO_KEYS, "AWS_SESSION_TOKEN": None}}
    source["profile"]["AWS_SECRET_ACCESS_KEY"] = None
    https.client().create_bucket(Bucket="bucket")
    source["https"] = {"AWS_ENDPOINT_URL": https.url, "SSL_CERT_FILE": https.ca}
    for name, more in source.items():
        run(0, "copy", "files", f"s3://bucket/{name}/", "--receipts", name, "--json", **more)
        run(0, "verify", name, "--json", **more)
    run(0, "copy", "files", "--cloud", home / "private", "--receipts", "cloud")
    run(0, "move", "to-move", "s3://bucket/in/")
    run(0, "verify", "s3-receipts.jsonl", "--deep")
    run(0, "ls", "s3://bucket")
    run(0, "ls", "s3://bucket", "--json")
    run((0, 3), "get", "s3://bucket/in/", "back")
    run(0, "presign", "s3://bucket/in/small")
    run(0, "rm", "s3://bucket/in/small")
    run(0, "rm", "s3://bucket/in/", "--recursive", "--yes")
    run(0, "cleanup", "s3://bucket", "--older-than", "0s")
    run(0, "completions", "bash")

    run((66, 74), "verify", "s3-receipts.jsonl")
    run((66, 78), "get", "s3://bucket/missing", "back")
    run(78, "presign", "s3://bucket/in/small", "--valid", "30d")
    bad = ["--endpoint", "http://someone:" + file_secret + "@127.0.0.1:1"]
    for ways in (["--endpoint", dead, "--tries", "2"], bad, ["--cloud", home / "open"], ["--cloud", home / "broken"]):
        code = 75 if dead in ways else 78
        run(code, "copy", "files", "s3://bucket/in/", *ways)
        run(code, "move", "files", "s3://bucket/in/", *ways)
        run(code, "verify", "s3-receipts.jsonl", *ways)
        run(code, "ls", "s3://bucket", *ways)
        run(code, "get", "s3://bucket/in/small", "not-there", *ways)
        run(code, "rm", "s3://bucket/in/small", *ways)
        run(code, "cleanup", "s3://bucket", *ways)
        run(0 if dead in ways else 78, "presign", "s3://bucket/in/small", *ways)
    run(78, "ls", "s3://nowhere")
    run(78, "ls", "s3://bucket", "--cloud", home / "odd")
    run((75, 77, 78), "ls", "s3://bucket", "--profile", "broken", "--tries", "1", **NO_KEYS)

    written += [path.read_bytes().decode(errors="replace") for path in work.rglob("*") if path.is_file()]
    # It was as talkative as can be.
    assert any("DEBUG" in text for text in written)
    for text in written:
        for word in (secret, file_secret, token, "Signature="):
            for spelled in (word, urllib.parse.quote(word)):
                assert spelled not in text, text[max(0, text.find(spelled) - 300) : text.find(spelled) + 300]


def test_what_boto3_put_comes_into_a_folder_once_and_what_it_removed_goes(server, s3, tmp_path):
    dice = random.Random(7)
    content = {"a.jsonl": b"{}\n", "deep/ü +%25": dice.randbytes(5_000), "large.bin": dice.randbytes(20 << 20)}
    for name, data in content.items():
        # The large one in parts, of a size that is boto3's.
        s3.upload_fileobj(io.BytesIO(data), "bucket", "in/" + name)
    s3.put_object(Bucket="bucket", Key="inside/x", Body=b"another folder")
    sync = ["sync", "s3://bucket/in", "back", "--delete", "--max-delete", "1", "--yes"]

    def back():
        root = tmp_path / "back"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    for told in ["3 objects = 3 fetched + 0 there already", "3 objects = 0 fetched + 3 there already"]:
        done = server.run(tmp_path, *sync)
        assert done.returncode == 0 and told in done.stderr and "not proven" not in done.stderr, done.stderr
        assert back() == content
    content["a.jsonl"] = b"[]\n"
    s3.put_object(Bucket="bucket", Key="in/a.jsonl", Body=content["a.jsonl"])
    s3.delete_object(Bucket="bucket", Key="in/large.bin")
    del content["large.bin"]
    done = server.run(tmp_path, *sync)
    assert done.returncode == 0 and "1 fetched + 1 there already" in done.stderr, done.stderr
    assert back() == content
