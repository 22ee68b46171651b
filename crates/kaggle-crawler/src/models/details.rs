//! The map from listed models to their cards, their variations, and the files of these.

use crawl_core::http::shown;
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, Since, SourceId,
};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};

use super::files::{Job, Way};
use super::variation::{Variation, merged};
use crate::folder::{folder, parts};
use crate::pages::rows;
use crate::pick::{Pick, Picker};
use crate::{Archives, Kaggle, Method};

const PLACE: &str = "Kaggle";

/// Which versions of a variation are fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// The latest one.
    #[default]
    Latest,
    /// All of them.
    All,
}

/// Which files of models are fetched, and which models are left out.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Their files.
    pub files: Pick,
    /// Of which versions.
    pub versions: Versions,
    /// Models that this earlier root has are left out, where they have not changed.
    pub since: Option<Since>,
    /// How their archives are brought.
    pub archives: Archives,
}

/// The map from listed models to what belongs to them.
#[derive(Debug)]
pub struct Details {
    way: Way,
    versions: Versions,
    since: Option<Since>,
    judge: Judge,
}

/// The row that is written. An unknown is null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    owner_slug: &'a str,
    model_slug: &'a str,
    #[serde(rename = "ref")]
    name: &'a str,
    title: Option<String>,
    model_card: Option<String>,
    variations: Vec<Variation>,
    update_time: Option<String>,
    #[serde(rename = "FilesLeftOut", skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Value>,
}

/// Id and version of a row of the final format, for [`Since`]: the time of the last change, and the latest version of
/// each variation.
pub fn version(row: &Record) -> Option<(String, String)> {
    let text = |field: &str| row.raw().get(field).and_then(|value| value.str().map(String::from));
    let mut versions = Vec::new();
    for variation in row.raw().get("variations")?.elements()? {
        let part = |field: &str| variation.get(field)?.str().map(String::from);
        let number = variation.get("versionNumber").and_then(|number| number.u64());
        versions.push(format!("{}/{} {number:?}", part("framework")?, part("instanceSlug")?));
    }
    versions.sort();
    Some((text("ref")?, format!("{} {}", text("updateTime")?, versions.join(","))))
}

impl Details {
    /// The name of what it writes.
    pub const NAME: &'static str = "info";

    /// The map over the listing `input`, under [`Details::NAME`].
    ///
    /// # Errors
    /// [`Kind::Config`] for a pattern that is none, and those of [`Over::new`].
    pub fn over(input: Input, kaggle: Kaggle, select: Select) -> Result<Over<Self>> {
        let Select { files, versions, since, archives } = select;
        let way = Way { kaggle, picker: Picker::new(files)?, archives };
        let details = Details { way, versions, since, judge: Judge::default() };
        Ok(Over::new(input, details)?.named(SourceId::new(Self::NAME)?))
    }

    async fn one(&self, row: &Record, context: &Context) -> Result<Mapped> {
        match self.fetch(row, context).await {
            Ok(mapped) => {
                self.judge.had();
                Ok(mapped)
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(self.id(row), error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, row: &Record, context: &Context) -> Result<Mapped> {
        let name = self.id(row).unwrap_or_default();
        let odd = || Error::new(Kind::Shape, "not the ref of a model").at(name.clone());
        let ((owner, slug), folder) = parts(&name).zip(folder(&name)).ok_or_else(odd)?;
        let asked = json!({"ownerSlug": owner, "modelSlug": slug});
        let (model, _) = self.way.kaggle.ask(Method::GetModel, &asked).await?;
        let (mut variations, mut left_out) = self.variations(&model, &asked).await?;
        let text = |field: &str| {
            let told = |row: &Record| row.raw().get(field).and_then(|value| value.str().map(String::from));
            told(&model).or_else(|| told(row))
        };
        let (title, model_card, update_time) = (text("title"), text("description"), text("updateTime"));
        let written = |variations: Vec<Variation>, left_out: Vec<Value>| {
            Record::write(&Written {
                owner_slug: owner,
                model_slug: slug,
                name: &name,
                title: title.clone(),
                model_card: model_card.clone(),
                variations,
                update_time: update_time.clone(),
                left_out,
            })
        };
        if let Some(since) = &self.since
            && let Some((id, version)) = version(&written(variations.clone(), Vec::new())?)
            && since.has(&id, &version)
        {
            return Ok(Row::Dropped("unchanged".into()).into());
        }
        let mut files = Vec::new();
        for variation in &mut variations {
            let older = match self.versions {
                Versions::Latest => Vec::new(),
                Versions::All => self.older(&asked, variation, &mut left_out).await?,
            };
            let mut job = Job::new(&self.way, context, &asked, &folder, variation);
            job.run(&older).await?;
            left_out.append(&mut job.left_out);
            files.append(&mut job.lines);
        }
        Ok(Mapped { row: Row::Kept(written(variations, left_out)?), files })
    }

    /// All variations: those that the model tells, and those that the list of them does.
    async fn variations(&self, model: &Record, asked: &Value) -> Result<(Vec<Variation>, Vec<Value>)> {
        let mut rows: Vec<_> = rows(model.raw(), &["instances"])?.map(Record::from).collect();
        rows.extend(self.way.kaggle.all(Method::ListModelInstances, asked, &["instances"]).await?);
        let (variations, odd) = merged(rows)?;
        let reason = "a variation without a framework or without a slug";
        Ok((variations, vec![json!({"FileName": null, "Reason": reason}); odd]))
    }

    /// Notes all versions of a variation, and gives those that are not the latest one.
    async fn older(
        &self,
        asked: &Value,
        variation: &mut Variation,
        left_out: &mut Vec<Value>,
    ) -> Result<Vec<u64>> {
        let mut asked = asked.clone();
        asked["framework"] = variation.asked.as_str().into();
        asked["instanceSlug"] = variation.instance_slug.as_str().into();
        let path = ["versionList", "versions"];
        let rows = self.way.kaggle.all(Method::ListModelInstanceVersions, &asked, &path).await?;
        let number = |row: &Record| row.raw().get("versionNumber").and_then(|number| number.u64());
        let mut all: Vec<u64> = rows.iter().filter_map(number).collect();
        let name = format!("{}/versions", variation.name());
        left_out.extend(
            (all.len()..rows.len())
                .map(|_| json!({"FileName": name, "Reason": "a version without a number"})),
        );
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.dedup();
        // Where nothing else tells the latest one, this list does.
        variation.version_number = variation.version_number.or(all.first().copied());
        let older = all.iter().copied().filter(|version| Some(*version) != variation.version_number);
        let older = older.collect();
        variation.versions = Some(all);
        Ok(older)
    }
}

impl Map for Details {
    fn settings(&self) -> Settings {
        Settings::default()
            .with("endpoint", shown(self.way.kaggle.endpoint()))
            .with_some("versions", (self.versions == Versions::All).then_some("all"))
            .with_some("since", self.since.as_ref().map(Since::root))
            .and(self.way.picker.settings())
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("ref").and_then(|name| name.str().map(String::from))
    }

    async fn map(&self, rows: Vec<Record>, context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row, context))).await
    }
}
