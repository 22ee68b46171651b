"""`llm-evaluator evaluate` against scikit-learn: the same figures on the same random data.

Needs scikit-learn and pytest. GLEANER_BIN_DIR names the folder of the built programs (default: target/debug).
"""

import json
import math
import os
import pathlib
import random
import subprocess
import warnings

import numpy
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    hamming_loss,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug")) / "llm-evaluator"
NAMES = ["Sums", "Code", "Stars & <b>Moons</b>", "Law", "Never"]

LABELS = """
name = "task"
about = "For a test"
kind = "labels"
most = {most}
{labels}
[output]
names = "names"
ids = "ids"
answer = "how"
[[response]]
name = "confidence"
type = "number"
min = 0
max = 1
description = "How sure."
[fields]
text = 100
[prompt]
system = "{{labels}}"
user = "{{record_id}} {{text}}"
"""

FILTER = """
name = "task"
about = "For a test"
kind = "filter"
[filter]
field = "is_related"
description = "It is."
[[response]]
name = "confidence"
type = "number"
min = 0
max = 1
description = "How sure."
[[response]]
name = "quality_score"
type = "integer"
min = 1
max = 10
description = "How good."
[[response]]
name = "topics"
type = "choices"
choices = ["a", "b", "c"]
description = "What about."
[output]
object = "found"
[fields]
text = 100
[prompt]
system = "{answer_form}"
user = "{record_id} {text}"
"""


def labels_task(most):
    entry = '[[labels]]\nid = {}\nname = "{}"\ndescription = "d"\n'
    return LABELS.format(most=most, labels="".join(entry.format(n + 1, name) for n, name in enumerate(NAMES)))


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def evaluate(folder, task, gold, answers, *more):
    (folder / "task.toml").write_text(task)
    write(folder / "gold.jsonl", gold)
    write(folder / "answers.jsonl", answers)
    words = [PROGRAM, "evaluate", folder / "task.toml", folder / "gold.jsonl", *more, "--json", "-"]
    if "--compare" not in more:
        words += ["--labels", folder / "answers.jsonl"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same(ours, theirs, what=""):
    if theirs is None or (isinstance(theirs, float) and math.isnan(theirs)):
        assert ours is None, f"{what}: {ours} is not undefined"
    else:
        assert ours == pytest.approx(float(theirs), abs=1e-12), what


def check(scores, wanted, answered, many):
    """Both as lists of lists of places."""
    table = lambda rows: numpy.array([[int(n in row) for n in range(len(NAMES))] for row in rows])
    right, given = table(wanted), table(answered)
    options = {"labels": list(range(len(NAMES))), "zero_division": numpy.nan}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, support = precision_recall_fscore_support(right, given, average=None, **options)
        matrices = multilabel_confusion_matrix(right, given)
        for place, label in enumerate(scores["labels"]):
            assert label["label"] == NAMES[place]
            same(label["precision"], precision[place], f"precision of {place}")
            same(label["recall"], recall[place], f"recall of {place}")
            same(label["f1"], f1[place], f"f1 of {place}")
            assert label["support"] == support[place]
            ((tn, fp), (fn, tp)) = matrices[place]
            found = [label[f"{name}s"] for name in ("true_negative", "false_positive", "false_negative", "true_positive")]
            assert found == [tn, fp, fn, tp]
        for average in ("micro", "macro", "weighted"):
            theirs = precision_recall_fscore_support(right, given, average=average, **options)
            for name, figure in zip(("precision", "recall", "f1"), theirs):
                same(scores[average][name], figure, f"{average} {name}")
    same(scores["subset_accuracy"], accuracy_score(right, given))
    same(scores["label_accuracy"], 1 - hamming_loss(right, given))
    assert scores["rows"] == len(wanted)
    if not many:
        place = lambda rows: [row[0] if row else len(NAMES) for row in rows]
        matrix = confusion_matrix(place(wanted), place(answered), labels=range(len(NAMES) + 1))
        assert scores["confusion"] == matrix[: len(NAMES)].tolist()


def answers_of(dice, wanted, many):
    """Answers that are right often; NAMES[4] is never wanted and rarely answered."""
    found = set(wanted)
    if dice.random() < 0.4:
        found ^= {dice.randrange(len(NAMES))}
    if not many:
        found = set(list(found)[-1:])
    return sorted(found) or [dice.randrange(4)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("many", [True, False])
def test_labels_score_as_in_scikit_learn(tmp_path, seed, many):
    dice = random.Random(seed)
    gold, answers, pairs = [], [], []
    for n in range(dice.choice([3, 40, 300])):
        wanted = sorted(dice.sample(range(4), dice.randint(1, 3) if many else 1))
        gold.append({"id": f"o/{n}", "gold": [NAMES[place] for place in wanted]})
        if dice.random() < 0.1:
            pairs.append((wanted, None))
            continue
        found = answers_of(dice, wanted, many)
        confidence = dice.choice([dice.random(), 0.1, 0.3, 0.7, 1.0, 0.0])
        how = {"cost_usd": 0.25, "prompt_tokens": 100, "completion_tokens": 10}
        answers.append(
            {"id": f"o/{n}", "names": [NAMES[place] for place in found], "confidence": confidence, "how": how}
        )
        pairs.append((wanted, found, confidence))
    dice.shuffle(answers)
    whole = evaluate(tmp_path, labels_task(5 if many else 1), gold, answers)
    (report,) = whole["reports"]
    (aspect,) = report["aspects"]
    answered = [pair for pair in pairs if pair[1] is not None]
    check(aspect["answered"], [pair[0] for pair in answered], [pair[1] for pair in answered], many)
    check(aspect["all"], [pair[0] for pair in pairs], [pair[1] or [] for pair in pairs], many)
    assert report["coverage"]["answered"] == len(answered)
    assert report["coverage"]["labelled"] == len(pairs)
    same(report["cost"]["dollars"]["sum"], 0.25 * len(answered))
    check_calibration(report["calibration"], answered)
    check_labels_sweep(report["sweeps"], pairs)


def check_calibration(ours, answered):
    right = numpy.array([int(pair[0] == pair[1]) for pair in answered])
    sure = numpy.array([pair[2] for pair in answered])
    same(ours["brier"], brier_score_loss(right, sure, pos_label=1))
    if len(set(right)) == 2:
        shares, means = calibration_curve(right, sure, n_bins=10, strategy="uniform")
        bins = [found for found in ours["bins"] if found["answers"]]
        assert len(bins) == len(shares)
        for found, share, mean in zip(bins, shares, means):
            same(found["right"], share)
            same(found["confidence"], mean)
    # Expected calibration error, as Guo et al. 2017 define it.
    error = 0
    for low in range(10):
        here = (sure > low / 10) & (sure <= (low + 1) / 10) | ((sure == 0) & (low == 0))
        if here.any():
            error += here.sum() / len(sure) * abs(right[here].mean() - sure[here].mean())
    same(ours["expected_calibration_error"], error)


def check_labels_sweep(sweeps, pairs):
    (sweep,) = sweeps
    table = lambda rows: numpy.array([[int(n in row) for n in range(len(NAMES))] for row in rows])
    for point in sweep["points"]:
        counts = [pair[1] if pair[1] is not None and pair[2] >= point["threshold"] else None for pair in pairs]
        assert point["kept"] == sum(found is not None for found in counts)
        precision, recall, f1, _ = precision_recall_fscore_support(
            table([pair[0] for pair in pairs]),
            table([found or [] for found in counts]),
            average="micro",
            zero_division=numpy.nan,
        )
        for name, figure in (("precision", precision), ("recall", recall), ("f1", f1)):
            same(point[name], figure, f"{name} at {point['threshold']}")


@pytest.mark.parametrize("seed", range(4))
def test_filters_score_as_in_scikit_learn(tmp_path, seed):
    dice = random.Random(seed)
    gold, answers, rows = [], [], []
    for n in range(200):
        wanted = dice.random() < 0.4
        gold.append({"id": f"o/{n}", "gold": {"is_related": wanted, "topics": dice.sample("abc", dice.randint(0, 3))}})
        if dice.random() < 0.05:
            rows.append((wanted, None, 0, 0))
            continue
        related = wanted if dice.random() < 0.8 else not wanted
        confidence, quality = round(dice.random(), 2), dice.randint(1, 10)
        found = {"is_related": related, "confidence": confidence, "quality_score": quality, "topics": dice.sample("abc", 1)}
        answers.append({"id": f"o/{n}", "found": found})
        rows.append((wanted, related, confidence, quality))
    (report,) = evaluate(tmp_path, FILTER, gold, answers)["reports"]
    related, topics = report["aspects"]
    assert (related["name"], topics["name"]) == ("is_related", "topics")
    answered = [row for row in rows if row[1] is not None]
    right, given = [row[0] for row in answered], [row[1] for row in answered]
    precision, recall, f1, support = precision_recall_fscore_support(right, given, labels=[True, False])
    for place in range(2):
        label = related["answered"]["labels"][place]
        same(label["precision"], precision[place])
        same(label["recall"], recall[place])
        same(label["f1"], f1[place])
        assert label["support"] == support[place]
    matrix = confusion_matrix(right, given, labels=[True, False])
    assert [line[:2] for line in related["answered"]["confusion"]] == matrix.tolist()
    confidence, quality = report["sweeps"]
    assert (confidence["by"], quality["by"]) == ("confidence", "quality_score")
    for sweep, place in ((confidence, 2), (quality, 3)):
        for point in sweep["points"]:
            through = [bool(row[1]) and row[place] >= point["threshold"] for row in rows]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                precision, recall, f1, _ = precision_recall_fscore_support(
                    [row[0] for row in rows], through, average="binary", pos_label=True, zero_division=numpy.nan
                )
            same(point["precision"], precision, f"at {point['threshold']}")
            same(point["recall"], recall)
            same(point["f1"], f1)
            assert point["kept"] == sum(through)


def test_the_bootstrap_interval_is_that_of_numpy(tmp_path):
    dice = random.Random(5)
    gold, sides = [], ([], [])
    for n in range(150):
        wanted = [dice.randrange(4)]
        gold.append({"id": f"o/{n}", "gold": [NAMES[wanted[0]]]})
        for side, skill in zip(sides, (0.6, 0.8)):
            found = wanted if dice.random() < skill else [dice.randrange(4)]
            side.append({"id": f"o/{n}", "names": [NAMES[found[0]]]})
    write(tmp_path / "a.jsonl", sides[0])
    write(tmp_path / "b.jsonl", sides[1])
    more = ["--compare", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--resamples", "4000"]
    whole = evaluate(tmp_path, labels_task(1), gold, [], *more)
    comparison = whole["comparison"]
    again = evaluate(tmp_path, labels_task(1), gold, [], *more)
    assert again == whole, "the same seed, the same intervals"
    other = evaluate(tmp_path, labels_task(1), gold, [], *more, "--seed", "2")
    assert other["comparison"]["differences"] != comparison["differences"]
    right = [
        numpy.array([row["names"] == truth["gold"] for row, truth in zip(side, gold)], dtype=float) for side in sides
    ]
    accuracy = comparison["differences"][0]
    same(accuracy["difference"], (right[1] - right[0]).mean())
    drawn = numpy.random.default_rng(0).integers(0, 150, (20000, 150))
    low, high = numpy.quantile((right[1] - right[0])[drawn].mean(axis=1), [0.025, 0.975])
    # Two bootstraps of a step function differ by a step or so.
    assert accuracy["low"] == pytest.approx(low, abs=0.014)
    assert accuracy["high"] == pytest.approx(high, abs=0.014)
    tested = comparison["mcnemar"]
    assert tested["only_a"] == int(((right[0] == 1) & (right[1] == 0)).sum())
    from scipy.stats import binomtest

    same(tested["p_value"], binomtest(tested["only_a"], tested["only_a"] + tested["only_b"]).pvalue)


class Claims(ClassifierMixin, BaseEstimator):
    """A classifier whose decision is what was claimed, so that scikit-learn's sigmoid is fitted to it."""

    def fit(self, claims, rights):
        self.classes_ = numpy.array([0, 1])
        return self

    def decision_function(self, claims):
        return claims[:, 0]

    def predict(self, claims):
        return (claims[:, 0] > 0.5).astype(int)


@pytest.mark.parametrize("seed", range(4))
def test_fitted_curves_are_those_of_scikit_learn(tmp_path, seed):
    dice = random.Random(seed)
    gold, answers, claims, rights = [], [], [], []
    for n in range(dice.choice([60, 400])):
        # Surer than it is right to be, with many equal claims.
        claim = dice.choice([dice.random(), 0.5, 0.9, 0.95])
        right = dice.random() < 0.2 + 0.6 * claim * claim
        wanted = dice.randrange(4)
        gold.append({"id": f"o/{n}", "gold": [NAMES[wanted]]})
        answers.append({"id": f"o/{n}", "names": [NAMES[wanted if right else (wanted + 1) % 4]], "confidence": claim})
        claims.append(claim)
        rights.append(int(right))
    (report,) = evaluate(tmp_path, labels_task(1), gold, answers)["reports"]
    fitted = report["calibration"]["fitted"]
    claims, rights = numpy.array(claims), numpy.array(rights)

    theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(claims, rights)
    xs, ys = numpy.array(fitted["isotonic"]["points"]).T
    asked = numpy.linspace(0, 1, 101)
    assert numpy.interp(asked, xs, ys) == pytest.approx(theirs.predict(asked), abs=1e-9)

    sigmoid = CalibratedClassifierCV(FrozenEstimator(Claims().fit(claims, rights)), method="sigmoid", ensemble=False)
    sigmoid.fit(claims.reshape(-1, 1), rights)
    platt = 1 / (1 + numpy.exp(fitted["platt"]["a"] * asked + fitted["platt"]["b"]))
    assert platt == pytest.approx(sigmoid.predict_proba(asked.reshape(-1, 1))[:, 1], abs=1e-3)

    # On rows that they did not see, both are better than what was claimed.
    for curve in ("isotonic", "platt"):
        assert fitted["held_out"][curve]["brier"] < report["calibration"]["brier"] + 0.02


def test_intervals_of_shares_are_wilsons_and_the_threshold_is_the_lowest_that_holds_the_wish(tmp_path):
    dice = random.Random(3)
    gold, answers, rows = [], [], []
    for n in range(400):
        claim = round(dice.random(), 3)
        right = dice.random() < claim
        wanted = dice.randrange(4)
        sampled = "random" if n % 2 == 0 else "uncertain"
        gold.append({"id": f"o/{n}", "gold": [NAMES[wanted]], "sampled": sampled})
        answers.append({"id": f"o/{n}", "names": [NAMES[wanted if right else (wanted + 1) % 4]], "confidence": claim})
        rows.append((claim, right, sampled))
    (report,) = evaluate(tmp_path, labels_task(1), gold, answers, "--precision", "0.7")["reports"]

    def low_and_high(part, whole):
        from scipy.stats import binomtest

        found = binomtest(part, whole).proportion_ci(method="wilson")
        return found.low, found.high

    random_rows = [row for row in rows if row[2] == "random"]
    headline = report["headline"]
    assert (headline["of"], headline["rows"]) == ("random", 200)
    accuracy = headline["subset_accuracy"]
    same(accuracy["value"], numpy.mean([row[1] for row in random_rows]))
    low, high = low_and_high(sum(row[1] for row in random_rows), 200)
    same(accuracy["interval"]["low"], low)
    same(accuracy["interval"]["high"], high)

    (chosen,) = report["thresholds"]
    assert chosen["rows"] == "random"
    holds = []
    for claim in sorted({row[0] for row in random_rows}):
        above = [row[1] for row in random_rows if row[0] >= claim]
        if low_and_high(sum(above), len(above))[0] >= 0.7:
            holds.append(claim)
    same(chosen["threshold"], min(holds))


def test_the_gate_is_on_the_headline(tmp_path):
    gold = [{"id": f"o/{n}", "gold": [NAMES[0]], "sampled": "random"} for n in range(20)]
    gold += [{"id": f"o/{n}", "gold": [NAMES[0]], "sampled": "uncertain"} for n in range(20, 40)]
    # Right on the random rows, wrong on the others.
    answers = [{"id": f"o/{n}", "names": [NAMES[0 if n < 20 else 1]]} for n in range(40)]
    (tmp_path / "task.toml").write_text(labels_task(1))
    write(tmp_path / "gold.jsonl", gold)
    write(tmp_path / "answers.jsonl", answers)

    def code(gate):
        words = ["evaluate", "task.toml", "gold.jsonl", "--labels", "answers.jsonl", "--gate", gate]
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stderr

    assert code("micro_f1>=0.95")[0] == 0
    failed, said = code("micro_f1.low>=0.95")
    assert failed == 1 and "the low end of the interval of micro_f1 is" in said, said
    assert code("micro_f1")[0] == 2
