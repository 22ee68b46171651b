//! Meta Kaggle: which tables there are and which columns they have.

use std::collections::HashMap;
use std::sync::Arc;

use super::meta_rows as rows;
use super::meta_table;
use super::meta_table::Rows;
pub(super) use super::meta_table::Table;
use super::world::{Part, World};

/// What a table counts.
#[derive(Clone, Copy)]
enum Units {
    Of(Part),
    Users,
    Fixed(u64),
    /// Site forums, then those of competitions, datasets and models.
    Forums,
}

const TABLES: [(&str, &str, Units, Rows); 16] = [
    (
        "Competitions",
        "Id,Slug,Title,Subtitle,HostSegmentTitle,ForumId,OrganizationId,EnabledDate,DeadlineDate,\
         ProhibitNewEntrantsDeadlineDate,TeamMergerDeadlineDate,TeamModelDeadlineDate,ModelSubmissionDeadlineDate,\
         FinalLeaderboardHasBeenVerified,HasKernels,OnlyAllowKernelSubmissions,HasLeaderboard,LeaderboardPercentage,\
         ScoreTruncationNumDecimals,EvaluationAlgorithmAbbreviation,EvaluationAlgorithmName,\
         EvaluationAlgorithmDescription,EvaluationAlgorithmIsMax,MaxDailySubmissions,NumScoredSubmissions,MaxTeamSize,\
         BanTeamMergers,EnableTeamModels,RewardType,RewardQuantity,NumPrizes,UserRankMultiplier,CanQualifyTiers,\
         TotalTeams,TotalCompetitors,TotalSubmissions,LicenseName,Overview,Rules,DatasetDescription,\
         TotalCompressedBytes,TotalUncompressedBytes,ValidationSetName,ValidationSetValue,EnableSubmissionModelHashes,\
         EnableSubmissionModelAttachments,HostName,CompetitionTypeId",
        Units::Of(Part::Competitions),
        rows::competition,
    ),
    (
        "Datasets",
        "Id,CreatorUserId,OwnerUserId,OwnerOrganizationId,CurrentDatasetVersionId,CurrentDatasourceVersionId,ForumId,\
         Type,CreationDate,LastActivityDate,TotalViews,TotalDownloads,TotalVotes,TotalKernels,Medal,MedalAwardDate",
        Units::Of(Part::Datasets),
        rows::dataset,
    ),
    (
        "DatasetVersions",
        "Id,DatasetId,DatasourceVersionId,CreatorUserId,LicenseName,CreationDate,VersionNumber,Title,Slug,Subtitle,\
         Description,VersionNotes,TotalCompressedBytes,TotalUncompressedBytes",
        Units::Of(Part::Datasets),
        rows::dataset_version,
    ),
    (
        "Users",
        "Id,UserName,DisplayName,RegisterDate,PerformanceTier,Country,LocationSharingOptOut",
        Units::Users,
        rows::user,
    ),
    ("Organizations", "Id,Name,Slug,CreationDate,Description", Units::Fixed(12), rows::organization),
    (
        "Kernels",
        "Id,AuthorUserId,CurrentKernelVersionId,ForkParentKernelVersionId,ForumTopicId,FirstKernelVersionId,\
         CreationDate,EvaluationDate,MadePublicDate,IsProjectLanguageTemplate,CurrentUrlSlug,Medal,MedalAwardDate,\
         TotalViews,TotalComments,TotalVotes",
        Units::Of(Part::Kernels),
        rows::kernel,
    ),
    (
        "KernelVersions",
        "Id,ScriptId,ParentScriptVersionId,ScriptLanguageId,AuthorUserId,CreationDate,VersionNumber,Title,\
         EvaluationDate,IsChange,TotalLines,LinesInsertedFromPrevious,LinesChangedFromPrevious,\
         LinesUnchangedFromPrevious,LinesInsertedFromFork,LinesDeletedFromFork,LinesChangedFromFork,\
         LinesUnchangedFromFork,TotalVotes,IsInternetEnabled,RunningTimeInMilliseconds,AcceleratorTypeId,DockerImage",
        Units::Of(Part::Kernels),
        rows::kernel_version,
    ),
    ("KernelLanguages", "Id,Name,DisplayName,IsNotebook", Units::Fixed(10), rows::kernel_language),
    (
        "Models",
        "Id,OwnerUserId,OwnerOrganizationId,CurrentModelVersionId,ForumId,CreationDate,TotalViews,TotalDownloads,\
         TotalVotes,TotalKernels,CurrentSlug",
        Units::Of(Part::Models),
        rows::model,
    ),
    (
        "ModelVersions",
        "Id,ModelId,Title,Subtitle,ModelCard,CreationDate,OriginalPublishDate,CreatorUserId,ProvenanceSources",
        Units::Of(Part::Models),
        rows::model_version,
    ),
    (
        "ModelVariations",
        "Id,ModelId,CurrentVariationSlug,ModelFramework,CurrentModelVariationVersionId,LicenseName,\
         BaseModelVariationId,CurrentDatasourceVersionId",
        Units::Of(Part::Models),
        rows::variation,
    ),
    (
        "ModelVariationVersions",
        "Id,ModelVariationId,ModelVersionId,DatasourceVersionId,CreationDate,VariationOverview,VariationUsage,\
         FineTunable,SourceUrl,SourceOrganizationName",
        Units::Of(Part::Models),
        rows::variation_version,
    ),
    ("Forums", "Id,ParentForumId,Title", Units::Forums, rows::forum),
    (
        "ForumTopics",
        "Id,ForumId,KernelId,LastForumMessageId,FirstForumMessageId,CreationDate,LastCommentDate,Title,IsSticky,\
         TotalViews,Score,TotalMessages,TotalReplies",
        Units::Of(Part::Topics),
        rows::topic,
    ),
    (
        "ForumMessages",
        "Id,ForumTopicId,PostUserId,PostDate,ReplyToForumMessageId,Message,RawMarkdown,Medal,MedalAwardDate",
        Units::Of(Part::Topics),
        rows::message,
    ),
    // Without even a header, as it was in July 2025.
    ("KernelVotes", "", Units::Fixed(0), rows::nothing),
];

/// The columns of Competitions.csv in March 2022.
const OLD: &str = "Id,Slug,Title,Subtitle,HostSegmentTitle,ForumId,OrganizationId,CompetitionTypeId,HostName,EnabledDate,\
    DeadlineDate,ProhibitNewEntrantsDeadlineDate,TeamMergerDeadlineDate,TeamModelDeadlineDate,\
    ModelSubmissionDeadlineDate,FinalLeaderboardHasBeenVerified,HasKernels,OnlyAllowKernelSubmissions,HasLeaderboard,\
    LeaderboardPercentage,LeaderboardDisplayFormat,EvaluationAlgorithmAbbreviation,EvaluationAlgorithmName,\
    EvaluationAlgorithmDescription,EvaluationAlgorithmIsMax,ValidationSetName,ValidationSetValue,MaxDailySubmissions,\
    NumScoredSubmissions,MaxTeamSize,BanTeamMergers,EnableTeamModels,EnableSubmissionModelHashes,\
    EnableSubmissionModelAttachments,RewardType,RewardQuantity,NumPrizes,UserRankMultiplier,CanQualifyTiers,\
    TotalTeams,TotalCompetitors,TotalSubmissions";

/// Without `.csv`.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, ..)| *name)
}

/// The columns of `Competitions` as this world has them, in order.
pub(super) fn competition_columns(world: &World) -> impl Iterator<Item = &'static str> {
    (if world.config.meta_2022 { OLD } else { TABLES[0].1 }).split(',')
}

fn units(world: &World, units: Units) -> u64 {
    match units {
        Units::Of(part) => world.count(part),
        Units::Users => world.config.users,
        Units::Fixed(count) => count,
        Units::Forums => {
            6 + world.count(Part::Competitions) + world.count(Part::Datasets) + world.count(Part::Models) + 1
        }
    }
}

/// How large a table is now; each is made once for it, until the world changes.
pub(super) fn length(world: &World, name: &str) -> u64 {
    let changes = world.state().changes;
    let kept = |lengths: &Lengths| lengths.1.get(name).copied().filter(|_| lengths.0 == changes);
    if let Some(length) = kept(&world.lengths()) {
        return length;
    }
    let Some((name, _, of, rows)) = TABLES.iter().find(|(known, ..)| *known == name) else { return 0 };
    let length = meta_table::length(world, &columns(world, name), units(world, *of), *rows);
    let mut lengths = world.lengths();
    if lengths.0 != changes {
        *lengths = (changes, HashMap::new());
    }
    lengths.1.insert(name, length);
    length
}

/// After so many changes of the world, how large the tables are.
pub(super) type Lengths = (u64, HashMap<&'static str, u64>);

fn columns(world: &World, name: &str) -> Vec<&'static str> {
    match name {
        "Competitions" => competition_columns(world).collect(),
        _ => {
            TABLES.iter().find(|(known, ..)| *known == name).map_or("", |table| table.1).split(',').collect()
        }
    }
}

/// `None` for a table that is not there.
pub(super) fn table(world: &Arc<World>, name: &str) -> Option<Arc<Table>> {
    let (name, _, of, rows) = TABLES.iter().find(|(known, ..)| *known == name)?;
    let columns = columns(world, name);
    Some(Arc::new(Table::new(world.clone(), &columns, units(world, *of), *rows)))
}
