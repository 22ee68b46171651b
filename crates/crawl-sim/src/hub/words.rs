//! The vocabulary of generated records. All of it is invented; nothing was taken from the Hub.

/// What a repository is about. Its words show in names, tags and descriptions, so that a filter has something to find.
pub(super) struct Theme {
    /// Of a thousand repositories, so many are about this.
    pub(super) per_mille: u64,
    pub(super) topics: &'static [&'static str],
    pub(super) tags: &'static [&'static str],
    pub(super) tasks: &'static [&'static str],
    /// `{t}` is the topic, `{n}` a number.
    pub(super) sentences: &'static [&'static str],
}

pub(super) const THEMES: [Theme; 7] = [
    Theme {
        per_mille: 90,
        topics: &[
            "math-word-problems",
            "algebra-steps",
            "geometry-proofs",
            "olympiad-tasks",
            "grade-school-arithmetic",
            "calculus-drills",
            "number-theory",
            "formal-proofs",
        ],
        tags: &["math", "reasoning", "word-problems", "chain-of-thought", "mathematics"],
        tasks: &["question-answering", "text-generation", "question-answering"],
        sentences: &[
            "{n} math word problems, each with a worked solution and a numeric answer.",
            "The problems ask for several steps of arithmetic reasoning about {t}.",
            "Every solution was checked by a small algebra program, and {n} of them by a teacher.",
            "Equations are written in LaTeX, for example \\\\( \\\\frac{3}{4} x = 12 \\\\).",
            "Difficulty runs from grade 4 to the first year of university mathematics.",
        ],
    },
    Theme {
        per_mille: 150,
        topics: &[
            "python-functions",
            "code-review",
            "unit-tests",
            "sql-queries",
            "rust-snippets",
            "commit-messages",
            "shell-one-liners",
            "bug-fixes",
        ],
        tags: &["code", "python", "programming", "instruction-tuning", "sql"],
        tasks: &["text-generation", "text-generation", "question-answering"],
        sentences: &[
            "{n} functions of source code with their tests, taken from programs that we wrote for the purpose.",
            "Each row holds a prompt, a program about {t} and the output of the compiler.",
            "The code was run in a sandbox; {n} rows that failed were left out.",
            "Languages: Python, Rust, SQL and \"a little bash\".",
            "Load it with `load_dataset(\"...\")` and read the column `solution`.",
        ],
    },
    Theme {
        per_mille: 110,
        topics: &[
            "chemistry-abstracts",
            "physics-questions",
            "protein-sequences",
            "climate-series",
            "astronomy-images",
            "materials-graphs",
            "plant-biology",
            "paper-summaries",
        ],
        tags: &["science", "chemistry", "biology", "physics", "climate"],
        tasks: &["text-classification", "summarization", "image-classification"],
        sentences: &[
            "Abstracts and questions about {t}, written by {n} students of natural science.",
            "Measurements come with units, an error bar and the date of the experiment.",
            "We publish the raw series of {n} stations beside the cleaned one.",
            "The labels follow a small ontology of scientific fields.",
        ],
    },
    Theme {
        per_mille: 90,
        topics: &[
            "clinical-notes",
            "radiology-reports",
            "patient-questions",
            "drug-interactions",
            "symptom-dialogues",
            "nursing-guides",
            "dental-images",
        ],
        tags: &["medical", "health", "clinical", "biomedical"],
        tasks: &["question-answering", "token-classification", "image-segmentation"],
        sentences: &[
            "Synthetic clinical text about {t}; no patient is described.",
            "Two physicians labelled {n} sentences with diagnoses and medication.",
            "Not for use in diagnosis or treatment.",
            "Questions of patients with answers of a nurse, {n} pairs.",
        ],
    },
    Theme {
        per_mille: 60,
        topics: &[
            "contract-clauses",
            "court-rulings",
            "statute-questions",
            "patent-claims",
            "privacy-policies",
            "tenancy-law",
        ],
        tags: &["legal", "law", "contracts"],
        tasks: &["text-classification", "question-answering", "summarization"],
        sentences: &[
            "{n} clauses of invented contracts with the kind of each clause.",
            "Rulings about {t}, shortened, with the statute that they rest on.",
            "Annotated by three students of law; agreement was 0.{n}.",
            "Nothing here is legal advice.",
        ],
    },
    Theme {
        per_mille: 80,
        topics: &[
            "earnings-calls",
            "stock-news",
            "invoice-tables",
            "bank-transactions",
            "annual-reports",
            "credit-questions",
        ],
        tags: &["finance", "economics", "stocks", "accounting"],
        tasks: &["text-classification", "tabular-classification", "time-series-forecasting"],
        sentences: &[
            "Headlines about {t} with the sentiment of {n} readers.",
            "Tables of income and cash flow of companies that do not exist.",
            "Prices are daily closes in a made-up currency over {n} days.",
            "Use it to train classifiers of financial news.",
        ],
    },
    Theme {
        per_mille: 420,
        topics: &[
            "cooking-recipes",
            "street-signs",
            "bird-songs",
            "chat-turns",
            "movie-opinions",
            "robot-arm-episodes",
            "old-newspapers",
            "travel-reviews",
            "spoken-digits",
            "game-levels",
            "poems",
            "product-photos",
            "weather-reports",
            "subtitles",
            "test-upload",
            "my-dataset",
        ],
        tags: &[
            "synthetic",
            "chat",
            "audio",
            "images",
            "robotics",
            "conversational",
            "demo",
            "not-for-all-audiences",
        ],
        tasks: &[
            "text-generation",
            "text-classification",
            "automatic-speech-recognition",
            "image-classification",
            "robotics",
            "translation",
            "text-to-image",
        ],
        sentences: &[
            "A collection of {t}, {n} items in all.",
            "This is a test upload. Please ignore it.",
            "Recorded at {n} places by volunteers and cleaned by hand.",
            "Episodes of a small robot arm: camera, joint angles and the task in words.",
            "Created with a script; see the notebook for how the {t} were chosen.",
            "It took {n} evenings and a lot of tea.",
        ],
    },
];

pub(super) const COMMON_SENTENCES: [&str; 10] = [
    "The data is split into train, validation and test.",
    "There are {n} rows in the training split.",
    "More information needed.",
    "Please cite us if this helps you.",
    "The license covers the annotations only.",
    "Duplicates were removed by MinHash with a threshold of 0.8.",
    "Columns: `id`, `text`, `label` and {n} features.",
    "Questions? Open a discussion in the community tab.",
    "Version 2 fixes {n} wrong labels of version 1.",
    "It's meant for research, \"as is\".",
];

/// Text outside ASCII, for a share of the records.
pub(super) const FOREIGN_SENTENCES: [&str; 10] = [
    "Этот набор содержит {n} коротких текстов о разных вещах.",
    "このデータは練習のために作りました。全部で{n}行あります。",
    "这个数据集包含{n}个句子,每句都有标签。",
    "هذه مجموعة صغيرة من الجمل القصيرة.",
    "Dữ liệu gồm {n} câu hỏi và câu trả lời ngắn.",
    "Die Sätze wurden von Hand geprüft; Größe: {n} Zeilen, naïve Übersetzung inklusive.",
    "यह आँकड़े केवल अभ्यास के लिए हैं।",
    "이 데이터는 {n}개의 짧은 문장입니다.",
    "Se incluyen {n} frases cortas en español, ¡y algunas preguntas!",
    "🚀 New: {n} more rows! 🎉 Thank you, everyone 🙏🏽",
];

pub(super) const HEADINGS: [&str; 8] = [
    "Dataset Summary",
    "Languages",
    "Dataset Structure",
    "Data Fields",
    "How it was made",
    "Intended Use",
    "Splits",
    "Citation",
];

pub(super) const NAME_FRONT: [&str; 8] =
    ["open", "synthetic", "tiny", "filtered", "multilingual", "annotated", "raw", "gold"];
pub(super) const NAME_BACK: [&str; 10] =
    ["sft", "qa", "instruct", "corpus", "bench", "pairs", "eval", "preferences", "train", "collection"];

/// Owners with many repositories are a word of each list.
pub(super) const OWNER_FRONT: [&str; 24] = [
    "Amberfield",
    "Brookmoor",
    "Copperleaf",
    "Duskwater",
    "Elmhollow",
    "Fernwick",
    "Greystoat",
    "Hazelmere",
    "Ironlark",
    "Juniperia",
    "Kestrelby",
    "Lindenau",
    "Mossgate",
    "Nettlebury",
    "Oakenshaw",
    "Pebblecroft",
    "Quillhaven",
    "Rowanby",
    "Sorrelton",
    "Thistledown",
    "Umberly",
    "Violetmarsh",
    "Willowick",
    "Yarrowden",
];
pub(super) const OWNER_BACK: [&str; 12] =
    ["Lab", "AI", "Data", "NLP", "Research", "Vision", "Open", "Speech", "Works", "Group", "School", "_org"];

/// Owners with few repositories are a given name, a family name and a number.
pub(super) const GIVEN: [&str; 20] = [
    "mira", "tomas", "aiko", "lucia", "jonas", "priya", "omar", "ingrid", "chen", "fatou", "pavel", "noor",
    "liam", "zofia", "kofi", "elena", "hugo", "sana", "matti", "rosa",
];
pub(super) const FAMILY: [&str; 16] = [
    "okoye", "lindt", "varga", "sato", "moreau", "silva", "khan", "berg", "novak", "diallo", "weiss", "park",
    "costa", "hakim", "olsen", "ruiz",
];

pub(super) const LANGUAGES: [&str; 24] = [
    "en", "zh", "fr", "de", "es", "ja", "ru", "pt", "ar", "hi", "ko", "it", "vi", "id", "tr", "pl", "nl",
    "fa", "uk", "sw", "bn", "no", "th", "cs",
];
pub(super) const LICENSES: [&str; 12] = [
    "apache-2.0",
    "mit",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "other",
    "cc-by-nc-4.0",
    "cc0-1.0",
    "unknown",
    "openrail",
    "cc-by-nc-sa-4.0",
    "gpl-3.0",
    "odc-by",
];
pub(super) const SIZES: [&str; 8] =
    ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1T"];
pub(super) const FORMATS: [&str; 7] =
    ["parquet", "json", "csv", "text", "imagefolder", "webdataset", "arrow"];
pub(super) const MODALITIES: [&str; 6] = ["text", "tabular", "image", "audio", "timeseries", "video"];
pub(super) const LIBRARIES: [&str; 6] = ["datasets", "pandas", "polars", "mlcroissant", "dask", "webdataset"];
pub(super) const COLUMNS: [&str; 16] = [
    "id",
    "text",
    "label",
    "question",
    "answer",
    "context",
    "messages",
    "source",
    "score",
    "url",
    "title",
    "image",
    "embedding",
    "language",
    "metadata",
    "tokens",
];
pub(super) const DTYPES: [&str; 8] =
    ["string", "int64", "float32", "bool", "int32", "float64", "large_string", "timestamp[s]"];

pub(super) const MODEL_STEMS: [&str; 12] = [
    "Tern", "Osprey", "Lynx", "Marten", "Heron", "Badger", "Wren", "Otter", "Falcone", "Ibex", "Sable",
    "Puffin",
];
pub(super) const MODEL_SIZES: [&str; 9] = ["0.5B", "1B", "3B", "7B", "8B", "13B", "32B", "70B", "base"];
pub(super) const MODEL_BACK: [&str; 10] =
    ["Instruct", "lora", "GGUF", "merged", "finetuned", "AWQ", "embed", "classifier", "it", "checkpoint"];
pub(super) const PIPELINES: [&str; 12] = [
    "text-generation",
    "text-classification",
    "image-text-to-text",
    "text-to-image",
    "feature-extraction",
    "automatic-speech-recognition",
    "sentence-similarity",
    "reinforcement-learning",
    "token-classification",
    "text-to-speech",
    "image-classification",
    "translation",
];
pub(super) const MODEL_LIBRARIES: [&str; 8] = [
    "transformers",
    "peft",
    "diffusers",
    "gguf",
    "sentence-transformers",
    "timm",
    "stable-baselines3",
    "mlx",
];
