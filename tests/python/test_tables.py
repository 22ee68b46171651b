"""What the world's other readers find in our CSV, Parquet and Avro files, and what we find in theirs.

Needs pytest; pandas, pyarrow and fastavro where they are there. GLEANER_BIN_DIR names the folder of the built
`record-converter` binary.
"""

import csv
import datetime
import decimal
import json

import pytest

from converter import convert, lines

ROWS = [
    {
        "id": 2**63 - 1 - number,
        "float": 0.1 * number,
        "truth": number % 2 == 0,
        "text": text,
        "list": [number, {"a": None}],
        "large": 2**64 - 1,
        "a-b": None if number == 1 else "x",
    }
    for number, text in enumerate(["", "é 漢字 😀", 'a"b\r\nc,;', "=1+1", "null", "[1]", "\x00\x01", "'q", " x "])
]
ROWS.append({"id": 1})


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    source = tmp_path_factory.mktemp("tables") / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return source


def test_python_reads_the_csv_and_we_read_what_python_writes(rows, tmp_path):
    convert(rows, tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == list(ROWS[0])
    assert [row["id"] for row in found] == [str(row["id"]) for row in ROWS]
    texts = [row.get("text", "") for row in ROWS]
    texts = ["'=1+1" if text == "=1+1" else 'json:"[1]"' if text == "[1]" else text for text in texts]
    assert [row["text"] for row in found] == texts
    assert json.loads(found[1]["list"]) == [1, {"a": None}]
    with open(tmp_path / "theirs.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b"])
        writer.writerow(["007", 'x"\r\ny'])
        writer.writerow([1.5, None])
    convert(tmp_path / "theirs.csv", tmp_path / "theirs.jsonl")
    assert lines(tmp_path / "theirs.jsonl") == [{"a": "007", "b": 'x"\r\ny'}, {"a": 1.5, "b": None}]


def test_pandas_reads_the_csv(rows, tmp_path):
    pandas = pytest.importorskip("pandas")
    convert(rows, tmp_path / "rows.csv", "--columns", "id,truth,list")
    frame = pandas.read_csv(tmp_path / "rows.csv")
    assert list(frame.columns) == ["id", "truth", "list"]
    assert frame["id"].tolist() == [row["id"] for row in ROWS]


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_pyarrow_reads_the_parquet(rows, tmp_path, compression):
    parquet = pytest.importorskip("pyarrow.parquet")
    convert(rows, tmp_path / "rows.parquet", "--compression", compression)
    table = parquet.read_table(tmp_path / "rows.parquet", arrow_extensions_enabled=False)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "id": "int64",
        "float": "double",
        "truth": "bool",
        "text": "string",
        "list": "string",
        "large": "string",
        "a-b": "string",
        "raw": "string",
    }
    found = table.to_pylist()
    for name in ["id", "float", "truth", "text", "a-b"]:
        assert [row[name] for row in found] == [row.get(name) for row in ROWS]
    assert json.loads(found[3]["list"]) == [3, {"a": None}] and found[0]["large"] == str(2**64 - 1)
    assert [json.loads(row["raw"]) for row in found] == ROWS
    assert parquet.ParquetFile(tmp_path / "rows.parquet").metadata.row_group(0).column(0).statistics.min == 1


def test_pandas_reads_the_parquet(rows, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    convert(rows, tmp_path / "rows.parquet")
    frame = pandas.read_parquet(tmp_path / "rows.parquet")
    assert frame["id"].tolist() == [row["id"] for row in ROWS]
    assert [json.loads(text) for text in frame["raw"]] == ROWS


def test_we_read_what_pyarrow_writes(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = datetime.datetime(2024, 2, 29, 13, 45, 0, 123456)
    naive = pyarrow.array([moment], pyarrow.timestamp("us"))
    table = pyarrow.table({
        "i": pyarrow.array([7], pyarrow.int8()),
        "u": pyarrow.array([2**64 - 1], pyarrow.uint64()),
        "f": pyarrow.array([0.1], pyarrow.float32()),
        "h": pyarrow.array([1.5], pyarrow.float16()),
        "d": [datetime.date(2024, 2, 29)],
        "t": naive,
        "z": naive.cast(pyarrow.timestamp("ns", "UTC")),
        "ms": naive.cast(pyarrow.timestamp("ms"), safe=False),
        "c": [datetime.time(13, 45)],
        "n": pyarrow.array([decimal.Decimal("-1.50")], pyarrow.decimal128(20, 2)),
        "w": pyarrow.array([decimal.Decimal("12345678901234567890")], pyarrow.decimal128(30, 0)),
        "b": [b"text"],
        "l": [[1, None]],
        "s": [{"x": None, "y": ["a"]}],
        "m": pyarrow.array([[("k", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "e": pyarrow.array(["x"]).dictionary_encode(),
        "0": pyarrow.nulls(1),
    })
    parquet.write_table(table, tmp_path / "theirs.parquet")
    convert(tmp_path / "theirs.parquet", tmp_path / "theirs.jsonl")
    assert lines(tmp_path / "theirs.jsonl") == [{
        "i": 7,
        "u": 2**64 - 1,
        "f": 0.1,
        "h": 1.5,
        "d": "2024-02-29",
        "t": "2024-02-29T13:45:00.123456",
        "z": "2024-02-29T13:45:00.123456Z",
        "ms": "2024-02-29T13:45:00.123",
        "c": "13:45:00",
        "n": -1.5,
        "w": 12345678901234567890,
        "b": "text",
        "l": [1, None],
        "s": {"x": None, "y": ["a"]},
        "m": {"k": 1},
        "e": "x",
        "0": None,
    }]
    parquet.write_table(pyarrow.table({"a": [1.0, float("nan")], "b": [b"\xff", b""]}), tmp_path / "odd.parquet")
    told = convert(tmp_path / "odd.parquet", tmp_path / "odd.jsonl", code=3)
    assert "row 2, \"a\": NaN" in told and "Base64" in told
    assert lines(tmp_path / "odd.jsonl") == [{"a": 1.0, "b": "/w=="}, {"a": None, "b": ""}]


def test_we_read_the_old_forms_that_pyarrow_writes(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = datetime.datetime(2024, 2, 29, 13, 45, 0, 123456, datetime.timezone.utc)
    stamps = pyarrow.array([moment, None, moment], pyarrow.timestamp("us", "UTC"))
    table = pyarrow.table({"t": stamps, "d": [datetime.date(2024, 2, 29)] * 3, "l": [[moment]] * 3})
    # Row groups of two rows: the old times are read beside the others.
    parquet.write_table(table, tmp_path / "old.parquet", use_deprecated_int96_timestamps=True, row_group_size=2)
    told = convert(tmp_path / "old.parquet", tmp_path / "old.jsonl", code=3)
    assert told.count("INT96") == 3
    found = lines(tmp_path / "old.jsonl")
    assert [row["t"] for row in found] == ["2024-02-29T13:45:00.123456Z", None, "2024-02-29T13:45:00.123456Z"]
    assert [row["l"] for row in found] == [["2024-02-29T13:45:00.123Z"]] * 3
    parquet.write_table(table, tmp_path / "one.parquet", version="1.0")
    convert(tmp_path / "one.parquet", tmp_path / "one.jsonl")
    time = "2024-02-29T13:45:00.123456Z"
    assert lines(tmp_path / "one.jsonl")[0] == {"t": time, "d": "2024-02-29", "l": [time]}
    inside = pyarrow.table({
        "naive": pyarrow.array([[moment.replace(tzinfo=None)]], pyarrow.list_(pyarrow.timestamp("us"))),
        "nanos": pyarrow.array([{"t": 1, "c": 1}], pyarrow.struct([("t", pyarrow.timestamp("ns")), ("c", pyarrow.time64("ns"))])),
        "id": pyarrow.array([bytes(range(16))], pyarrow.uuid()),
    })
    parquet.write_table(inside, tmp_path / "inside.parquet")
    convert(tmp_path / "inside.parquet", tmp_path / "inside.jsonl")
    assert lines(tmp_path / "inside.jsonl") == [{
        "naive": ["2024-02-29T13:45:00.123456"],
        "nanos": {"t": "1970-01-01T00:00:00.000000001", "c": "00:00:00.000000001"},
        "id": "00010203-0405-0607-0809-0a0b0c0d0e0f",
    }]


@pytest.mark.parametrize("compression", [None, "snappy", "none"])
def test_fastavro_reads_the_avro(rows, tmp_path, compression):
    fastavro = pytest.importorskip("fastavro")
    if compression == "snappy":
        pytest.importorskip("cramjam")
    convert(rows, tmp_path / "rows.avro", *(["--compression", compression] if compression else []))
    with open(tmp_path / "rows.avro", "rb") as file:
        found = list(fastavro.reader(file))
    for name in ["id", "float", "truth", "text"]:
        assert [row[name] for row in found] == [row.get(name) for row in ROWS]
    assert [row["a_b"] for row in found] == [row.get("a-b") for row in ROWS]
    assert [json.loads(row["raw"]) for row in found] == ROWS


def test_we_read_what_fastavro_writes(tmp_path):
    fastavro = pytest.importorskip("fastavro")
    schema = {
        "type": "record",
        "name": "a.Node",
        "fields": [
            {"name": "i", "type": "int"},
            {"name": "u", "type": ["null", "string", "double"]},
            {"name": "d", "type": {"type": "int", "logicalType": "date"}},
            {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "n", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["x", "y"]}},
            {"name": "m", "type": {"type": "map", "values": "float"}},
            {"name": "l", "type": {"type": "array", "items": "Node"}},
        ],
    }
    utc = datetime.timezone.utc
    leaf = {
        "i": -1,
        "u": None,
        "d": datetime.date(2024, 2, 29),
        "t": datetime.datetime(2024, 2, 29, 13, 45, 0, 5, utc),
        "n": decimal.Decimal("-1.25"),
        "e": "y",
        "m": {"k": 1.5},
        "l": [],
    }
    rows = [{**leaf, "u": 0.5, "l": [leaf, leaf]}]
    plain = {**leaf, "d": "2024-02-29", "t": "2024-02-29T13:45:00.000005Z", "n": -1.25}
    for codec in ["null", "deflate"]:
        with open(tmp_path / "theirs.avro", "wb") as file:
            fastavro.writer(file, schema, rows, codec=codec)
        convert(tmp_path / "theirs.avro", tmp_path / "theirs.jsonl", "--force")
        assert lines(tmp_path / "theirs.jsonl") == [{**plain, "u": 0.5, "l": [plain, plain]}]
