"""Measure tables beside the model that they come from: `python make/measure.py TEXTS`, a text a line (50,000 are enough).

Pairs: how far the cosines of a table go with the model's (Spearman), over 2,000 pairs drawn at random and 2,000 of a text
and one of its fifty nearest by the model. Known items: 1,000 queries, each of four words drawn from a text and left in their
order; a query's item is its text. The model needs some 2 ms of CPU a token; `--teacher FILE` keeps its vectors.
"""

import argparse
import pathlib
import random

import make_table
import numpy as np
import teacher
from scipy.stats import spearmanr

PAIRS, QUERIES = 2000, 1000


def embedded(rows, texts):
    """(texts, dimension) by a table of vectors, (pieces, dimension)."""
    out = np.zeros((len(texts), rows.shape[1]), np.float32)
    for at, encoded in enumerate(teacher.tokenizer().encode_batch(texts, add_special_tokens=False)):
        out[at] = rows[encoded.ids].sum(0)
    lengths = np.linalg.norm(out, axis=1, keepdims=True)
    return out / np.where(lengths == 0, 1, lengths)


def queries(texts):
    draw = random.Random(11)
    items = draw.sample([i for i, text in enumerate(texts) if len(text.split()) >= 6], QUERIES)
    out = []
    for item in items:
        words = texts[item].split()
        out.append(" ".join(words[i] for i in sorted(draw.sample(range(len(words)), 4))))
    return items, out


def pairs(vectors):
    draw = np.random.default_rng(5)
    a, b = draw.integers(0, len(vectors), (2, 2 * PAIRS))
    for i in range(PAIRS):
        near = np.argpartition(-(vectors @ vectors[a[i]]), 51)[:51]
        b[i] = draw.choice(near[near != a[i]])
    return a, b


def line(name, items, model, documents, asked):
    of_model, of_documents = ((v[model["a"]] * v[model["b"]]).sum(1) for v in (model["documents"], documents))
    near, far = (spearmanr(of_model[part], of_documents[part])[0] for part in (slice(PAIRS), slice(PAIRS, None)))
    ranks = []
    for item, query in zip(items, asked):
        likeness = documents @ query
        own = likeness[item]
        # Equal texts share their places.
        ranks.append(1 + (likeness > own).sum() + ((likeness == own).sum() - 1) / 2)
    ranks = np.array(ranks)
    both = spearmanr(of_model, of_documents)[0]
    mrr = np.where(ranks <= 10, 1 / ranks, 0).mean()
    print(f"| {name} | {both:.3f} | {far:.3f} | {near:.3f} | {mrr:.3f} | {(ranks <= 10).mean():.3f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=pathlib.Path, help="a text a line")
    parser.add_argument("--teacher", type=pathlib.Path, help="keep the model's vectors in this file (.npz)")
    parser.add_argument("--states", type=pathlib.Path, help="the file of make_table.py: other dimensions are measured too")
    parser.add_argument("--table", type=pathlib.Path, default=make_table.HERE.parent / "data" / "minilm-256.table")
    asked = parser.parse_args()
    texts = asked.texts.read_text("utf-8").split("\n")[:-1]
    items, questions = queries(texts)
    if asked.teacher and asked.teacher.exists():
        held = np.load(asked.teacher)
        documents, vectors = held["documents"], held["queries"]
    else:
        model = teacher.Teacher()
        documents, vectors = model.embed(texts), model.embed(questions)
        if asked.teacher:
            np.savez(asked.teacher, documents=documents, queries=vectors)
    a, b = pairs(documents)
    model = {"documents": documents, "a": a, "b": b}
    print("| | all pairs | random pairs | near pairs | MRR@10 | recall@10 |\n|---|---|---|---|---|---|")
    line("all-MiniLM-L6-v2", items, model, documents, vectors)
    line(asked.table.name, items, model, *(embedded(make_table.read(asked.table), some) for some in (texts, questions)))
    if asked.states:
        states, pieces = np.load(asked.states), make_table.vocabulary()
        for dimension in (64, 128, 256, 384):
            exact = make_table.table(states, pieces, dimension, make_table.SEED)
            scales, cells = make_table.rounded(exact)
            for name, rows in (("f32", exact), ("int8", scales[:, None] * cells)):
                rows = rows.astype(np.float32)
                line(f"{dimension}, {name}", items, model, embedded(rows, texts), embedded(rows, questions))


if __name__ == "__main__":
    main()
