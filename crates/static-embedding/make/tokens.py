"""Write the recorded answers of the real tokenizer for tests/it/tokens.rs: `python make/tokens.py`.

Texts of our own stand in tests/fixtures/texts.txt; BLOCKS of 20 texts are made of vocabulary and of random characters of
many scripts by `text(n)`, which tests/it/tokens.rs does in the same way. Of a block only the checksum of its numbers is
kept; `--text N` prints a text and its numbers.
"""

import argparse
import json
import pathlib

import make_table
import teacher

FIXTURES = pathlib.Path(__file__).parent.parent / "tests" / "fixtures"
BLOCKS, BLOCK = 2000, 20
# First and last character; what is no character (surrogates) becomes a space.
RANGES = [
    (0x20, 0x7E), (0x00, 0x2F), (0x7F, 0xFF), (0xC0, 0x24F), (0x250, 0x36F), (0x300, 0x345), (0x370, 0x3FF), (0x400, 0x52F),
    (0x530, 0x5FF), (0x600, 0x6FF), (0x700, 0x8FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1000, 0x13FF), (0x1400, 0x1CFF),
    (0x1D00, 0x1FFF), (0x2000, 0x20FF), (0x2100, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x30FF), (0x3100, 0x33FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xD700, 0xF8FF), (0xF900, 0xFFFF),
    (0x10000, 0x11FFF), (0x12000, 0x1FFFF), (0x1F300, 0x1FAFF), (0x20000, 0x2FFFF), (0x2B700, 0x2B9FF), (0x2CE00, 0x2FA1F),
    (0xE0000, 0xE01EF), (0x0, 0x10FFFF),
]


class Random:
    """64-bit steps that are easily done in any language."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def text(n, pieces):
    random, out = Random(n), ""
    for _ in range(1 + random.below(10)):
        kind = random.below(4)
        if kind < 2:
            out += pieces[999 + random.below(len(pieces) - 999)].removeprefix("##")
        else:
            first, last = RANGES[random.below(len(RANGES))]
            for _ in range(1 + random.below(6 if kind == 2 else 40)):
                c = first + random.below(last - first + 1)
                out += " " if 0xD800 <= c < 0xE000 else chr(c)
                if random.below(8) == 0:
                    out += "aÉ1 "[random.below(4)]
        if random.below(3) > 0:
            out += " "
    return out


def checksum(sum_, ids):
    """FNV-1a over the numbers, each text ended by 2**32 - 1."""
    for number in [*ids, 2**32 - 1]:
        for byte in number.to_bytes(4, "little"):
            sum_ = (sum_ ^ byte) * 0x100000001B3 % 2**64
    return sum_


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=int, help="print this text and its numbers, and write nothing")
    asked = parser.parse_args()
    pieces, real = make_table.vocabulary(), teacher.tokenizer()
    ids = lambda s: real.encode(s, add_special_tokens=False).ids
    if asked.text is not None:
        made = text(asked.text, pieces)
        print(json.dumps(made), ids(made))
        return
    own = [json.loads(line) for line in (FIXTURES / "texts.txt").read_text("utf-8").splitlines()]
    with open(FIXTURES / "tokens.txt", "w") as out:
        for one in own:
            print(*ids(one), file=out)
    with open(FIXTURES / "blocks.txt", "w") as out:
        for block in range(BLOCKS):
            sum_ = 0xCBF29CE484222325
            for n in range(block * BLOCK, (block + 1) * BLOCK):
                sum_ = checksum(sum_, ids(text(n, pieces)))
            print(f"{sum_:016x}", file=out)


if __name__ == "__main__":
    main()
