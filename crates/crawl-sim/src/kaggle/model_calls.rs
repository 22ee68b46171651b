//! The methods of models.

use serde_json::json;

use super::call::Call;
use super::model::{Model, Variation, rank};
use super::page::{Cut, Page};
use super::refuse::{consent, denied, not_found};
use super::world::Part;
use super::{Service, Talk};
use crate::fault::Fault;
use crate::http::answer::Answer;

impl Service {
    pub(super) fn models(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        if call.method == "ListModels" {
            return self.list_models(call, fault);
        }
        let model = self.model(call)?;
        let page = || Page::of(call, Cut::PLAIN, self.world.state().token_age);
        match call.method.as_str() {
            "GetModel" => return Ok(Talk::Json(model.row())),
            "ListModelInstances" => {
                let (page, all) = (page()?, model.variations());
                let range = page.range(all.len() as u64);
                let shown = &all[range.start as usize..range.end as usize];
                let rows = shown.iter().map(|variation| model.listed_instance(variation)).collect();
                return Ok(Talk::page("instances", rows, &page, all.len() as u64, fault));
            }
            _ => {}
        }
        let framework = call.word("framework").unwrap_or_default();
        let variation = model.variation(&framework, &call.text("instanceslug").unwrap_or_default());
        let variation = variation.ok_or_else(not_found)?;
        match call.method.as_str() {
            "GetModelInstance" => Ok(Talk::Json(model.instance(&variation))),
            "ListModelInstanceVersions" => {
                let page = page()?;
                let range = page.range(variation.version);
                let mut rows = range
                    .map(|place| model.version_row(&variation, variation.version - place))
                    .collect::<Vec<_>>();
                let mut next = page.next(variation.version);
                page.spoil(&mut rows, &mut next, fault);
                Ok(Talk::Json(json!({"versionList": {"versions": rows}, "nextPageToken": next})))
            }
            "ListModelInstanceVersionFiles" => {
                version(call, &variation)?;
                let (page, files) = (page()?, model.files(&variation));
                let range = page.range(files.len() as u64);
                let created = super::calendar::rfc3339(self.world.created(Part::Models, model.index));
                let shown = files[range.start as usize..range.end as usize].iter();
                let rows =
                    shown.map(|(name, size)| json!({"name": name, "size": size, "creationDate": created}));
                Ok(Talk::page("files", rows.collect(), &page, files.len() as u64, fault))
            }
            _ if model.gated() => Err(consent()),
            _ => {
                let folder = model.folder(&variation, version(call, &variation)?);
                match call.text("path") {
                    None => Ok(self.link(&format!("{folder}/bundle/{}.tar.gz", model.name.slug), fault)),
                    Some(path) if model.files(&variation).iter().any(|(name, _)| *name == path) => {
                        Ok(self.link(&format!("{folder}/files/{path}"), fault))
                    }
                    Some(_) => Err(not_found()),
                }
            }
        }
    }

    fn model(&self, call: &Call) -> Result<Model<'_>, Answer> {
        let (owner, slug) =
            (call.text("ownerslug").unwrap_or_default(), call.text("modelslug").unwrap_or_default());
        let index = self.world.find(Part::Models, &owner, &slug);
        index.map(|index| Model::new(&self.world, index)).ok_or_else(|| denied("models.get"))
    }

    fn list_models(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        let world = &*self.world;
        let page = Page::of(call, Cut::PLAIN, world.state().token_age)?;
        let (owner, search) = (call.text("owner"), call.text("search").map(|text| text.to_lowercase()));
        let sort = call.word("sortby").unwrap_or_else(|| "hotness".into());
        let fits = |index: u64| {
            let model = Model::new(world, index);
            owner.as_ref().is_none_or(|owner| *owner == model.name.owner.slug)
                && search.as_ref().is_none_or(|text| model.title().to_lowercase().contains(text))
        };
        let base = world.order(Part::Models, &format!("{sort} {owner:?} {search:?}"), fits, |index| {
            rank(world, index, &sort)
        });
        let count = base.len() as u64;
        let indexes = self.places(Part::Models, &base, page.range(count), sort == "hotness");
        let mut rows = indexes.into_iter().map(|index| Model::new(world, index).row()).collect();
        let mut next = page.next(count);
        page.spoil(&mut rows, &mut next, fault);
        Ok(Talk::Json(json!({"models": rows, "nextPageToken": next, "totalResults": count})))
    }
}

/// The version asked for, or the current one.
fn version(call: &Call, variation: &Variation) -> Result<u64, Answer> {
    let Some(asked) = call.number("versionnumber") else { return Ok(variation.version) };
    u64::try_from(asked).ok().filter(|asked| (1..=variation.version).contains(asked)).ok_or_else(not_found)
}
