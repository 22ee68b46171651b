//! The rows of Meta Kaggle's tables, of the same items that the API shows.

use super::calendar::table as date;
use super::competition::Competition;
use super::dataset::{Dataset, packed, traits};
use super::kernel::Kernel;
use super::kernel_source::Shape;
use super::meta::competition_columns;
use super::meta_table::Csv;
use super::model::Model;
use super::topic::{FORUMS, KERNEL_FORUM, Place, Topic};
use super::words::{LICENSES, ORGANIZATIONS, camel};
use super::world::{Owner, Part, Who, World};

fn yes(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

fn user_id(number: u64) -> u64 {
    100 + number * 13
}

/// The two columns of an owner: user, organisation.
fn owner(owner: &Owner) -> (String, String) {
    match owner.who {
        Who::User(number) => (user_id(number).to_string(), String::new()),
        Who::Organization(number) => (String::new(), (50 + number).to_string()),
    }
}

pub(super) fn nothing(_: &World, _: u64, _: &mut Csv) {}

pub(super) fn competition(world: &World, index: u64, csv: &mut Csv) {
    let competition = Competition::new(world, index);
    let (enabled, deadline) = (date(competition.enabled()), date(competition.deadline()));
    let field = |name: &str| -> String {
        match name {
            "Id" => competition.id().to_string(),
            "Slug" => competition.slug(),
            "Title" => competition.title(),
            "Subtitle" => competition.subtitle(),
            "HostSegmentTitle" => competition.segment().into(),
            // Competitions of the community have no forum here.
            "ForumId" if index % 6 != 4 => Place::Competition(index).forum().to_string(),
            "OrganizationId" if index % 10 == 1 => "50".into(),
            "EnabledDate" => enabled.clone(),
            "DeadlineDate" | "ProhibitNewEntrantsDeadlineDate" | "TeamMergerDeadlineDate" => deadline.clone(),
            "HasKernels" | "FinalLeaderboardHasBeenVerified" => "True".into(),
            "HasLeaderboard" => yes(competition.has_leaderboard()).into(),
            "OnlyAllowKernelSubmissions"
            | "BanTeamMergers"
            | "EnableTeamModels"
            | "EvaluationAlgorithmIsMax"
            | "EnableSubmissionModelHashes"
            | "EnableSubmissionModelAttachments" => "False".into(),
            "LeaderboardPercentage" => "30".into(),
            "LeaderboardDisplayFormat" => "0.00000".into(),
            "ScoreTruncationNumDecimals" | "MaxDailySubmissions" | "MaxTeamSize" => "5".into(),
            "EvaluationAlgorithmAbbreviation" => "MAE".into(),
            "EvaluationAlgorithmName" => "Mean absolute error".into(),
            "EvaluationAlgorithmDescription" => "The mean of all errors, \"absolute\" ones.".into(),
            "NumScoredSubmissions" => "2".into(),
            "RewardType" if index % 2 == 1 => "USD".into(),
            "RewardQuantity" if index % 2 == 1 => "10000.0000".into(),
            "NumPrizes" => (index % 2 * 3).to_string(),
            "UserRankMultiplier" => "1.0".into(),
            "CanQualifyTiers" => yes(index % 2 == 1).into(),
            "TotalTeams" | "TotalCompetitors" => competition.teams().to_string(),
            "TotalSubmissions" => (competition.teams() * 7).to_string(),
            "LicenseName" => "CC BY 4.0".into(),
            // A few texts are missing.
            "Overview" if index % 50 != 48 => competition.overview(),
            "Rules" => competition.rules(),
            "DatasetDescription" if index % 30 != 28 => competition.data_description(),
            "TotalCompressedBytes" | "TotalUncompressedBytes" => (index * 977).to_string(),
            "HostName" if index % 6 == 4 => "A host, of \"the\" community".into(),
            "CompetitionTypeId" => "1".into(),
            _ => String::new(),
        }
    };
    let fields: Vec<String> = competition_columns(world).map(field).collect();
    csv.row(&fields.iter().map(String::as_str).collect::<Vec<_>>());
}

fn version_id(dataset: &Dataset<'_>, version: u64) -> u64 {
    dataset.id() * 100 + version
}

pub(super) fn dataset(world: &World, index: u64, csv: &mut Csv) {
    let dataset = Dataset::new(world, index);
    let numbers = traits(world, index);
    let (user, organization) = owner(&dataset.name.owner);
    // One in 60 has an owner whom no table knows.
    let user = if index % 60 == 59 && !user.is_empty() { "999999999".into() } else { user };
    let created = date(world.created(Part::Datasets, index));
    csv.row(&[
        &dataset.id().to_string(),
        &user,
        &user,
        &organization,
        &version_id(&dataset, dataset.version).to_string(),
        &(version_id(&dataset, dataset.version) + 1).to_string(),
        &Place::Dataset(index).forum().to_string(),
        "2",
        &created,
        &created[..10],
        &(numbers.downloads * 9 + 5).to_string(),
        &numbers.downloads.to_string(),
        &numbers.votes.to_string(),
        &numbers.kernels.to_string(),
        "",
        "",
    ]);
}

pub(super) fn dataset_version(world: &World, index: u64, csv: &mut Csv) {
    let dataset = Dataset::new(world, index);
    let total: u64 = dataset.files().iter().map(|file| file.size).sum();
    let (user, _) = owner(&dataset.name.owner);
    let (title, license) = (dataset.title(), LICENSES[traits(world, index).license].0);
    for version in 1..=dataset.version {
        csv.row(&[
            &version_id(&dataset, version).to_string(),
            &dataset.id().to_string(),
            &(version_id(&dataset, version) + 1).to_string(),
            &user,
            license,
            &date(dataset.modified(version)),
            &format!("{version}.0"),
            &title,
            &dataset.name.slug,
            "",
            &if version == dataset.version { dataset.description() } else { String::new() },
            if version == 1 { "Initial release" } else { "Fix,\n\"again\"" },
            &packed(total).to_string(),
            &total.to_string(),
        ]);
    }
}

pub(super) fn user(world: &World, number: u64, csv: &mut Csv) {
    let user = world.user(number);
    let registered = format!("{:02}/{:02}/{}", 1 + number % 12, 1 + number % 28, 2010 + number % 16);
    csv.row(&[&user_id(number).to_string(), &user.slug, &user.name, &registered, "1", "", "False"]);
}

pub(super) fn organization(_: &World, number: u64, csv: &mut Csv) {
    let (slug, name) = ORGANIZATIONS[number as usize];
    let about = format!("# {name}\n\nWe measure things.\n\n* \"well\"\n* often\n");
    csv.row(&[&(50 + number).to_string(), name, slug, "03/01/2015", &about]);
}

fn kernel_version_id(kernel: &Kernel<'_>, version: u64) -> u64 {
    kernel.id() * 100 + version
}

pub(super) fn kernel(world: &World, index: u64, csv: &mut Csv) {
    let kernel = Kernel::new(world, index);
    let (user, _) = owner(&kernel.name.owner);
    let created = date(world.created(Part::Kernels, index));
    csv.row(&[
        &kernel.id().to_string(),
        &user,
        &kernel_version_id(&kernel, kernel.version()).to_string(),
        "",
        "",
        &kernel_version_id(&kernel, 1).to_string(),
        &created,
        &created[..10],
        &created[..10],
        "False",
        &kernel.name.slug,
        "",
        "",
        &(kernel.votes() * 30).to_string(),
        "0",
        &kernel.votes().to_string(),
    ]);
}

/// Id, name, name for people, whether it is a notebook.
const LANGUAGES: [(u64, &str, &str, bool); 10] = [
    (1, "R", "R", false),
    (2, "Python", "Python", false),
    (5, "RMarkdown", "R Markdown", false),
    (8, "IPython Notebook", "Python", true),
    (9, "IPython Notebook HTML", "Python", true),
    (12, "R Notebook HTML", "R", true),
    (13, "R Notebook", "R", true),
    (14, "Python Script - Interactive", "Python", false),
    (15, "R Script - Interactive", "R", false),
    (16, "RMarkdown - Interactive", "R Markdown", false),
];

pub(super) fn kernel_language(_: &World, number: u64, csv: &mut Csv) {
    let (id, name, shown, notebook) = LANGUAGES[number as usize];
    csv.row(&[&id.to_string(), name, shown, yes(notebook)]);
}

pub(super) fn kernel_version(world: &World, index: u64, csv: &mut Csv) {
    let kernel = Kernel::new(world, index);
    let (user, _) = owner(&kernel.name.owner);
    let flavour = kernel.flavour();
    let language = match (flavour.language, flavour.kind) {
        _ if flavour.shape == Shape::Lists => "8",
        ("python", "notebook") => "9",
        ("python", _) => "2",
        ("r", "notebook") => "13",
        ("r", _) => "1",
        ("rmarkdown", _) => "5",
        _ => "",
    };
    for version in 1..=kernel.version() {
        let (id, when) = (kernel_version_id(&kernel, version).to_string(), date(kernel.last_run()));
        let mut row = vec![""; 23];
        let (script, number, title) = (kernel.id().to_string(), format!("{version}.0"), kernel.title());
        row[0] = &id;
        row[1] = &script;
        row[3] = language;
        row[4] = &user;
        row[5] = &when;
        row[6] = &number;
        row[7] = &title;
        row[9] = "True";
        row[10] = "40.0";
        row[18] = "0";
        row[19] = "True";
        csv.row(&row);
    }
}

pub(super) fn model(world: &World, index: u64, csv: &mut Csv) {
    let model = Model::new(world, index);
    let (user, organization) = owner(&model.name.owner);
    csv.row(&[
        &model.id().to_string(),
        &user,
        &organization,
        &(model.id() * 10).to_string(),
        &Place::Model(index).forum().to_string(),
        &date(world.created(Part::Models, index)),
        "0",
        "0",
        &model.votes().to_string(),
        "0",
        &model.name.slug,
    ]);
}

pub(super) fn model_version(world: &World, index: u64, csv: &mut Csv) {
    let model = Model::new(world, index);
    let (user, _) = owner(&model.name.owner);
    let created = date(world.created(Part::Models, index));
    let (id, of) = ((model.id() * 10).to_string(), model.id().to_string());
    csv.row(&[&id, &of, &model.title(), "", &model.card(), &created, "", &user, ""]);
}

pub(super) fn variation(world: &World, index: u64, csv: &mut Csv) {
    let model = Model::new(world, index);
    for variation in model.variations() {
        let framework = camel(variation.framework);
        let framework = framework[..1].to_uppercase() + &framework[1..];
        csv.row(&[
            &model.variation_id(&variation).to_string(),
            &model.id().to_string(),
            variation.slug,
            &framework,
            &model.version_id(&variation, variation.version).to_string(),
            model.license(),
            "",
            "",
        ]);
    }
}

pub(super) fn variation_version(world: &World, index: u64, csv: &mut Csv) {
    let model = Model::new(world, index);
    let created = date(world.created(Part::Models, index));
    for variation in model.variations() {
        for version in 1..=variation.version {
            csv.row(&[
                &model.version_id(&variation, version).to_string(),
                &model.variation_id(&variation).to_string(),
                &(model.id() * 10).to_string(),
                "",
                &created,
                &format!("The {} variation.", variation.slug),
                &model.usage(&variation),
                yes(variation.place.is_multiple_of(2)),
                "",
                "",
            ]);
        }
    }
}

pub(super) fn forum(world: &World, number: u64, csv: &mut Csv) {
    let (competitions, datasets) = (world.count(Part::Competitions), world.count(Part::Datasets));
    let models = world.count(Part::Models);
    let (id, title) = match number {
        0..6 => (FORUMS[number as usize].0, FORUMS[number as usize].1.to_owned()),
        _ => {
            let rest = number - 6;
            if rest < competitions {
                (Place::Competition(rest).forum(), Competition::new(world, rest).title())
            } else if rest < competitions + datasets {
                let index = rest - competitions;
                (Place::Dataset(index).forum(), Dataset::new(world, index).title())
            } else if rest < competitions + datasets + models {
                let index = rest - competitions - datasets;
                (Place::Model(index).forum(), Model::new(world, index).title())
            } else {
                (KERNEL_FORUM, "Kernels".into())
            }
        }
    };
    csv.row(&[&id.to_string(), if number < 6 { "" } else { "8" }, &title]);
}

pub(super) fn topic(world: &World, index: u64, csv: &mut Csv) {
    let topic = Topic::new(world, index);
    let (first, count) = (topic.message(0), topic.messages());
    let kernel = match topic.place() {
        Place::Kernel(index) => Kernel::new(world, index).id().to_string(),
        _ => String::new(),
    };
    // Comments on kernels have no title.
    let title = if kernel.is_empty() { topic.title() } else { String::new() };
    csv.row(&[
        &topic.id().to_string(),
        &topic.place().forum().to_string(),
        &kernel,
        &topic.message(count - 1).id.to_string(),
        &first.id.to_string(),
        &date(first.date),
        &date(topic.last_date()),
        &title,
        yes(index % 30 == 4),
        &(topic.votes() * 40).to_string(),
        &topic.votes().to_string(),
        &count.to_string(),
        &(count - 1).to_string(),
    ]);
}

pub(super) fn message(world: &World, index: u64, csv: &mut Csv) {
    let topic = Topic::new(world, index);
    for number in 0..topic.messages() {
        let message = topic.message(number);
        let user = match &message.author {
            Some(Owner { who: Who::User(number), .. }) => user_id(*number).to_string(),
            _ => String::new(),
        };
        // To the first message nobody replies in the table: those are answers to the topic.
        let parent =
            message.parent.filter(|parent| *parent > 0).map(|parent| topic.message_id(parent).to_string());
        csv.row(&[
            &message.id.to_string(),
            &topic.id().to_string(),
            &user,
            &date(message.date),
            &parent.unwrap_or_default(),
            &message.html(),
            &if message.is_old() { String::new() } else { message.markdown() },
            "",
            "",
        ]);
    }
}
