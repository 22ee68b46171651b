//! Parquet of others, in the old ways too: values are what their files say that they are.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use crawl_core::table::{Type, Value};
use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use record_converter::parquet::Reader;
use record_converter::{Options, Summary};
use tempfile::TempDir;

use crate::run;

type Writer = SerializedFileWriter<File>;
type Group<'a> = parquet::file::writer::SerializedRowGroupWriter<'a, File>;

/// Writes `in.parquet`, each group of rows by one of `groups`.
fn written(schema: &str, groups: &[&dyn Fn(&mut Group<'_>)]) -> TempDir {
    written_with(WriterProperties::default(), schema, groups)
}

fn written_with(properties: WriterProperties, schema: &str, groups: &[&dyn Fn(&mut Group<'_>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let file = File::create(folder.path().join("in.parquet")).unwrap();
    let mut writer = Writer::new(file, schema, Arc::new(properties)).unwrap();
    for group in groups {
        let mut rows = writer.next_row_group().unwrap();
        group(&mut rows);
        rows.close().unwrap();
    }
    writer.close().unwrap();
    folder
}

/// Writes the next column of a group: its values, and where they are.
fn column<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: &[i16], repeats: &[i16]) {
    let mut column = group.next_column().unwrap().unwrap();
    let levels = (!levels.is_empty()).then_some(levels);
    let repeats = (!repeats.is_empty()).then_some(repeats);
    column.typed::<T>().write_batch(values, levels, repeats).unwrap();
    column.close().unwrap();
}

fn lines(folder: &TempDir) -> (Vec<String>, Summary) {
    let summary =
        run(folder, "in.parquet", "out.jsonl", Options { force: true, ..Options::default() }).unwrap();
    let text = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    (text.lines().map(str::to_owned).collect(), summary)
}

fn rows(folder: &Path) -> (Vec<Type>, Vec<Vec<Value<'static>>>) {
    let reader = Reader::open(&folder.join("in.parquet")).unwrap();
    let rows = reader.rows(&[]).unwrap().map(|row| row.unwrap()).collect();
    (reader.columns().iter().map(|column| column.kind).collect(), rows)
}

/// 2024-02-29T13:45:00.123456789 as days and nanoseconds of the day.
fn old_time() -> Int96 {
    let nanos: u64 = (13 * 3600 + 45 * 60) * 1_000_000_000 + 123_456_789;
    let mut time = Int96::new();
    time.set_data((nanos & 0xFFFF_FFFF) as u32, (nanos >> 32) as u32, 2_440_588 + 19_782);
    time
}

#[test]
fn what_old_writers_say_of_their_columns_is_understood() {
    let schema = "optional int64 ms (TIMESTAMP_MILLIS); required int64 us (TIMESTAMP_MICROS); required int32 day (DATE);
        required binary text (UTF8); required binary kind (ENUM); required binary json (JSON); required int32 dec (DECIMAL(9, 2));
        required int32 i8 (INT_8); required int32 i16 (INT_16); required int64 i64 (INT_64); required int32 u32 (UINT_32);
        required int64 u64 (UINT_64); required int32 clock (TIME_MILLIS); required int64 plain;";
    let moment = 1_709_214_300_123_i64;
    let folder = written(
        schema,
        &[&|group| {
            column::<Int64Type>(group, &[moment], &[1, 0], &[]);
            column::<Int64Type>(group, &[moment * 1000 + 456; 2], &[], &[]);
            column::<Int32Type>(group, &[19_782; 2], &[], &[]);
            for text in ["é", "x", "[1, 2]"] {
                column::<ByteArrayType>(group, &[ByteArray::from(text), ByteArray::from(text)], &[], &[]);
            }
            for number in [-150, -7, -7] {
                column::<Int32Type>(group, &[number; 2], &[], &[]);
            }
            column::<Int64Type>(group, &[-7; 2], &[], &[]);
            column::<Int32Type>(group, &[-1; 2], &[], &[]);
            column::<Int64Type>(group, &[-1; 2], &[], &[]);
            column::<Int32Type>(group, &[1; 2], &[], &[]);
            column::<Int64Type>(group, &[5; 2], &[], &[]);
        }],
    );
    let (found, summary) = lines(&folder);
    let rest = concat!(
        r#""us":"2024-02-29T13:45:00.123456Z","day":"2024-02-29","text":"é","kind":"x","json":[1,2],"dec":-1.50,"i8":-7,"#,
        r#""i16":-7,"i64":-7,"u32":4294967295,"u64":18446744073709551615,"clock":"00:00:00.001","plain":5}"#
    );
    let expected = [format!("{{\"ms\":\"2024-02-29T13:45:00.123Z\",{rest}"), format!("{{\"ms\":null,{rest}")];
    assert_eq!(found, expected);
    assert!(summary.is_whole());
    let (kinds, rows) = rows(folder.path());
    let expected = [
        Type::Time,
        Type::Time,
        Type::Json,
        Type::Text,
        Type::Text,
        Type::Json,
        Type::Json,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Json,
        Type::Json,
        Type::Int,
    ];
    assert_eq!(kinds, expected);
    let time = |micros| Value::Time(crawl_core::Timestamp::from_microsecond(micros).unwrap());
    assert_eq!(rows[0][..2], [time(moment * 1000), time(moment * 1000 + 456)]);
    assert_eq!((&rows[1][0], &rows[1][3]), (&Value::Null, &Value::Text("é".into())));
    assert_eq!((&rows[0][5], &rows[0][10]), (&Value::Text("[1, 2]".into()), &Value::Int(u32::MAX.into())));
}

#[test]
fn times_of_the_form_int96_keep_their_nanoseconds_or_are_named() {
    let folder = written(
        "required int32 n; optional int96 old; optional group list (LIST) { repeated group list { optional int96 element; } }
         required int96 sure;",
        &[
            &|group| {
                column::<Int32Type>(group, &[1, 2], &[], &[]);
                column::<Int96Type>(group, &[old_time()], &[0, 1], &[]);
                column::<Int96Type>(group, &[old_time()], &[3, 0], &[0, 0]);
                column::<Int96Type>(group, &[old_time(), Int96::new()], &[], &[]);
            },
            &|group| {
                column::<Int32Type>(group, &[3], &[], &[]);
                column::<Int96Type>(group, &[old_time()], &[1], &[]);
                column::<Int96Type>(group, &[], &[0], &[0]);
                column::<Int96Type>(group, &[old_time()], &[], &[]);
            },
        ],
    );
    let (found, summary) = lines(&folder);
    let old = "\"2024-02-29T13:45:00.123456789Z\"";
    let expected = [
        format!("{{\"n\":1,\"old\":null,\"list\":[\"2024-02-29T13:45:00.123Z\"],\"sure\":{old}}}"),
        format!("{{\"n\":2,\"old\":{old},\"list\":null,\"sure\":\"-004713-11-24T00:00:00Z\"}}"),
        format!("{{\"n\":3,\"old\":{old},\"list\":null,\"sure\":{old}}}"),
    ];
    assert_eq!(found, expected);
    assert_eq!(summary.cells_lost, 1, "the digits of the one inside a list");
    let reader = Reader::open(&folder.path().join("in.parquet")).unwrap();
    let rows: Vec<_> = reader.rows(&["sure", "old", "n"]).unwrap().map(|row| row.unwrap()).collect();
    let time = Value::Time("2024-02-29T13:45:00.123456789Z".parse().unwrap());
    assert_eq!(rows[0], [time.clone(), Value::Null, Value::Int(1)]);
    assert_eq!(rows[2], [time.clone(), time, Value::Int(3)]);
}

#[test]
fn what_is_inside_lists_objects_and_maps_means_what_it_means_outside() {
    let folder = written(
        "optional group list (LIST) { repeated group list { optional int64 element (TIMESTAMP(NANOS, false)); } }
         required group object { required int64 clock (TIME(NANOS, false)); required fixed_len_byte_array(16) id (UUID); }
         optional group map (MAP) { repeated group key_value { required binary key (UTF8); optional int64 value (TIMESTAMP(MICROS, false)); } }
         required group two (LIST) { repeated int64 array (TIMESTAMP_MILLIS); }
         repeated int64 bare (TIMESTAMP_MILLIS);",
        &[&|group| {
            column::<Int64Type>(group, &[1_500_000_000], &[3], &[0]);
            column::<Int64Type>(group, &[3_600_000_000_001], &[], &[]);
            let id = FixedLenByteArray::from(b"\x55\x0e\x84\x00\xe2\x9b\x41\xd4\xa7\x16\x44\x66\x55\x44\x00\x00".to_vec());
            column::<FixedLenByteArrayType>(group, &[id], &[], &[]);
            column::<ByteArrayType>(group, &[ByteArray::from("k")], &[2], &[0]);
            column::<Int64Type>(group, &[5], &[3], &[0]);
            column::<Int64Type>(group, &[1, 2], &[1, 1], &[0, 1]);
            column::<Int64Type>(group, &[1, 2], &[1, 1], &[0, 1]);
        }],
    );
    let (found, summary) = lines(&folder);
    let expected = concat!(
        r#"{"list":["1970-01-01T00:00:01.5"],"object":{"clock":"01:00:00.000000001","#,
        r#""id":"550e8400-e29b-41d4-a716-446655440000"},"map":{"k":"1970-01-01T00:00:00.000005"},"#,
        r#""two":["1970-01-01T00:00:00.001Z","1970-01-01T00:00:00.002Z"],"#,
        r#""bare":["1970-01-01T00:00:00.001Z","1970-01-01T00:00:00.002Z"]}"#
    );
    assert_eq!(found, [expected]);
    assert!(summary.is_whole());
}

#[test]
fn lists_of_two_levels_are_lists() {
    let folder = written(
        "optional group texts (LIST) { repeated binary array (UTF8); }
         required group pairs (LIST) { repeated group array { required int32 a; optional int32 b; } }
         required group ones (LIST) { repeated group ones_tuple { required int64 at (TIMESTAMP_MILLIS); } }",
        &[&|group| {
            let texts = ["a", "b", "c"].map(ByteArray::from);
            column::<ByteArrayType>(group, &texts, &[2, 2, 1, 0, 2], &[0, 1, 0, 0, 0]);
            column::<Int32Type>(group, &[1, 2], &[1, 1, 0, 0, 0], &[0, 1, 0, 0, 0]);
            column::<Int32Type>(group, &[3], &[2, 1, 0, 0, 0], &[0, 1, 0, 0, 0]);
            column::<Int64Type>(group, &[1, 2, 3], &[1, 1, 1, 0, 0], &[0, 0, 1, 0, 0]);
        }],
    );
    let (found, summary) = lines(&folder);
    let at = |millis: u8| format!("{{\"at\":\"1970-01-01T00:00:00.00{millis}Z\"}}");
    let expected = [
        format!(
            "{{\"texts\":[\"a\",\"b\"],\"pairs\":[{{\"a\":1,\"b\":3}},{{\"a\":2,\"b\":null}}],\"ones\":[{}]}}",
            at(1)
        ),
        format!("{{\"texts\":[],\"pairs\":[],\"ones\":[{},{}]}}", at(2), at(3)),
        "{\"texts\":null,\"pairs\":[],\"ones\":[]}".to_owned(),
        "{\"texts\":[\"c\"],\"pairs\":[],\"ones\":[]}".to_owned(),
    ];
    assert_eq!(found, expected);
    assert!(summary.is_whole());
}

#[test]
fn every_compression_that_writers_use_is_read() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::BROTLI(Default::default()),
    ] {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let folder = written_with(
            properties,
            "required binary text (UTF8);",
            &[&|group| column::<ByteArrayType>(group, &vec![ByteArray::from("same"); 100], &[], &[])],
        );
        let (found, summary) = lines(&folder);
        assert!(
            found.len() == 100 && found.iter().all(|line| line == r#"{"text":"same"}"#),
            "{compression:?}"
        );
        assert!(summary.is_whole());
    }
}
