"""How well record-search finds, by classes of queries.

    python benches/search/rows.py LISTS ROWS.jsonl
    python benches/search/quality.py forks ROWS.jsonl FORKS.jsonl
    record-search index ROWS.jsonl FORKS.jsonl --mapping benches/search/packages.toml --index INDEX
    python benches/search/quality.py known ANSWERS INDEX ROWS.jsonl [--queries 300]
    python benches/search/quality.py links ANSWERS INDEX FORKS.jsonl
    python benches/search/quality.py pool ANSWERS INDEX ROWS.jsonl POOL.tsv
    python benches/search/quality.py grade POOL.tsv GRADES.txt
    python benches/search/quality.py judged ANSWERS INDEX
    python benches/search/quality.py weights ANSWERS INDEX ROWS.jsonl [--queries 300]
    python benches/search/quality.py held ANSWERS INDEX ROWS.jsonl [--queries 300]

ANSWERS is the example `answers` of the crate record-search, built. `pool` shuffles what the legs found, so that whoever judges does
not see which leg found it; GRADES has a line for each query, a digit for each row of it in the pool: 0 is of no use, 1 of some,
2 is what was asked for. The judgements are in judged.jsonl: add to it when the pool grows. `weights` joins the legs here, with other weights than the program has.

What is set by such figures is to be measured on others: with `--held`, `pool`, `grade` and `judged` take queries and judgements that
no weight was chosen on (held.tsv, held.jsonl). `held` gives recall@10 of those, and of known items of other draws, with intervals.
"""
import json, math, pathlib, random, re, subprocess, sys

HERE = pathlib.Path(__file__).parent
LEGS = ["words", "meaning", "both"]
# Queries, and what was judged of what they find: those that weights were chosen on, and those that none was.
CHOSEN = (HERE / "queries.tsv", HERE / "judged.jsonl")
HELD = (HERE / "held.tsv", HERE / "held.jsonl")
# The draw of known items that weights were chosen on, and others.
SEED, OTHER_SEEDS = 3, (11, 12, 13)
# Forks whose mention of what they are a fork of was removed are asked for, never found.
REAL = ["-registry:forks"]


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def ask(answers, index, queries):
    """The answers to queries, in order."""
    text = "".join(json.dumps({"filters": REAL} | query) + "\n" for query in queries)
    done = subprocess.run([answers, index], input=text, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    for query, answer in zip(queries, found):
        if "error" in answer:
            sys.exit(f"{query}: {answer['error']}")
    return found


def table(title, rows):
    print(f"\n| {title} | queries | {' | '.join(LEGS)} |\n|---|---|{'---|' * len(LEGS)}")
    for name, count, cells in rows:
        print(f"| {name} | {count} | {' | '.join(cells)} |")


def words(text):
    return re.findall(r"[a-z]{3,}", text.lower())


def known_items(rows, count, seed=SEED, without=()):
    """Records are drawn, and queries made of them: of each class its name, and pairs of an id and a query."""
    drawn = random.Random(seed)
    rows = [row for row in lines(rows) if row["id"] not in without and len(set(words(row["summary"]))) >= 6]
    drawn.shuffle(rows)
    name = lambda row: row["id"].split("/", 1)[1]

    def several(row, most, without=()):
        some = sorted(set(words(row["summary"])) - set(without))
        return " ".join(drawn.sample(some, min(most, len(some))))

    def name_and_words(row):
        tokens = words(name(row))
        return tokens and f"{drawn.choice(tokens)} {several(row, 3, tokens)}"

    def words_alone(row):
        # Not a word of its name: what somebody asks who does not know it.
        return several(row, 4, words(name(row)))

    classes = {
        "id": lambda row: row["id"],
        "name": name,
        "a word of the name, 3 of the summary": name_and_words,
        "4 words of the summary alone": words_alone,
    }
    for title, make in classes.items():
        asked = []
        for row in rows:
            text = make(row)
            # A name with a colon or a minus in front would be read as something else.
            if text and not re.search(r'[:"]|(^|\s)-|\*', text):
                asked.append((row["id"], text))
            if len(asked) == count:
                break
        yield title, asked


def known(answers, index, rows, count=300):
    """How far up the record stands of which the query was made."""
    out = []
    for title, asked in known_items(rows, count):
        cells = []
        for leg in LEGS:
            found = ask(answers, index, [{"text": text, "by": leg} for _, text in asked])
            ranks = [answer["ids"].index(id) + 1 if id in answer["ids"] else None for (id, _), answer in zip(asked, found)]
            reciprocal = sum(1 / rank for rank in ranks if rank) / len(ranks)
            cells.append(f"{reciprocal:.3f} / {sum(rank is not None for rank in ranks) / len(ranks):.3f}")
        out.append((title, len(asked), cells))
    table("known item: MRR@10 / recall@10", out)


def weights(answers, index, rows, count=300):
    """Recall@10 of the sum 1/(base + rank by words) + weight/(base + rank by meaning), without the tiers."""
    classes = [(title, [({id: 2}, text) for id, text in asked]) for title, asked in known_items(rows, count) if "summary" in title]
    classes.append(("judged", [(line["grades"], line["query"]) for line in lines(CHOSEN[1]) if any(line["grades"].values())]))
    print(f"| base, weight of meaning | {' | '.join(title for title, _ in classes)} |\n|---|{'---|' * len(classes)}")
    legs = []
    for _, asked in classes:
        both = [ask(answers, index, [{"text": text, "by": leg, "limit": 500} for _, text in asked]) for leg in LEGS[:2]]
        legs.append([(words["ids"], meaning["ids"]) for words, meaning in zip(*both)])
    for base in (60, 20, 10):
        for weight in (0, 0.25, 0.35, 0.5, 0.7, 1, 1e6):
            cells = []
            for (_, asked), found in zip(classes, legs):
                recall = 0
                for (grades, _), (words_leg, meaning_leg) in zip(asked, found):
                    score = {}
                    for leg, share in ((words_leg, 1), (meaning_leg, weight)):
                        for at, id in enumerate(leg if share else []):
                            score[id] = score.get(id, 0) + share / (base + at + 1)
                    top = sorted(score, key=lambda id: -score[id])[:10]
                    relevant = {id for id, grade in grades.items() if grade}
                    recall += len(relevant & set(top)) / min(10, len(relevant))
                cells.append(f"{recall / len(asked):.3f}")
            name = {0: "words alone", 1e6: "meaning alone"}.get(weight, f"{base}, {weight}")
            print(f"| {name} | {' | '.join(cells)} |")


FORK = re.compile(r"\bfork(?:ed)?\s+(?:of|from)\s+(?:the\s+)?['\"`]?(@?[A-Za-z0-9][\w./-]*[A-Za-z0-9])['\"`]?", re.I)


def forks(rows, out):
    """Records that say what they are a fork of, without saying it: the link is to be found."""
    rows = list(lines(rows))
    ids = {row["id"].lower(): row["id"] for row in rows}
    with open(out, "w", encoding="utf-8") as file:
        count = 0
        for row in rows:
            said = FORK.search(row["summary"])
            of = said and ids.get(f"{row['registry']}/{said[1].lower()}")
            if not of or of == row["id"]:
                continue
            hidden = re.sub(re.escape(said[1]), " ", row["summary"], flags=re.I)
            hidden = {**row, "summary": " ".join(hidden.split()), "id": f"forks/{row['id']}", "registry": "forks", "of": of}
            print(json.dumps(hidden, ensure_ascii=False), file=file)
            count += 1
    print(f"{count} forks")


def links(answers, index, forks):
    """What a fork is of, among what is like it. The fork itself stands there, too, and is passed over."""
    forks = list(lines(forks))
    flat = lambda text: re.sub(r"[^a-z0-9]", "", text.lower())
    of_name = [flat(fork["of"].split("/", 1)[1]) in flat(fork["id"].split("/", 2)[2]) for fork in forks]
    ways = {
        "`like`": [{"like": f"packages:{fork['id']}", "limit": 11} for fork in forks],
        "its name, by words": [{"text": " ".join(re.findall(r"\w+", fork["id"].split("/", 2)[2])), "by": "words", "limit": 11} for fork in forks],
    }
    print("\n| a fork's origin in the first 10 | all | name stands in the fork's | it does not |\n|---|---|---|---|")
    for way, queries in ways.items():
        found = ask(answers, index, queries)
        hit = []
        for fork, answer in zip(forks, found):
            others = [id for id in answer["ids"] if id != fork["id"].removeprefix("forks/")][:10]
            hit.append(fork["of"] in others)
        share = lambda wanted: [h for h, n in zip(hit, of_name) if n in wanted]
        cells = [f"{sum(part) / len(part):.3f} of {len(part)}" for part in map(share, [(True, False), (True,), (False,)])]
        print(f"| {way} | {' | '.join(cells)} |")


def queries(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def pool(answers, index, rows, out, files=CHOSEN):
    asked = queries(files[0])
    found = {leg: ask(answers, index, [{"text": text, "by": leg} for _, text in asked]) for leg in LEGS}
    known = judged_before(files[1])
    mixed = random.Random(4)
    wanted = []
    for at, (language, text) in enumerate(asked):
        ids = {id for leg in LEGS for id in found[leg][at]["ids"]} - set(known.get(text, {}))
        ids = sorted(ids)
        mixed.shuffle(ids)
        wanted.append((language, text, ids))
    summaries = {id: "" for _, _, ids in wanted for id in ids}
    for row in lines(rows):
        if row["id"] in summaries:
            summaries[row["id"]] = " ".join(row["summary"].split())
    with open(out, "w", encoding="utf-8") as file:
        for language, text, ids in wanted:
            for id in ids:
                print(language, text, id, summaries[id], sep="\t", file=file)
    print(f"{sum(len(ids) for _, _, ids in wanted)} to judge")


def judged_before(path):
    return {line["query"]: line["grades"] for line in lines(path)} if path.exists() else {}


def grade(pooled, grades, files=CHOSEN):
    known = judged_before(files[1])
    groups = {}
    for line in pathlib.Path(pooled).read_text(encoding="utf-8").splitlines():
        _, text, id, _ = line.split("\t")
        groups.setdefault(text, []).append(id)
    given = pathlib.Path(grades).read_text().split()
    assert len(given) == len(groups), (len(given), len(groups))
    for (text, ids), digits in zip(groups.items(), given):
        assert len(ids) == len(digits) and set(digits) <= set("012"), (text, len(ids), digits)
        known.setdefault(text, {}).update({id: int(digit) for id, digit in zip(ids, digits)})
    with open(files[1], "w", encoding="utf-8") as file:
        for language, text in queries(files[0]):
            row = {"query": text, "language": language, "grades": dict(sorted(known.get(text, {}).items()))}
            print(json.dumps(row, ensure_ascii=False), file=file)


def judged(answers, index, files=CHOSEN):
    judged = list(lines(files[1]))
    found = {leg: ask(answers, index, [{"text": line["query"], "by": leg} for line in judged]) for leg in LEGS}
    gain = lambda grades: sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(grades[:10]))
    groups = {"English": lambda of: of == "en", "other languages": lambda of: of != "en", "all": lambda of: True}
    ndcg, recall, empty = [], [], {leg: 0 for leg in LEGS}
    unjudged = sum(id not in line["grades"] for leg in LEGS for line, answer in zip(judged, found[leg]) for id in answer["ids"])
    for title, wanted in groups.items():
        scores = {leg: ([], []) for leg in LEGS}
        nothing = 0
        for at, line in enumerate(judged):
            if not wanted(line["language"]):
                continue
            best = sorted(line["grades"].values(), reverse=True)
            relevant = {id for id, grade in line["grades"].items() if grade}
            if not relevant:
                nothing += 1
                continue
            for leg in LEGS:
                ids = found[leg][at]["ids"]
                scores[leg][0].append(gain([line["grades"].get(id, 0) for id in ids]) / gain(best))
                scores[leg][1].append(len(relevant & set(ids)) / min(10, len(relevant)))
        mean = lambda numbers: f"{sum(numbers) / len(numbers):.3f}"
        count = len(scores["both"][0])
        ndcg.append((title, count, [mean(scores[leg][0]) for leg in LEGS]))
        recall.append((title, count, [mean(scores[leg][1]) for leg in LEGS]))
        if title == "all":
            pairs = list(zip(*(scores[leg][1] for leg in LEGS)))
            print(f"{nothing} queries of which nothing that was found is of use are left out; {unjudged} hits are not judged")
            print(f"recall@10 of both is above the better leg in {sum(b > max(w, m) for w, m, b in pairs)} queries, below it in {sum(b < max(w, m) for w, m, b in pairs)}")
    table("judged: nDCG@10", ndcg)
    table("judged: recall@10 of min(10, all of use in the pool)", recall)


def recalls(asked, found):
    """Of each query its recall@10, of at most ten that are of use."""
    return [len(set(relevant) & set(answer["ids"])) / min(10, len(relevant)) for (relevant, _), answer in zip(asked, found)]


def interval(numbers, drawn, rounds=10_000):
    """Where the mean of 95 % of as many numbers drawn out of these lies."""
    means = sorted(sum(drawn.choices(numbers, k=len(numbers))) / len(numbers) for _ in range(rounds))
    return means[rounds // 40], means[-1 - rounds // 40]


def held(answers, index, rows, count=300):
    """Recall@10 on what no weight was chosen on, and how far both is above or below the better leg, query by query."""
    drawn, chosen_on = random.Random(6), {id for _, asked in known_items(rows, count) for id, _ in asked}
    classes = {}
    for seed in OTHER_SEEDS:
        for title, asked in known_items(rows, count, seed, chosen_on):
            classes.setdefault(title, []).extend(([id], text) for id, text in asked)
    for title, is_wanted in [("judged, English", lambda of: of == "en"), ("judged, other languages", lambda of: of != "en")]:
        of = [line for line in lines(HELD[1]) if is_wanted(line["language"])]
        useful = [([id for id, grade in line["grades"].items() if grade], line["query"]) for line in of]
        classes[title] = [(ids, text) for ids, text in useful if ids]
        print(f"{title}: of {len(of) - len(classes[title])} of {len(of)} queries nothing that was found is of use")
    print(f"\n| recall@10 [95 %] | queries | {' | '.join(LEGS)} | both less the better leg |\n|---|---|---|---|---|---|")
    for title, asked in classes.items():
        by_leg = {leg: recalls(asked, ask(answers, index, [{"text": text, "by": leg} for _, text in asked])) for leg in LEGS}
        better = max(LEGS[:2], key=lambda leg: sum(by_leg[leg]))
        by_leg["difference"] = [both - other for both, other in zip(by_leg["both"], by_leg[better])]
        cells = []
        for leg, numbers in by_leg.items():
            sign = "+" if leg == "difference" else ""
            low, high = interval(numbers, drawn)
            cells.append(f"{sum(numbers) / len(numbers):{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]")
        print(f"| {title} | {len(asked)} | {' | '.join(cells)} |")
        if "judged" not in title:
            of_seeds = [by_leg["difference"][at : at + count] for at in range(0, len(asked), count)]
            print(f"| – each draw | {count} | | | | {', '.join(f'{sum(part) / len(part):+.3f}' for part in of_seeds)} |")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--queries" in arguments:
        at = arguments.index("--queries")
        arguments[at : at + 2] = [int(arguments[at + 1])]
    if "--held" in arguments:
        arguments.remove("--held")
        arguments.append(HELD)
    commands = {"known": known, "links": links, "forks": forks, "pool": pool, "grade": grade, "judged": judged, "weights": weights, "held": held}
    if not arguments or arguments[0] not in commands:
        sys.exit(__doc__)
    commands[arguments[0]](*arguments[1:])
