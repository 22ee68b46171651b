//! The typed Parquet of the library: what is written comes back, and the footer says what readers use.

use std::fs::File;
use std::path::PathBuf;

use crawl_core::table::{Column, Type, Value};
use crawl_core::{Kind, Timestamp};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use record_converter::Compression;
use record_converter::parquet::{Reader, WriteOptions, Writer};
use tempfile::TempDir;

const ALL: [(&str, Type); 7] = [
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("text", Type::Text),
    ("texts", Type::Texts),
    ("time", Type::Time),
    ("json", Type::Json),
];

fn columns() -> Vec<Column> {
    ALL.iter().map(|(name, kind)| Column::new(*name, *kind)).collect()
}

fn row(number: i64) -> Vec<Value<'static>> {
    let texts = (0..number % 4).map(|n| format!("t{n}é").into()).collect();
    vec![
        Value::Int(i64::MIN + number),
        Value::Float(number as f64 / 3.0),
        Value::Bool(number % 2 == 0),
        Value::Text(format!("x{number}").into()),
        Value::Texts(texts),
        Value::Time(Timestamp::from_microsecond(number * 86_400_000_001 - 5).unwrap()),
        Value::Text(format!("{{\"a\":{number}}}").into()),
    ]
}

/// Rows of all types, and some with one null or nothing else.
fn rows() -> Vec<Vec<Value<'static>>> {
    let mut rows: Vec<_> = (0..500).map(row).collect();
    for at in 0..ALL.len() {
        rows[at * 3][at] = Value::Null;
    }
    rows[40] = vec![Value::Null; ALL.len()];
    rows
}

fn written(columns: &[Column], rows: &[Vec<Value<'_>>], options: &WriteOptions) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let mut writer = Writer::new(File::create(&path).unwrap(), columns, options).unwrap();
    rows.iter().for_each(|row| writer.push(row).unwrap());
    writer.note("rows", rows.len().to_string());
    writer.finish().unwrap();
    (folder, path)
}

fn read(reader: &Reader, names: &[&str]) -> Vec<Vec<Value<'static>>> {
    reader.rows(names).unwrap().map(|row| row.unwrap()).collect()
}

#[test]
fn every_type_comes_back_with_its_nulls() {
    for compression in [None, Some(Compression::Snappy), Some(Compression::None)] {
        let options = WriteOptions {
            compression,
            metadata: vec![("who".into(), "we".into())],
            ..WriteOptions::default()
        };
        let (_folder, path) = written(&columns(), &rows(), &options);
        let reader = Reader::open(&path).unwrap();
        assert_eq!(reader.columns(), columns());
        assert_eq!((reader.len(), reader.is_empty()), (500, false));
        assert_eq!(read(&reader, &[]), rows());
        assert_eq!((reader.metadata("who"), reader.metadata("rows")), (Some("we"), Some("500")));
        assert_eq!(reader.metadata("other"), None);
    }
}

#[test]
fn chosen_columns_come_in_the_order_that_is_asked_for_and_as_often_as_is_asked() {
    let (_folder, path) = written(&columns(), &rows(), &WriteOptions::default());
    let reader = Reader::open(&path).unwrap();
    for _ in 0..2 {
        let chosen = read(&reader, &["texts", "int", "bool"]);
        let expected: Vec<_> =
            rows().iter().map(|row| vec![row[4].clone(), row[0].clone(), row[2].clone()]).collect();
        assert_eq!(chosen, expected);
    }
    for names in [&["none"][..], &["int", "int"]] {
        let error = reader.rows(names).err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.advice().contains("texts"), "{}", error.advice());
    }
}

#[test]
fn a_table_without_rows_and_one_of_nulls_alone_come_back() {
    let nulls = vec![vec![Value::Null; ALL.len()]; 3];
    for rows in [Vec::new(), nulls] {
        let (_folder, path) = written(&columns(), &rows, &WriteOptions::default());
        let reader = Reader::open(&path).unwrap();
        assert_eq!((read(&reader, &[]), reader.is_empty()), (rows.clone(), rows.is_empty()));
    }
}

#[test]
fn the_footer_has_statistics_a_page_index_a_bloom_filter_and_the_order() {
    let options = WriteOptions {
        bloom: vec!["text".into(), "int".into()],
        sorted_by: Some("int".into()),
        raw: Some("json".into()),
        ..WriteOptions::default()
    };
    let rows: Vec<_> = (0..200_000).map(row).collect();
    let (_folder, path) = written(&columns(), &rows, &options);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(&path).unwrap()).unwrap();
    assert_eq!(metadata.num_row_groups(), 2);
    assert_eq!(metadata.row_group(0).num_rows(), 131_072);
    let order = metadata.row_group(1).sorting_columns().unwrap();
    assert!(order.len() == 1 && order[0].column_idx == 0 && !order[0].descending && order[0].nulls_first);
    for column in &metadata.row_group(0).columns()[..6] {
        assert!(column.column_index_length().is_some() && column.offset_index_length().is_some());
    }
    let statistics = |at: usize| metadata.row_group(0).column(at).statistics();
    assert_eq!(statistics(0).unwrap().min_bytes_opt().unwrap(), i64::MIN.to_le_bytes());
    assert!((0..6).all(|at| statistics(at).is_some()) && statistics(6).is_none());

    let options = ReadOptionsBuilder::new()
        .with_reader_properties(ReaderProperties::builder().set_read_bloom_filter(true).build());
    let file = SerializedFileReader::new_with_options(File::open(&path).unwrap(), options.build()).unwrap();
    let group = file.get_row_group(1).unwrap();
    let filter = group.get_column_bloom_filter(3).unwrap();
    assert!((131_072..200_000).all(|number| filter.check(format!("x{number}").as_str())));
    let wrong = (0..131_072).filter(|number| filter.check(format!("x{number}").as_str())).count();
    assert!(wrong < 6_000, "{wrong}");
    assert!(group.get_column_bloom_filter(0).is_some() && group.get_column_bloom_filter(1).is_none());
}

#[test]
fn what_does_not_fit_is_refused_and_never_becomes_null() {
    let columns = [Column::new("id", Type::Int), Column::new("raw", Type::Json)];
    let begin = |options: &WriteOptions| Writer::new(Vec::new(), &columns, options);
    let options = WriteOptions { raw: Some("raw".into()), ..WriteOptions::default() };
    let raw = || Value::Text("{}".into());
    for bad in [
        vec![Value::Int(1)],
        vec![Value::Int(1), Value::Null],
        vec![Value::Text("1".into()), raw()],
        vec![Value::Float(1.0), raw()],
        vec![Value::Int(1), raw(), raw()],
    ] {
        assert_eq!(begin(&options).unwrap().push(&bad).unwrap_err().kind(), Kind::Config, "{bad:?}");
    }
    let options = WriteOptions { sorted_by: Some("id".into()), ..WriteOptions::default() };
    let mut writer = begin(&options).unwrap();
    for id in [Value::Null, Value::Int(-1), Value::Int(-1), Value::Int(2)] {
        writer.push(&[id, raw()]).unwrap();
    }
    assert_eq!(writer.push(&[Value::Int(1), raw()]).unwrap_err().kind(), Kind::Config);
    for options in [
        WriteOptions { bloom: vec!["none".into()], ..WriteOptions::default() },
        WriteOptions { sorted_by: Some("none".into()), ..WriteOptions::default() },
        WriteOptions { raw: Some("none".into()), ..WriteOptions::default() },
    ] {
        assert_eq!(begin(&options).err().unwrap().kind(), Kind::Config);
    }
    let twice = [Column::new("a", Type::Int), Column::new("a", Type::Int)];
    assert!(Writer::new(Vec::new(), &twice, &WriteOptions::default()).is_err());
}

#[test]
fn a_file_that_is_damaged_is_an_error_and_nothing_else() {
    let (folder, path) = written(&columns(), &rows(), &WriteOptions::default());
    let whole = std::fs::read(&path).unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let bad = folder.path().join("bad.parquet");
    for round in 0..400 {
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(rng.usize(..whole.len()));
        } else {
            (0..3).for_each(|_| {
                let at = rng.usize(..whole.len());
                bytes[at] = rng.u8(..);
            });
        }
        std::fs::write(&bad, &bytes).unwrap();
        let result = Reader::open(&bad)
            .and_then(|reader| reader.rows(&[])?.try_fold(0_u64, |count, row| row.map(|_| count + 1)));
        match result {
            Ok(_) => assert!(round % 2 == 1, "a file that is cut was read"),
            Err(error) => assert_eq!(error.kind(), Kind::Shape, "{error}"),
        }
    }
    assert_eq!(Reader::open(&folder.path().join("none")).err().unwrap().kind(), Kind::Config);
}
