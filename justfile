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
# `since` is ten days before `date` unless you say otherwise; both are an argument so that a later day can go on.
weekly date=today since="" limit="" out=("data/weekly/" + date) filter="configs/filters/weekly.toml" history="data/history.jsonl" cache="data/cache" model="gpt-4o-mini" base_url="": build
    #!/usr/bin/env bash
    set -euo pipefail
    since={{ quote(since) }}
    since=${since:-$(date -u -d '{{ date }} 10 days ago' +%F 2>/dev/null || date -u -j -v-10d -f %F '{{ date }}' +%F)}
    out={{ quote(out) }}
    done_or_missing() { "$@" || [ $? -eq 3 ]; }
    set -x
    done_or_missing {{ bin }}/hf-crawler datasets --root "$out/1_crawled" --since "$since" {{ if limit != "" { "--limit " + quote(limit) } else { "" } }}
    done_or_missing {{ bin }}/hf-crawler process "$out/1_crawled" --root "$out/2_processed" --filter {{ quote(filter) }} --history {{ quote(history) }} --collect-date {{ quote(date) }}
    done_or_missing {{ bin }}/llm-classifier run weekly "$out/2_processed" --root "$out/3_classified" --cache {{ quote(cache) }} --model {{ quote(model) }} {{ if base_url != "" { "--base-url " + quote(base_url) } else { "" } }}
    {{ bin }}/record-converter "$out/3_classified" "$out/3_classified.xlsx" --force

# After a look at the report: remember what was had, so that next week leaves it out
remember date=today out=("data/weekly/" + date) history="data/history.jsonl": build
    {{ bin }}/hf-crawler history add {{ quote(out + "/3_classified") }} --history {{ quote(history) }}

# Move a finished week to s3://bucket/prefix and audit it; a file goes when its copy is proven. `just weekly` with
# the same date would then begin anew: do it when the week is done. Keys are read from AWS_* or the AWS files.
upload to date=today out=("data/weekly/" + date) receipts="data/s3-receipts.jsonl": build
    {{ bin }}/s3-uploader move {{ quote(out) }} {{ quote(to + "/" + date) }} --receipts {{ quote(receipts) }} --remove-empty-folders
    {{ bin }}/s3-uploader verify {{ quote(receipts) }}

# How far a crawl has come; also while it runs
status root: build
    {{ bin }}/hf-crawler status {{ quote(root) }}

# Build the programs
build:
    cargo build --release --quiet -p hf-crawler -p llm-classifier -p record-converter -p s3-uploader

# ---- development ---------------------------------------------------------------------------------------------

# The tests that need nothing but cargo
test *args:
    cargo test --workspace "$@"

# Formatting, lints, policy
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
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
    {{ venv }}/bin/python tests/python/check_demo.py {{ target }}/demo-check

# Tests with the real Python clients, against the built programs and doubles
python venv=".venv": (venv venv)
    cargo build --workspace --bins
    GLEANER_BIN_DIR={{ target }}/debug GLEANER_SIM={{ target }}/debug/sim {{ venv }}/bin/python -m pytest -q tests/python
    GLEANER_BIN_DIR={{ target }}/debug GLEANER_SIM={{ target }}/debug/sim {{ venv }}-hub036/bin/python -m pytest -q tests/python/test_hub_clients.py
    for client in kaggle16 kaggle22 kagglehub; do GLEANER_SIM={{ target }}/debug/sim {{ venv }}-$client/bin/python -m pytest -q tests/python/test_kaggle_clients.py || exit 1; done

# Make the Python environments of the tests
venv dir=".venv":
    python3 tests/python/venv.py {{ dir }}

# The shipped tasks on a real server with a random model; compiles C++, about ten minutes the first time
real-llm venv=".venv-llm": build
    test -x {{ venv }}/bin/python || python3 -m venv {{ venv }}
    {{ venv }}/bin/python -m pip install --quiet gguf numpy 'llama-cpp-python[server]'
    {{ venv }}/bin/python tests/python/real_llm.py {{ bin }}/llm-classifier

# Read every recorded body in a folder of samples (they lie beside the checkout, not in it)
samples dir:
    GLEANER_SAMPLES="$(realpath {{ dir }})" cargo test -p hf-crawler --test it samples -- --nocapture

# Measure against the peers; the figures go into docs/performance.md
bench venv=".venv": build (venv venv)
    cargo build --release --quiet -p crawl-sim
    {{ venv }}/bin/python benches/bench.py {{ bin }}

# Sizes of files, a place to look and not a law
sizes:
    git ls-files '*.rs' | xargs wc -l | sort -rn | head -30
