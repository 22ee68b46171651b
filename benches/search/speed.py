"""Speed and size of record-search beside LanceDB and the TF-IDF and PCA of scikit-learn, on the same rows and queries.

    python benches/search/rows.py LISTS ROWS.jsonl --rows 3000000
    python benches/search/speed.py BIN ROWS.jsonl WORK SIZE... [--peers lancedb,sklearn] [--queries 300]

BIN is a folder with `record-search` and the examples `answers` and `vectors`, built. Each client indexes the first SIZE rows into
WORK in a process of its own, and is asked the same queries by one process that has its index open, with no filter, and with
such as pass 20 % and 1 % of the rows. CPU is user + system. The peers need `pip install lancedb scikit-learn`.

LanceDB gets the vectors of record-search as they are, ready, an index of the text, from 100,000 rows on an index of the vectors (its
default, IVF_PQ), and filters before it ranks. A peer that takes longer than `--minutes` (120) or more memory than `--gib` (18) for a size is ended, and that is told. scikit-learn does what the seed of this project did: TF-IDF of 5,000 words and pairs,
PCA to 384 numbers, the cosine of all rows; but queries go through the same PCA, without which all are 0.
"""
import argparse, json, os, pathlib, random, re, resource, shutil, statistics, subprocess, sys, time

SHARES = [("none", None), ("20 %", 2_000), ("1 %", 100)]
# More rows of 5,000 numbers of eight bytes do not fit into the memory of a usual machine.
MOST_DENSE = 100_000
HERE = pathlib.Path(__file__).parent


def text_of(row):
    name = row["id"].split("/", 1)[1]
    return " ".join(f"{re.sub('[-_./]', ' ', name)} {row['summary']}".split())


def queries(rows, count):
    """Two to four words of summaries."""
    drawn, out = random.Random(5), []
    for row in rows:
        words = sorted(set(re.findall(r"[a-z]{3,}", row["summary"].lower())))
        if len(words) >= 4:
            out.append(" ".join(drawn.sample(words, drawn.randint(2, 4))))
        if len(out) == count:
            break
    return out


def head(path, size):
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            rows.append(json.loads(line))
            if len(rows) == size:
                return rows
    sys.exit(f"{path} has but {len(rows):,} rows")


def bytes_in(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def run(command, **more):
    """Wall and CPU seconds and peak MiB of a process, and what it prints."""
    read, write = os.pipe()
    began = time.time()
    process = subprocess.Popen(command, stdout=write, **more)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as file:
        out = file.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.time() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def told(name, milliseconds, cpu):
    ordered = sorted(milliseconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(f"| {name} | {statistics.median(ordered):.1f} | {p99:.1f} | {cpu:.1f} |", flush=True)


def built(name, size, wall, cpu, peak, size_bytes):
    print(f"\n**{name}, {size:,} rows**: index in {cpu:.1f} CPU s ({wall:.1f} s wall), {size / cpu:,.0f} rows a CPU second, peak {peak:,.0f} MiB; {size_bytes / size:,.0f} bytes a row on the disk")
    print("\n| query, filter | median ms | p99 ms | CPU ms a query |\n|---|---|---|---|", flush=True)


def ours(options, size, work):
    rows, index = work / "rows.jsonl", work / "index"
    command = [options.bin / "record-search", "index", rows, "--mapping", HERE / "packages.toml", "--index", index, "--quiet"]
    wall, cpu, peak, _ = run([str(part) for part in command])
    built("record-search", size, wall, cpu, peak, bytes_in(index))
    asked = json.loads((work / "queries.json").read_text())
    for by in ["both", "words", "meaning"]:
        for name, most in SHARES:
            lines = [{"text": text, "by": by, "filters": [f"mark:<{most}"] if most else []} for text in asked[:5] + asked]
            (work / "asked.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            with (work / "asked.jsonl").open() as given:
                *_, out = run([str(options.bin / "answers"), str(index)], stdin=given)
            *answers, end = map(json.loads, out.splitlines())
            # The first ones read the columns and vectors.
            first, answers = answers[0], answers[5:]
            told(f"{by}, {name}", [answer["ms"] for answer in answers], sum(answer["ticks"] for answer in answers) * 10 / len(answers))
        print(f"| the first by {by} {first['ms']:.0f} ms; resident {end['resident_kib'] / 1024:,.0f} MiB, peak {end['peak_kib'] / 1024:,.0f} MiB | | | |")


def cpu_now():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def time_queries(name, asked, ask):
    for text in asked[:5]:
        ask(text)
    cpu, times = cpu_now(), []
    for text in asked:
        began = time.perf_counter()
        ask(text)
        times.append((time.perf_counter() - began) * 1e3)
    told(name, times, (cpu_now() - cpu) * 1e3 / len(asked))


def forget_peak():
    """From here on the peak is that of what follows."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def resident():
    status = pathlib.Path("/proc/self/status").read_text()
    return [int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM")]


def lancedb(size, work):
    import lancedb, numpy, pyarrow
    from lancedb.index import BTree, FTS, IvfPq

    rows = head(work / "rows.jsonl", size)
    asked = json.loads((work / "queries.json").read_text())
    # Read, not mapped: what it takes to make them is not counted, to hold them is.
    vectors = numpy.fromfile(work / "vectors.f32", dtype="float32").reshape(-1, 256)
    query_vectors = dict(zip(asked, numpy.fromfile(work / "queries.f32", dtype="float32").reshape(-1, 256)))
    shutil.rmtree(work / "lance", ignore_errors=True)
    began, cpu = time.time(), cpu_now()
    data = pyarrow.table({
        "id": [row["id"] for row in rows],
        "text": [text_of(row) for row in rows],
        "mark": pyarrow.array([row["mark"] for row in rows], pyarrow.int32()),
        # Without a word that is known there is no vector, as in ours.
        "vector": pyarrow.FixedSizeListArray.from_arrays(
            pyarrow.array(vectors[:size].ravel()), 256, mask=pyarrow.array(~vectors[:size].any(axis=1))
        ),
    })
    del rows
    table = lancedb.connect(work / "lance").create_table("rows", data, on_bad_vectors="null")
    table.create_index("text", config=FTS())
    table.create_index("mark", config=BTree())
    if size >= 100_000:
        table.create_index("vector", config=IvfPq(distance_type="cosine"))
    wall, cpu = time.time() - began, cpu_now() - cpu
    # What was needed to make it is not what it takes to ask it.
    ids = work / "ids.json"
    ids.write_text(json.dumps(data["id"].to_pylist()))
    del data, vectors
    built(f"LanceDB {lancedb.__version__}", size, wall, cpu, resident()[1], bytes_in(work / "lance"))
    forget_peak()
    for name, most in SHARES:
        def ask(text):
            query = table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text").vector(query_vectors[text]).text(text).distance_type("cosine")
            if most:
                query = query.where(f"mark < {most}", prefilter=True)
            return query.limit(10).to_list()

        time_queries(f"hybrid, {name}", asked, ask)
    figures = resident()
    found = [[row["id"] for row in table.search(query_vectors[text], vector_column_name="vector").distance_type("cosine").limit(10).to_list()] for text in asked[:100]]
    vectors = numpy.memmap(work / "vectors.f32", dtype="float32", mode="r").reshape(-1, 256)[:size]
    place = {id: at for at, id in enumerate(json.loads(ids.read_text()))}
    hits = 0
    for text, near in zip(asked, found):
        exact = set(numpy.argpartition(-(vectors @ query_vectors[text]), 10)[:10])
        hits += len(exact & {place[id] for id in near})
    print("| resident {:,.0f} MiB, peak {:,.0f} MiB; recall@10 of its vectors {:.3f} | | | |".format(*figures, hits / (10 * len(found))))


def sklearn(size, work):
    import numpy, sklearn
    from sklearn.decomposition import PCA
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = head(work / "rows.jsonl", size)
    marks = numpy.array([row["mark"] for row in rows])
    asked = json.loads((work / "queries.json").read_text())
    began, cpu = time.time(), cpu_now()
    words = TfidfVectorizer(max_features=5_000, ngram_range=(1, 2), stop_words="english", lowercase=True)
    dense = words.fit_transform(map(text_of, rows)).toarray()
    pca = PCA(n_components=384)
    matrix = pca.fit_transform(dense)
    matrix /= numpy.maximum(numpy.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    numpy.save(work / "matrix.npy", matrix)
    wall, cpu = time.time() - began, cpu_now() - cpu
    built(f"scikit-learn {sklearn.__version__}", size, wall, cpu, resident()[1], (work / "matrix.npy").stat().st_size)
    for name, most in SHARES:
        def ask(text):
            query = pca.transform(words.transform([text]).toarray())[0]
            scores = matrix @ query
            if most:
                scores = numpy.where(marks < most, scores, -numpy.inf)
            return numpy.argsort(scores)[::-1][:10]

        time_queries(f"TF-IDF and PCA, {name}", asked, ask)
    print("| resident {:,.0f} MiB, peak {:,.0f} MiB | | | |".format(*resident()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("rows")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--peers", default="lancedb")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--no-ours", action="store_true")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--gib", type=int, default=18)
    options = parser.parse_args()
    for size in options.sizes:
        work = options.work / str(size)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        rows = head(options.rows, size)
        with (work / "rows.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        asked = queries(rows, options.queries)
        (work / "queries.json").write_text(json.dumps(asked))
        if "lancedb" in options.peers:
            for name, texts in [("vectors", map(text_of, rows)), ("queries", asked)]:
                (work / "lines.txt").write_text("".join(text + "\n" for text in texts), encoding="utf-8")
                subprocess.run([options.bin / "vectors", work / "lines.txt", work / f"{name}.f32"], check=True)
        del rows
        print(f"\nload {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores", flush=True)
        if not options.no_ours:
            ours(options, size, work)
        for peer in filter(None, options.peers.split(",")):
            if peer == "sklearn" and size > MOST_DENSE:
                print(f"\n**scikit-learn, {size:,} rows**: not tried, its dense matrix would take {size * 40_000 / 2**30:,.0f} GiB")
                continue
            limit = options.gib << 30
            bound = lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
            try:
                ended = subprocess.run([sys.executable, __file__, peer, str(size), str(work)], timeout=60 * options.minutes, preexec_fn=bound)
                if ended.returncode:
                    print(f"\n**{peer}, {size:,} rows**: ended with {ended.returncode}; {options.gib} GiB of memory were the most", flush=True)
            except subprocess.TimeoutExpired:
                print(f"\n**{peer}, {size:,} rows**: not done after {options.minutes} minutes, and ended", flush=True)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] in (["lancedb"], ["sklearn"]):
        globals()[sys.argv[1]](int(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        main()
