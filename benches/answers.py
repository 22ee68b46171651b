"""Answers a CPU second of builds of llm-classifier in turns, and the peak of memory at several sizes, against one double that answers at once.

    python benches/answers.py SIM llm-classifier [OTHER-BUILD...] [--rows 20000] [--rounds 5]
    python benches/answers.py SIM llm-classifier --rows 10000,100000,1000000 --rounds 1

All builds get the same small records, a new cache each, 100 questions in flight. CPU is user and system of the client alone.
"""
import argparse, json, os, statistics, subprocess, tempfile
from pathlib import Path

from spent import spent

REPOSITORY = Path(__file__).resolve().parent.parent


def records(path, count):
    with path.open("w") as out:
        for number in range(count):
            out.write(json.dumps({"id": f"set-{number}", "repo_id": f"owner/set-{number}", "description": f"Rows of the kind {number}, as people write them."}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sim", type=Path)
    parser.add_argument("programs", type=Path, nargs="+")
    parser.add_argument("--rows", default="20000")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sim = subprocess.Popen([options.sim.resolve(), "llm"], stdout=subprocess.PIPE, text=True)
    try:
        url = sim.stdout.readline().split()[-1]
        print("| program | rows | CPU s | ms an answer | answers a CPU second | least and most ms | peak MiB |")
        print("|---|---|---|---|---|---|---|")
        for rows in map(int, options.rows.split(",")):
            compare(options, url, rows)
    finally:
        sim.kill()
        sim.wait()


def compare(options, url, rows):
    figures = {program: [] for program in options.programs}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        records(source, rows)
        for _ in range(options.rounds):
            for program in options.programs:
                with tempfile.TemporaryDirectory() as out:
                    out = Path(out)
                    command = [program.resolve(), "run", REPOSITORY / "configs/tasks/weekly.toml", source, "--output", out / "out.jsonl", "--cache", out / "cache",
                               "--quiet", "--model", "sim-1", "--base-url", f"{url}/v1", "--concurrency", "100", "--price", "0.15/0.6"]
                    figures[program].append(spent(command, {**os.environ, "OPENAI_API_KEY": "none"}))
                    answered = sum(1 for _ in (out / "out.jsonl").open())
                    assert answered == rows, f"{answered} of {rows} answers"
    for program, found in figures.items():
        each = sorted((one.user + one.system) / rows * 1000 for one in found)
        middle = statistics.median(each)
        print(f"| `{program}` | {rows:,} | {middle * rows / 1000:.2f} | {middle:.3f} | {1000 / middle:,.0f} | {each[0]:.3f}, {each[-1]:.3f} "
              f"| {max(one.peak for one in found):.0f} |", flush=True)


if __name__ == "__main__":
    main()
