"""What the readers of the world find in every format that we write, and what we find in the pickles of `huggingface_hub`.

Needs pytest; each test needs the library that it tries. GLEANER_BIN_DIR names the folder of the built binaries.
"""

import datetime
import gzip
import hashlib
import json
import os
import pickle
import xml.etree.ElementTree

import pytest

from converter import convert, lines, run

ROWS = [
    {
        "id": f"owner/name-{number}",
        "likes": number,
        "share": number / 8,
        "open": number % 3 == 0,
        "made": f"2026-11-{1 + number % 28:02}T03:04:05.{number:03}Z",
        "language": ["en", "zh", None, "é/../x", ""][number % 5],
        "tags": [f"t{n}" for n in range(number % 4)],
        "card": {"a": number, "<b>": "]]>&\x00"},
        "text": None if number % 7 == 0 else f'line\n"{number}", =1+1',
    }
    for number in range(200)
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    source = tmp_path_factory.mktemp("readers") / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return source


@pytest.fixture(scope="module")
def parquet(rows):
    path = rows.with_name("rows.parquet")
    convert(rows, path)
    return path


def test_pyarrow_finds_types_statistics_and_a_page_index(parquet):
    module = pytest.importorskip("pyarrow.parquet")
    file = module.ParquetFile(parquet)
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types["tags"] == "list<element: string not null>"
    assert (types["id"], types["likes"], types["share"], types["open"]) == ("string", "int64", "double", "bool")
    assert types["made"] == "timestamp[us, tz=UTC]"
    table = file.read().to_pylist()
    assert [row["made"] for row in table] == [datetime.datetime.fromisoformat(row["made"]) for row in ROWS]
    for name in ["id", "likes", "share", "open", "language", "tags", "text"]:
        assert [row[name] for row in table] == [row[name] for row in ROWS]
    group = file.metadata.row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert columns["likes"].statistics.max == 199
    assert columns["id"].has_column_index and columns["id"].has_offset_index


def test_duckdb_reads_parquet_csv_and_lines_and_finds_the_bloom_filter(rows, parquet, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    convert(rows, tmp_path / "rows.csv", "--columns", "id,likes,language")
    convert(rows, tmp_path / "rows.jsonl.gz")
    convert(rows, tmp_path / "rows.jsonl.zst")
    database = duckdb.connect()
    ids = [(row["id"], row["likes"]) for row in ROWS]
    for table in [f"'{parquet}'", f"read_csv('{tmp_path}/rows.csv')", f"read_json('{tmp_path}/rows.jsonl.gz')"]:
        assert database.sql(f"select id, likes from {table}").fetchall() == ids, table
    filters = database.sql(f"select path_in_schema, bloom_filter_offset from parquet_metadata('{parquet}')").fetchall()
    assert [name for name, offset in filters if offset] == ["id"]
    found = database.sql(f"select tags from '{parquet}' where id = 'owner/name-7'").fetchall()
    assert found == [(["t0", "t1", "t2"],)]
    zstd = pytest.importorskip("cramjam").zstd
    assert bytes(zstd.decompress((tmp_path / "rows.jsonl.zst").read_bytes())) == rows.read_bytes()
    assert gzip.decompress((tmp_path / "rows.jsonl.gz").read_bytes()) == rows.read_bytes()


def test_polars_reads_parquet_csv_and_lines(rows, parquet, tmp_path):
    polars = pytest.importorskip("polars")
    convert(rows, tmp_path / "rows.csv", "--columns", "id,likes,text")
    frame = polars.read_parquet(parquet)
    assert frame["tags"].to_list() == [row["tags"] for row in ROWS]
    assert frame["share"].to_list() == [row["share"] for row in ROWS]
    table = polars.read_csv(tmp_path / "rows.csv")
    assert table["likes"].to_list() == [row["likes"] for row in ROWS]
    assert table["text"].to_list() == [row["text"] for row in ROWS]
    assert polars.scan_parquet(parquet).filter(polars.col("likes") > 197).collect().height == 2


def test_datasets_reads_parquet_csv_and_lines(rows, parquet, tmp_path):
    datasets = pytest.importorskip("datasets")
    convert(rows, tmp_path / "rows.csv", "--columns", "id,likes")
    convert(rows, tmp_path / "rows.jsonl.gz")
    for kind, file in [("parquet", parquet), ("csv", tmp_path / "rows.csv"), ("json", tmp_path / "rows.jsonl.gz")]:
        found = datasets.load_dataset(kind, data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
        assert found["id"][:] == [row["id"] for row in ROWS], kind
        assert found["likes"][:] == [row["likes"] for row in ROWS], kind


def test_fastavro_reads_lists(rows, tmp_path):
    fastavro = pytest.importorskip("fastavro")
    convert(rows, tmp_path / "rows.avro")
    with open(tmp_path / "rows.avro", "rb") as file:
        found = list(fastavro.reader(file))
    assert [row["tags"] for row in found] == [row["tags"] for row in ROWS]
    convert(tmp_path / "rows.avro", tmp_path / "back.jsonl")
    assert lines(tmp_path / "back.jsonl") == ROWS


def test_an_xml_reader_finds_every_value(rows, tmp_path):
    convert(rows, tmp_path / "rows.xml")
    root = xml.etree.ElementTree.parse(tmp_path / "rows.xml").getroot()
    kinds = {"number": json.loads, "boolean": json.loads, "string": str}

    def value(element):
        if element.get("type") == "null":
            return None
        if element.get("json"):
            return json.loads(element.text)
        if element.get("type") == "list":
            return [value(item) for item in element]
        if element.get("type") == "object":
            return members(element)
        return kinds[element.get("type")](element.text or "")

    def members(element):
        return {field.get("name"): value(field) for field in element}

    assert [members(record) for record in root] == ROWS


def partitions(rows, tmp_path):
    folder = tmp_path / "parts"
    convert(rows, folder, "--partition-by", "language")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["language=__HIVE_DEFAULT_PARTITION__", "language=en", "language=zh", "language=é%2F..%2Fx"]
    return folder


def test_readers_find_hive_partitions(rows, tmp_path):
    dataset = pytest.importorskip("pyarrow.dataset")
    polars = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    folder = partitions(rows, tmp_path)
    # An empty text is null in the names of Hive.
    wanted = sorted((row["id"], row["language"] or None) for row in ROWS)
    table = dataset.dataset(folder, partitioning="hive").to_table(columns=["id", "language"]).to_pylist()
    assert sorted((row["id"], row["language"]) for row in table) == wanted
    table = polars.scan_parquet(folder, hive_partitioning=True).select("id", "language").collect()
    assert sorted(table.rows()) == wanted
    table = duckdb.sql(f"select id, language from read_parquet('{folder}/**/*.parquet', hive_partitioning = true)")
    assert sorted(table.fetchall()) == wanted


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_mlcroissant_validates_and_reads_what_describes_a_table(rows, tmp_path, kind):
    mlcroissant = pytest.importorskip("mlcroissant")
    datasets = pytest.importorskip("datasets")
    hostile = tmp_path / 'odd "name" | <b>.jsonl'
    hostile.write_text("".join(json.dumps({**row, "a|b`<script>": 1}) + "\n" for row in ROWS))
    folder = tmp_path / "folder"
    folder.mkdir()
    convert(hostile, folder / f"rows.{kind}", "--croissant", "--where", "likes < 100")
    described = mlcroissant.Dataset(folder / "croissant.json")
    assert not described.metadata.ctx.issues.errors
    file = json.loads((folder / "croissant.json").read_text())
    assert file["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert file["distribution"][0]["sha256"] == hashlib.sha256((folder / f"rows.{kind}").read_bytes()).hexdigest()
    origin = file["prov:wasDerivedFrom"][0]
    assert origin["@id"] == "urn:sha256:" + hashlib.sha256(hostile.read_bytes()).hexdigest()
    found = list(described.records(f"rows.{kind}#records"))
    assert len(found) == 100
    values = [value for name, value in found[7].items() if name.endswith("/0")]
    assert values == [b"owner/name-7"]
    # The card makes the folder a dataset.
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["likes"][:] == list(range(100))
    told = convert(hostile, folder / f"rows.{kind}", "--croissant", code=78)
    assert "exists already" in told
    assert "<script>" not in (folder / "README.md").read_text()


def test_a_listing_is_named_with_the_digest_of_its_manifest(rows, tmp_path):
    convert(rows, tmp_path / "root", "--listing", "hf/datasets")
    (tmp_path / "out").mkdir()
    convert(tmp_path / "root", tmp_path / "out" / "rows.parquet", "--croissant")
    file = json.loads((tmp_path / "out" / "croissant.json").read_text())
    manifest = (tmp_path / "root/hf/datasets/manifest.jsonl").read_bytes()
    assert file["prov:wasDerivedFrom"] == [{
        "@id": "urn:sha256:" + hashlib.sha256(manifest).hexdigest(),
        "@type": "prov:Entity",
        "prov:label": "hf/datasets",
    }]


def infos(count):
    hub = pytest.importorskip("huggingface_hub.hf_api")
    return [
        hub.DatasetInfo(**{
            "_id": f"{number:024x}",
            "id": f"owner/name-{number}",
            "author": "owner",
            "sha": "0" * 40,
            "createdAt": f"2026-11-{1 + number % 20:02}T03:04:05.678Z",
            "lastModified": "2026-11-21T03:04:05.000Z",
            "private": False,
            "gated": "auto",
            "disabled": False,
            "downloads": number,
            "likes": 2,
            "tags": ["language:en", "license:mit", "size_categories:n<1K"],
            "cardData": {"license": "mit", "pretty_name": "A name"},
            "siblings": [{"rfilename": "README.md", "size": 3, "blobId": "b"}],
            "description": "é 漢字 😀" * 20,
            "newer": {"unknown": [1]},
        })
        for number in range(count)
    ]


@pytest.mark.parametrize("version", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_the_library_is_read_with_its_dates(tmp_path, version):
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(infos(30), version))
    convert(tmp_path / "old.pkl", tmp_path / "rows.jsonl")
    found = lines(tmp_path / "rows.jsonl")
    assert [row["id"] for row in found] == [f"owner/name-{number}" for number in range(30)]
    first = found[3]
    assert first["_id"] == "000000000000000000000003"
    assert first["createdAt"] == "2026-11-04T03:04:05.678Z" and first["lastModified"] == "2026-11-21T03:04:05Z"
    assert first["cardData"] == {"license": "mit", "pretty_name": "A name"}
    assert first["siblings"] == [{"rfilename": "README.md", "size": 3, "blobId": "b", "lfs": None}]
    assert first["newer"] == {"unknown": [1]} and first["description"] == "é 漢字 😀" * 20


def test_a_pickle_becomes_a_listing_that_process_takes(tmp_path):
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(infos(2500)))
    convert(tmp_path / "old.pkl", tmp_path / "old", "--listing", "hf/datasets")
    (tmp_path / "filter.toml").write_text("")
    arguments = ["process", tmp_path / "old", "--root", tmp_path / "new", "--collect-date", "2026-11-23"]
    run("hf-crawler", *arguments, "--filter", tmp_path / "filter.toml")
    convert(tmp_path / "new", tmp_path / "rows.jsonl")
    found = lines(tmp_path / "rows.jsonl")
    assert len(found) == 2500
    assert found[3]["created_at"] == "2026-11-04" and found[3]["pretty_name"] == "A name"
    assert found[3]["tags"] == {"language": "en", "license": "mit", "size_categories": "n<1K"}


def test_models_and_plain_values_of_a_pickle_are_read(tmp_path):
    hub = pytest.importorskip("huggingface_hub.hf_api")
    model = hub.ModelInfo(**{
        "id": "a/b",
        "safetensors": {"parameters": {"F32": 1}, "total": 1},
        "transformersInfo": {"auto_model": "x"},
        "gated": False,
    })
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    plain = {
        "day": datetime.date(2024, 2, 29),
        "local": datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
        "zoned": datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=zone),
        "pair": (1, -(2**40)),
        "set": {"x"},
        "bytes": b"text",
        "big": 2**100,
        7: None,
    }
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([model, plain]))
    convert(tmp_path / "x.pkl", tmp_path / "x.jsonl")
    first, second = lines(tmp_path / "x.jsonl")
    assert first["id"] == "a/b" and first["safetensors"] == {"parameters": {"F32": 1}, "total": 1}
    assert first["transformersInfo"]["auto_model"] == "x"
    assert second == {
        "day": "2024-02-29",
        "local": "2024-02-29T01:02:03.000004",
        "zoned": "2024-02-29T01:02:03-05:00",
        "pair": [1, -(2**40)],
        "set": ["x"],
        "bytes": "text",
        "big": 2**100,
        "7": None,
    }


class Attack:
    def __init__(self, order):
        self.order = order

    def __reduce__(self):
        return os.system, (self.order,)


@pytest.mark.parametrize("version", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_a_program_runs_nothing(tmp_path, version):
    witness = tmp_path / "witness"
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([{"a": Attack(f"touch {witness}")}], version))
    told = convert(tmp_path / "x.pkl", tmp_path / "x.jsonl", code=78)
    assert ".system" in told and "nothing in a pickle is executed" in told
    assert not witness.exists() and not (tmp_path / "x.jsonl").exists()
    # What it would have done elsewhere.
    pickle.loads((tmp_path / "x.pkl").read_bytes())
    assert witness.exists()


def test_openpyxl_reads_the_report(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    labels = ["Law", "Code", "Law"]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(
        json.dumps({
            "repo_id": f"a/{number}",
            "created_at": "2026-11-23",
            "likes": number or None,
            "description": "\n\n\t=1+1\n\n",
            "domain_names": [label],
            "domain_answer": {"x": 1},
        }) + "\n"
        for number, label in enumerate(labels)
    ))
    convert(source, tmp_path / "report.xlsx", "--report", "--links")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    sheet = book["Records"]
    titles = [cell.value for cell in sheet[1]]
    assert titles == ["repo_id", "domain_names", "Law", "Code", "created_at", "likes", "description", "domain_answer"]
    row = [cell.value for cell in sheet[2]]
    assert row == ["a/0", "Law", "yes", "no", datetime.datetime(2026, 11, 23), None, "=1+1", '{"x":1}']
    assert sheet["G2"].data_type in ("s", "inlineStr") and sheet["G2"].alignment.wrap_text
    assert sheet["A2"].hyperlink.target == "https://huggingface.co/datasets/a/0"
    assert sheet.column_dimensions["H"].hidden and not sheet.column_dimensions["A"].hidden
    assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref == "A1:H4"
    front = book["Summary"]
    assert len(front._charts) == 1
    assert [cell.value for cell in front[5]][:2] == ["Law", 2]
