"""Makes records of lists of packages, for what is measured of record-search.

    python benches/search/rows.py LISTS OUT.jsonl [--rows N]

LISTS is a folder of TSV files, a registry each, with a head line: the name first, a column that begins with `summary`, and
perhaps one `downloads_a_month`. Such lists can be made of a registry's public index. The order is shuffled, always in the same way. Where
more rows are asked for than there are, the rest are seeded variants: another name, and some words of another package's
summary. They are for speed only.
"""
import argparse, csv, hashlib, json, pathlib, random, re

parser = argparse.ArgumentParser()
parser.add_argument("lists")
parser.add_argument("out")
parser.add_argument("--rows", type=int)
options = parser.parse_args()

rows, seen = [], set()
for path in sorted(pathlib.Path(options.lists).glob("*.tsv")):
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        head = [cell.split(" ")[0] for cell in next(lines)]
        if "summary" not in head:
            continue
        for line in lines:
            id = f"{path.stem}/{line[0]}"
            if len(line) <= head.index("summary") or id in seen:
                continue
            seen.add(id)
            summary = re.sub(r"^\[tested here: [^\]]*\] *", "", line[head.index("summary")])
            row = {"id": id, "registry": path.stem, "summary": summary}
            downloads = line[head.index("downloads_a_month")] if "downloads_a_month" in head else ""
            if downloads.isdigit():
                row["downloads"] = int(downloads)
            rows.append(row)

mark = lambda id: int(hashlib.sha256(id.encode()).hexdigest()[:8], 16) % 10_000
random.Random(1).shuffle(rows)
wanted = options.rows or len(rows)
with open(options.out, "w", encoding="utf-8") as out:
    write = lambda row: print(json.dumps(row | {"mark": mark(row["id"])}, ensure_ascii=False), file=out)
    for row in rows[:wanted]:
        write(row)
    mix = random.Random(2)
    for at in range(len(rows), wanted):
        row, other = rows[at % len(rows)], rows[mix.randrange(len(rows))]
        words, others = row["summary"].split(), other["summary"].split()
        for _ in range(1 + len(words) // 4):
            if words and others:
                words[mix.randrange(len(words))] = mix.choice(others)
        write(row | {"id": f"{row['id']}-v{at // len(rows)}", "summary": " ".join(words)})
print(f"{min(wanted, len(rows)):,} of {len(rows):,} records, {max(0, wanted - len(rows)):,} variants")
