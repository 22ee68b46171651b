"""Make the shipped table of vectors: `just static-embedding`.

Each piece of the vocabulary goes through all-MiniLM-L6-v2 alone, as `[CLS] piece [SEP]`; the last state of the piece,
twice, and that of `[CLS]`, once, are its vector. Principal components cut it to --dimension and are scaled towards equal
variance (WHITENING), a weight of log(1 + rank) makes frequent pieces count less (the vocabulary is sorted by how frequent they
are), a random rotation by --seed spreads what variance is left over all dimensions, so that one bit of each tells as much as
of any other, and each row is rounded to int8 with a scale of its own. docs/static-embedding.md has what other choices gave.

Rounding differs between machines by one in a few cells, since matrix products do: the committed file is the reference, and
the script tells how many cells differ from it.
"""

import argparse
import hashlib
import json
import pathlib
import struct

import numpy as np
import teacher

HERE = pathlib.Path(__file__).parent
# Of the exponent that makes all variances equal (1) or leaves them as they are (0).
WHITENING = 0.6
SEED = 20261126
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused")


def vocabulary():
    held = json.loads(teacher.file("tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    pieces = sorted(held, key=held.get)
    assert [held[p] for p in pieces] == list(range(len(pieces))) and not any("\n" in p for p in pieces)
    return pieces


def states(count):
    """(pieces, 384): of `[CLS] piece [SEP]` the state of the piece, twice, and of `[CLS]`."""
    model, out = teacher.Teacher(), np.empty((count, teacher.HIDDEN), np.float32)
    for at in range(0, count, 256):
        ids = np.arange(at, min(at + 256, count))
        whole = np.stack([np.full_like(ids, 101), ids, np.full_like(ids, 102)], 1)
        last = model.states(whole)
        out[ids] = 2 * last[:, 1] + last[:, 0]
        print(f"\r{at} of {count} pieces", end="", flush=True)
    print()
    return out


def table(vectors, pieces, dimension, seed):
    """(pieces, dimension), f32: what is rounded. Special pieces are zero: no text has them."""
    real = np.array([not p.startswith(SPECIAL) for p in pieces])
    x = vectors.astype(np.float64)
    x -= x[real].mean(0)
    variances, directions = np.linalg.eigh(np.cov(x[real].T, bias=True))
    # An eigenvector may point either way: its largest part is made positive.
    directions = directions * np.sign(directions[np.abs(directions).argmax(0), np.arange(directions.shape[1])])
    x = x @ directions[:, ::-1][:, :dimension] / variances[::-1][:dimension] ** (WHITENING / 2)
    rank = np.cumsum(real)
    x *= (np.log(1 + rank) * real)[:, None]
    rotation, r = np.linalg.qr(np.random.Generator(np.random.PCG64(seed)).standard_normal((dimension, dimension)))
    # The factorisation leaves signs open.
    return x @ (rotation * np.sign(np.diag(r)))


def rounded(x):
    """Scales (pieces,) and cells (pieces, dimension)."""
    scales = (np.abs(x).max(1) / 127).astype("<f4")
    return scales, np.rint(x / np.where(scales == 0, 1, scales)[:, None]).astype("i1")


def written(pieces, scales, cells):
    spelled = "".join(p + "\n" for p in pieces).encode()
    head = struct.pack("<8s4I", b"GLEANEMB", 1, cells.shape[1], len(pieces), len(spelled))
    content = head + spelled + scales.tobytes() + cells.tobytes()
    return content + hashlib.sha256(content).digest()


def read(path):
    """(pieces, dimension), f32, of a written table."""
    held = path.read_bytes()
    _, _, dimension, count, spelled = struct.unpack_from("<8s4I", held)
    at = 24 + spelled
    scales = np.frombuffer(held, "<f4", count, at)
    return scales[:, None] * np.frombuffer(held, "i1", count * dimension, at + 4 * count).reshape(count, dimension)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimension", type=int, default=256, help="numbers a vector; 384 is all that the model has")
    parser.add_argument("--seed", type=int, default=SEED, help="of the rotation")
    parser.add_argument("--states", help="keep what the model says in this file (.npy), and take it from there")
    parser.add_argument("--out", default=HERE.parent / "data" / "minilm-256.table", type=pathlib.Path)
    asked = parser.parse_args()
    pieces = vocabulary()
    kept = pathlib.Path(asked.states) if asked.states else None
    vectors = np.load(kept) if kept and kept.exists() else states(len(pieces))
    if kept and not kept.exists():
        np.save(kept, vectors)
    scales, cells = rounded(table(vectors, pieces, asked.dimension, asked.seed))
    made = written(pieces, scales, cells)
    if asked.out.exists():
        old = asked.out.read_bytes()
        differ = sum(a != b for a, b in zip(old[-32 - cells.size : -32], made[-32 - cells.size : -32]))
        same_size = len(old) == len(made)
        print(f"{differ} of {cells.size} cells differ from the file that was there" if same_size else "it had another size")
    asked.out.write_bytes(made)
    print(asked.out, len(made), "bytes, SHA-256 of the table", made[-32:].hex(), "of the file", hashlib.sha256(made).hexdigest())


if __name__ == "__main__":
    main()
