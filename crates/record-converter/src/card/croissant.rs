//! `croissant.json`.

use crawl_core::table::{Column, Type};
use serde_json::{Map, Value, json};

use super::{Card, Form, Origin, Table};

/// The context of Croissant 1.1, as its specification gives it.
fn context() -> Value {
    let mut context = Map::new();
    let terms = [
        "annotation",
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileObject",
        "fileProperty",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "readLines",
        "recordSet",
        "references",
        "repeated",
        "regex",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
        "unArchive",
        "value",
    ];
    for term in terms {
        context.insert(term.into(), format!("cr:{term}").into());
    }
    let more = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "prov": "http://www.w3.org/ns/prov#",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    });
    context.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(context)
}

pub(super) fn text(card: &Card) -> String {
    let origin = |origin: &Origin| json!({"@type": "prov:Entity", "@id": format!("urn:sha256:{}", origin.sha256), "prov:label": origin.name});
    let origins: Vec<_> = card.origins.iter().map(origin).collect();
    let mut whole = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": card.name,
        "description": card.about,
        "dateCreated": card.made.to_string(),
        "datePublished": card.made.to_string(),
        "distribution": card.tables.iter().map(file).collect::<Vec<_>>(),
        "recordSet": card.tables.iter().map(records).collect::<Vec<_>>(),
    });
    if !origins.is_empty() {
        whole["prov:wasDerivedFrom"] = origins.into();
    }
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}

fn file(table: &Table) -> Value {
    let form = match table.form {
        Form::Parquet => "application/x-parquet",
        Form::Csv => "text/csv",
    };
    json!({
        "@type": "cr:FileObject",
        "@id": table.file,
        "name": table.file,
        "contentUrl": table.file,
        "contentSize": format!("{} B", table.bytes),
        "encodingFormat": form,
        "sha256": table.sha256,
    })
}

fn records(table: &Table) -> Value {
    let set = format!("{}#records", table.file);
    let fields: Vec<_> =
        table.columns.iter().enumerate().map(|(at, column)| field(table, &set, at, column)).collect();
    json!({
        "@type": "cr:RecordSet",
        "@id": set,
        "name": set,
        "description": format!("{} records", table.rows),
        "field": fields,
    })
}

fn field(table: &Table, set: &str, at: usize, column: &Column) -> Value {
    let kind = match column.kind {
        Type::Int => "sc:Integer",
        Type::Float => "sc:Float",
        Type::Bool => "sc:Boolean",
        Type::Time => "sc:DateTime",
        Type::Text | Type::Texts | Type::Json => "sc:Text",
    };
    let mut field = json!({
        "@type": "cr:Field",
        // By its place: a name may hold anything.
        "@id": format!("{set}/{at}"),
        "name": column.name,
        "dataType": kind,
        "source": {"fileObject": {"@id": table.file}, "extract": {"column": column.name}},
    });
    if column.kind == Type::Json {
        field["description"] = "JSON text".into();
    }
    if column.kind == Type::Texts && table.form == Form::Parquet {
        field["isArray"] = true.into();
        field["arrayShape"] = "-1".into();
    }
    field
}
