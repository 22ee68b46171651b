//! The methods that the double knows, with their old REST paths. Methods that write are not among them.

use percent::decode;

use super::percent;

/// `{name}` takes one segment, `{name*}` all that is left. The first path that fits wins.
const ROUTES: [(&str, &str, &[&str]); 44] = [
    ("competitions.CompetitionApiService", "ListCompetitions", &["competitions/list"]),
    ("competitions.CompetitionApiService", "GetCompetition", &["competitions/get/{competitionname}"]),
    ("competitions.CompetitionApiService", "ListCompetitionPages", &["competitions/{competitionname}/pages"]),
    (
        "competitions.CompetitionApiService",
        "GetLeaderboard",
        &["competitions/{competitionname}/leaderboard/view"],
    ),
    (
        "competitions.CompetitionApiService",
        "DownloadLeaderboard",
        &["competitions/{competitionname}/leaderboard/download"],
    ),
    ("competitions.CompetitionApiService", "ListDataFiles", &["competitions/data/list/{competitionname}"]),
    (
        "competitions.CompetitionApiService",
        "ListDataTreeFiles",
        &["competitions/{competitionname}/data-tree/list/"],
    ),
    (
        "competitions.CompetitionApiService",
        "DownloadDataFiles",
        &["competitions/data/download-all/{competitionname}"],
    ),
    (
        "competitions.CompetitionApiService",
        "DownloadDataFile",
        &["competitions/data/download/{competitionname}/{filename*}"],
    ),
    (
        "competitions.CompetitionApiService",
        "ListCompetitionTopics",
        &["competitions/{competitionname}/topics"],
    ),
    (
        "competitions.CompetitionApiService",
        "ListTopicMessages",
        &["competitions/{competitionname}/topics/{topicid}/messages"],
    ),
    ("datasets.DatasetApiService", "ListDatasets", &["datasets/list"]),
    ("datasets.DatasetApiService", "GetDataset", &["datasets/view/{ownerslug}/{datasetslug}"]),
    ("datasets.DatasetApiService", "GetDatasetMetadata", &["datasets/metadata/{ownerslug}/{datasetslug}"]),
    ("datasets.DatasetApiService", "ListDatasetFiles", &["datasets/list/{ownerslug}/{datasetslug}"]),
    ("datasets.DatasetApiService", "ListTreeDatasetFiles", &["datasets/list-tree/{ownerslug}/{datasetslug}"]),
    ("datasets.DatasetApiService", "GetDatasetStatus", &["datasets/status/{ownerslug}/{datasetslug}"]),
    (
        "datasets.DatasetApiService",
        "DownloadDataset",
        &[
            "datasets/download/{ownerslug}/{datasetslug}",
            "datasets/download/{ownerslug}/{datasetslug}/{filename*}",
        ],
    ),
    (
        "datasets.DatasetApiService",
        "DownloadDatasetRaw",
        &["datasets/download-raw/{ownerslug}/{datasetslug}/{filename*}"],
    ),
    ("kernels.KernelsApiService", "ListKernels", &["kernels/list"]),
    ("kernels.KernelsApiService", "GetKernel", &["kernels/pull"]),
    ("kernels.KernelsApiService", "ListKernelFiles", &["kernels/files"]),
    ("kernels.KernelsApiService", "ListKernelSessionOutput", &["kernels/output"]),
    ("kernels.KernelsApiService", "GetKernelSessionStatus", &["kernels/status"]),
    (
        "kernels.KernelsApiService",
        "DownloadKernelOutput",
        &[
            "kernels/output/download/{ownerslug}/{kernelslug}",
            "kernels/output/download/{ownerslug}/{kernelslug}/{filepath*}",
        ],
    ),
    (
        "kernels.KernelsApiService",
        "DownloadKernelOutputZip",
        &["kernels/output/download_zip/{kernelsessionid}"],
    ),
    ("models.ModelApiService", "ListModels", &["models/list"]),
    ("models.ModelApiService", "GetModel", &["models/{ownerslug}/{modelslug}/get"]),
    ("models.ModelApiService", "ListModelInstances", &["models/{ownerslug}/{modelslug}/list"]),
    (
        "models.ModelApiService",
        "GetModelInstance",
        &["models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/get"],
    ),
    (
        "models.ModelApiService",
        "ListModelInstanceVersions",
        &["models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/list"],
    ),
    (
        "models.ModelApiService",
        "ListModelInstanceVersionFiles",
        &[
            "models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/{versionnumber}/files",
            "models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/files",
        ],
    ),
    (
        "models.ModelApiService",
        "DownloadModelInstanceVersion",
        &[
            "models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/{versionnumber}/download",
            "models/{ownerslug}/{modelslug}/{framework}/{instanceslug}/{versionnumber}/download/{path*}",
        ],
    ),
    ("discussions.DiscussionApiService", "ListForums", &["discussions/forums/list"]),
    ("discussions.DiscussionApiService", "ListTopics", &["discussions/topics/list"]),
    ("discussions.DiscussionApiService", "GetTopic", &["discussions/{id}/get"]),
    ("discussions.DiscussionApiService", "ListComments", &["discussions/{topicid}/comments"]),
    (
        "discussions.DiscussionApiService",
        "ListDatasetTopics",
        &["datasets/{ownerslug}/{datasetslug}/topics/list"],
    ),
    ("discussions.DiscussionApiService", "ListModelTopics", &["models/{ownerslug}/{modelslug}/topics/list"]),
    (
        "discussions.DiscussionApiService",
        "ListKernelTopics",
        &["kernels/{ownerslug}/{kernelslug}/topics/list"],
    ),
    ("search.SearchApiService", "ListEntities", &["search/list-entities"]),
    ("api.v1.DiagnosticsService", "Hello", &["hello"]),
    ("security.OAuthService", "IntrospectToken", &[]),
    (
        "kernels.KernelsApiService",
        "GetKernelSessionLogsStream",
        &["kernels/logs/stream/{ownerslug}/{kernelslug}"],
    ),
];

/// The method's own name, if the service has it.
pub(super) fn rpc(service: &str, method: &str) -> Option<&'static str> {
    ROUTES.iter().find(|(of, name, _)| *of == service && *name == method).map(|(_, name, _)| *name)
}

/// The method at a path after `/api/v1/`, with the arguments in the path.
pub(super) fn rest(path: &str) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    ROUTES.iter().find_map(|(_, method, patterns)| {
        patterns.iter().find_map(|pattern| fit(pattern, path)).map(|parameters| (*method, parameters))
    })
}

fn fit(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path);
    loop {
        let part = wanted.next()?;
        let name = part.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        if let Some(name) = name.and_then(|name| name.strip_suffix('*')) {
            parameters.push((name, decode(given)));
            return (!given.is_empty()).then_some(parameters);
        }
        let (segment, rest) =
            given.split_once('/').map_or((given, None), |(segment, rest)| (segment, Some(rest)));
        match name {
            Some(name) if !segment.is_empty() => parameters.push((name, decode(segment))),
            Some(_) => return None,
            None if part == segment => {}
            None => return None,
        }
        match rest {
            Some(rest) => given = rest,
            None => return wanted.next().is_none().then_some(parameters),
        }
    }
}
