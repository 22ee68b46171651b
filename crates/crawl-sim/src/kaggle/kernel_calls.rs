//! The methods of notebooks and scripts.

use serde_json::{Value, json};

use super::call::Call;
use super::kernel::{Kernel, of_id, rank};
use super::page::{Cut, Page};
use super::refuse::{denied, not_found};
use super::world::Part;
use super::{Service, Talk};
use crate::fault::Fault;
use crate::http::answer::{Answer, Source};

impl Service {
    pub(super) fn kernels(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        match call.method.as_str() {
            "ListKernels" => return self.list_kernels(call, fault),
            "DownloadKernelOutputZip" => return self.zip_of_outputs(call),
            _ => {}
        }
        let kernel = self.kernel(call)?;
        let version = version(call, &kernel)?;
        match call.method.as_str() {
            "GetKernel" => Ok(Talk::Json(kernel.whole(version))),
            "GetKernelSessionStatus" if kernel.failed() => {
                Ok(Talk::Json(json!({"status": "ERROR", "failureMessage": "The notebook ran out of memory"})))
            }
            "GetKernelSessionStatus" => Ok(Talk::Json(json!({"status": "COMPLETE"}))),
            "ListKernelFiles" => {
                let names = kernel.outputs();
                let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
                let range = page.range(names.len() as u64);
                let rows = names[range.start as usize..range.end as usize].iter();
                let rows = rows.map(|name| kernel.output_row(name)).collect();
                Ok(Talk::page("files", rows, &page, names.len() as u64, fault))
            }
            "ListKernelSessionOutput" => self.list_outputs(call, &kernel, version, fault),
            "DownloadKernelOutput" => {
                let folder = kernel.folder(version);
                match call.text("filepath") {
                    None => Ok(self.link(&format!("{folder}/bundle/archive.zip"), fault)),
                    Some(name) if kernel.outputs().contains(&name) => {
                        Ok(self.link(&format!("{folder}/output/{name}"), fault))
                    }
                    Some(_) => Err(not_found()),
                }
            }
            _ => Err(not_found()),
        }
    }

    fn kernel(&self, call: &Call) -> Result<Kernel<'_>, Answer> {
        let owner = call.text("username").or_else(|| call.text("ownerslug")).unwrap_or_default();
        let slug = call.text("kernelslug").unwrap_or_default();
        let found = self.world.find(Part::Kernels, &owner, &slug);
        let index = found.filter(|index| !self.world.is_denied(Part::Kernels, *index));
        index.map(|index| Kernel::new(&self.world, index)).ok_or_else(|| denied("kernels.get"))
    }

    fn list_kernels(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        let world = &*self.world;
        let cut = Cut { wall: world.config.kernel_cap, most: 100, ..Cut::PLAIN };
        let page = Page::of(call, cut, world.state().token_age)?;
        let word = |name: &str| call.word(name).filter(|word| word != "all");
        let (language, kind, output) = (word("language"), word("kerneltype"), word("outputtype"));
        let (competition, dataset) = (call.text("competition"), call.text("dataset"));
        let (user, parent) = (call.text("user"), call.text("parentkernel"));
        let search = call.text("search").map(|text| text.to_lowercase());
        // The account of the double owns nothing.
        let nobody = call
            .word("group")
            .is_some_and(|group| !matches!(group.as_str(), "everyone" | "publicandusersprivate"));
        let sort = call.word("sortby").unwrap_or_else(|| "hotness".into());
        let key = format!(
            "{sort} {:?}",
            (&language, &kind, &output, &competition, &dataset, &user, &parent, &search, nobody)
        );
        let fits = |index: u64| {
            let kernel = Kernel::new(world, index);
            let speaks = |wanted: &String| {
                let spoken = kernel.flavour().language;
                spoken == wanted || spoken == "rmarkdown" && wanted == "r"
            };
            !nobody
                && parent.is_none()
                && language.as_ref().is_none_or(speaks)
                && kind.as_ref().is_none_or(|kind| kernel.flavour().kind == kind)
                && output.as_ref().is_none_or(|output| (output == "data") != index.is_multiple_of(4))
                && user.as_ref().is_none_or(|user| *user == kernel.name.owner.slug)
                && competition.as_ref().is_none_or(|wanted| kernel.competitions().contains(wanted))
                && dataset.as_ref().is_none_or(|wanted| kernel.datasets().contains(wanted))
                && search.as_ref().is_none_or(|text| kernel.title().to_lowercase().contains(text))
        };
        let base = world.order(Part::Kernels, &key, fits, |index| rank(world, index, &sort));
        let indexes = self.places(Part::Kernels, &base, page.range(base.len() as u64), sort == "hotness");
        let rows = indexes.into_iter().map(|index| Kernel::new(world, index).row()).collect();
        Ok(Talk::page("kernels", rows, &page, base.len() as u64, fault))
    }

    /// Links of output files are signed already; the log comes with each page.
    fn list_outputs(
        &self,
        call: &Call,
        kernel: &Kernel<'_>,
        version: u64,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        let names = kernel.outputs();
        let most = self.world.config.output_page;
        let page = Page::of(call, Cut { default: most, most, wall: u64::MAX }, self.world.state().token_age)?;
        let range = page.range(names.len() as u64);
        let mut rows = Vec::new();
        for name in &names[range.start as usize..range.end as usize] {
            let Talk::Link(mut url) = self.link(&format!("{}/output/{name}", kernel.folder(version)), None)
            else {
                continue;
            };
            if matches!(fault, Some(Fault::Stray)) {
                // An address within the machine of whoever follows it.
                url = url.replacen("127.0.0.1", "127.0.0.2", 1);
            }
            rows.push(json!({"url": url, "fileName": name}));
        }
        let mut next = page.next(names.len() as u64);
        page.spoil(&mut rows, &mut next, fault);
        let mut answer = json!({"files": rows, "nextPageToken": next});
        if !kernel.log().is_empty() {
            answer["log"] = Value::String(kernel.log());
        }
        Ok(Talk::Json(answer))
    }

    fn zip_of_outputs(&self, call: &Call) -> Result<Talk, Answer> {
        let id = call.number("kernelsessionid").and_then(|id| u64::try_from(id).ok()).unwrap_or_default();
        let index = of_id(&self.world, id).ok_or_else(not_found)?;
        let rope = Kernel::new(&self.world, index).archive(false);
        let mut bytes = vec![0; rope.len() as usize];
        rope.fill(0, &mut bytes);
        Ok(Talk::Zip { name: "output.zip".into(), bytes: bytes.into() })
    }
}

/// `versionLabel` is `v3`, `versionNumber` 3; neither is the current one.
fn version(call: &Call, kernel: &Kernel<'_>) -> Result<u64, Answer> {
    let label = call.text("versionlabel").or_else(|| call.text("versionnumber"));
    let Some(label) = label else { return Ok(kernel.version()) };
    let asked = label.trim_start_matches('v').parse().ok();
    asked.filter(|asked| (1..=kernel.version()).contains(asked)).ok_or_else(not_found)
}
