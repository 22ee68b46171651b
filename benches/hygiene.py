"""text-hygiene beside datasketch, rensa and Presidio's recognisers (without a language model).

    cargo build --profile dist -p text-hygiene --example hygiene
    pip install datasketch rensa presidio-analyzer
    python benches/hygiene.py TARGET/dist/examples/hygiene [SAMPLES]

CPU seconds (user and system) of a process of its own each; start-up and reading of the file are taken off by a run
over ten texts. With a folder of samples, false hits are counted in its recorded posts too.
"""

import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

POSTS = 20_000
PLANTED = 2_000


def posts(count, seed=1):
    rng = random.Random(seed)
    words = [f"{rng.choice('bcdfgklmnprstvw')}{rng.choice('aeiou')}{rng.choice('nrstlm')}{n}" for n in range(20_000)]
    made = []
    for number in range(count):
        if number % 10 == 9:
            copy = made[-1].split()
            copy[50] = "changed"
            made.append(" ".join(copy))
        else:
            made.append(" ".join(rng.choices(words, k=100)))
    return made


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed([int(c) for c in digits] + [0])):
        total += digit if place % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
    return digits + str(-total % 10)


def iban(country, account):
    number = "".join(str(int(c, 36)) for c in account + country + "00")
    return f"{country}{98 - int(number) % 97:02}{account}"


def planted(count, seed=2):
    """Sentences, half with something that is to be found, half with something that only looks like it."""
    rng = random.Random(seed)
    digits = lambda n: "".join(rng.choices("0123456789", k=n))
    words = lambda: rng.choice(["You can see", "I tried it with", "Here it is:", "As he said,", "It works now:", "See also"])
    made = []
    for number in range(count):
        octets = f"{rng.choice([23, 45, 81, 93, 151, 185, 203])}.{rng.randint(33, 250)}.{rng.randint(1, 250)}.{rng.randint(1, 250)}"
        card = luhn(rng.choice(["4", "51", "55"]).ljust(2, rng.choice("2345")) + digits(13))
        true = [
            ("EMAIL", f"{rng.choice(['jane', 'bob.k', 'm_ling', 'x+y'])}{digits(2)}@{rng.choice(['corp', 'uni-koeln', 'mail.foo'])}.{rng.choice(['com', 'de', 'co.uk', 'io'])}", "{}"),
            ("IP", octets, "the server {} answers"),
            ("CARD", rng.choice([card, " ".join(card[i : i + 4] for i in range(0, 16, 4))]), "card {}"),
            ("IBAN", iban("DE", digits(18)), "pay to {}"),
            ("PHONE", f"+49 30 {digits(4)}{rng.randint(100, 999)}", "call {} please"),
            ("PHONE", f"({rng.randint(201, 989)}) {rng.randint(201, 989)}-{digits(4)}", "phone {}"),
        ]
        false = [
            f"version {rng.randint(1, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 30)}.{rng.randint(1, 30)} of it",
            f"git clone git@github.com:{rng.choice(['a', 'b'])}/c{digits(2)}.git",
            f"order {rng.choice('123')}{digits(15)} came",
            f"at {rng.randint(1_500_000_000_000, 1_800_000_000_000)} ms",
            f"std::chrono::{rng.choice(['a', 'b'])}::dec and abc::def{digits(1)}",
            f"commit {digits(10)}, line {digits(5)}",
            f"icon{digits(1)}@2x.png and lodash@4.17.{digits(2)}",
            f"pi is 3.{digits(14)} or so",
            f"ISBN 978-3-16-{digits(6)}-0",
        ]
        if number % 2:
            made.append((words() + " " + rng.choice(false), None, None))
        else:
            kind, value, form = rng.choice(true)
            made.append((words() + " " + form.format(value), kind, value))
    return made


PEER = {
    "datasketch": """
from datasketch import MinHash, MinHashLSH
lsh = MinHashLSH(num_perm=112, params=(14, 8))
for n, t in enumerate(texts):
    w = t.split(); m = MinHash(num_perm=112)
    m.update_batch([" ".join(w[i:i+5]).encode() for i in range(max(1, len(w) - 4))])
    f = lsh.query(m); print(f[0] if f else n); lsh.insert(n, m)
""",
    "rensa": """
from rensa import RMinHash, RMinHashLSH
lsh = RMinHashLSH(threshold=0.8, num_perm=112, num_bands=14)
for n, t in enumerate(texts):
    w = t.split(); m = RMinHash(num_perm=112, seed=42)
    m.update([" ".join(w[i:i+5]) for i in range(max(1, len(w) - 4))])
    f = lsh.query(m); print(f[0] if f else n); lsh.insert(n, m)
""",
    "presidio": """
import ipaddress
from presidio_analyzer.predefined_recognizers import (CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer)
use = [(EmailRecognizer(), "EMAIL_ADDRESS", "EMAIL"), (CreditCardRecognizer(), "CREDIT_CARD", "CARD"), (IbanRecognizer(), "IBAN_CODE", "IBAN"), (IpRecognizer(), "IP_ADDRESS", "IP"), (PhoneRecognizer(), "PHONE_NUMBER", "PHONE")]
def public(v):
    try: return ipaddress.ip_address(v.split("/")[0].split("%")[0]).is_global
    except ValueError: return False
for t in texts:
    out = []
    for r, entity, kind in use:
        for f in r.analyze(t, [entity], None) or []:
            v = t[f.start:f.end]
            if kind != "IP" or public(v): out.append((kind, v))
    print(json.dumps(out))
""",
}


def run(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout.splitlines(), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name, command, texts, folder):
    files = []
    for part, some in (("few", texts[:10]), ("all", texts)):
        files.append(folder / f"{part}.jsonl")
        files[-1].write_text("".join(json.dumps(text) + "\n" for text in some))
    _, few = run(command(files[0]))
    lines, all_of_them = run(command(files[1]))
    seconds = max(all_of_them - few, 0.005)
    print(f"| {name} | {len(texts)} | {seconds:.2f} | {len(texts) / seconds:,.0f} |", end=" ")
    return [json.loads(line) for line in lines]


def peer(name):
    head = "import json, sys, warnings, logging\nwarnings.simplefilter('ignore')\nlogging.disable()\ntexts = [json.loads(l) for l in open(sys.argv[1])]\n"
    return lambda path: [sys.executable, "-c", head + PEER[name], str(path)]


def recorded(samples):
    texts = []
    for path in sorted(pathlib.Path(samples, "discourse/urho3d/raw").iterdir()):
        texts += path.read_text().split("-------------------------\n")
    return [text for text in texts if text.strip()]


def main():
    binary = sys.argv[1]
    ours = lambda what: lambda path: [binary, what, str(path)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        texts = posts(POSTS)
        print("| near duplicates | texts | CPU s | texts a CPU second | copies found |\n|---|---|---|---|---|")
        for name, command in (("text-hygiene", ours("dedup")), ("datasketch", peer("datasketch")), ("rensa", peer("rensa"))):
            found = measure(name, command, texts, folder)
            print(f"{sum(one != at for at, one in enumerate(found))} of {POSTS // 10} |")
        cases = planted(PLANTED)
        print("\n| planted | texts | CPU s | texts a CPU second | found | false |\n|---|---|---|---|---|---|")
        for name, command in (("text-hygiene", ours("find")), ("presidio", peer("presidio"))):
            found = measure(name, command, [text for text, _, _ in cases], folder)
            right = sum([kind, value] in one for (_, kind, value), one in zip(cases, found) if kind)
            false = sum(len([hit for hit in one if hit != [kind, value]]) for (_, kind, value), one in zip(cases, found))
            print(f"{right} of {sum(kind is not None for _, kind, _ in cases)} | {false} |")
        if len(sys.argv) > 2:
            texts = recorded(sys.argv[2])
            print("\n| recorded posts | texts | CPU s | texts a CPU second | hits |\n|---|---|---|---|---|")
            for name, command in (("text-hygiene", ours("find")), ("presidio", peer("presidio"))):
                found = measure(name, command, texts, folder)
                print(f"{sum(map(len, found))} |")


main()
