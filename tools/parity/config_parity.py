#!/usr/bin/env python3
"""What config.json means, against transformers, on configs drawn at random.

For every supported model_type, configs are drawn key by key: sizes, tied or
not, biases, activations, windows and layer lists, head widths, every kind of
rope in the layouts of transformers 4 and 5, and keys that only other families
read. transformers makes a tiny random model of each, `veer logits` reads the
folder, and the logits (fp32, eager) must agree within 1e-5 of the largest, or
within four times of what one rounding of the embedding changes.

A config may also be refused, by transformers or by Veer, both with a message.
What must not happen is another number without a word: any such config fails
the run and is kept in the folder that --keep names.
"""
import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import torch  # noqa: E402
import transformers  # noqa: E402
from family_models import (  # noqa: E402
    MULTIMODAL, Reference, relative, write_model)
from family_parity import VEER  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers.models.auto.modeling_auto import (  # noqa: E402
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)

LIMIT = 1e-5
TYPES = ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text",
         "gemma3", "phi3", "olmo2"]
VOCABULARY = 83
FULL, SLIDING = "full_attention", "sliding_attention"


class Draw:
    """Keys of one config, drawn with a seeded generator."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, share):
        return self.rng.random() < share

    def maybe(self, keys, name, share, *choices):
        """Sets a key now and then; what is not set takes the default."""
        if self.chance(share):
            keys[name] = self.one(*choices)

    def sizes(self, keys):
        heads = self.one(1, 2, 3, 4, 4, 6)
        keys.update(
            vocab_size=VOCABULARY, hidden_size=heads * self.one(4, 6, 8, 10),
            intermediate_size=self.one(16, 24, 40),
            num_hidden_layers=self.one(1, 2, 3, 4), num_attention_heads=heads,
            bos_token_id=1, eos_token_id=2, pad_token_id=0)
        self.maybe(keys, "max_position_embeddings", 0.9, 16, 32, 64, 128)
        divisors = [d for d in range(1, heads + 1) if heads % d == 0]
        if keys["model_type"] in ("mistral", "qwen2", "qwen3", "gemma2",
                                  "gemma3_text") or self.chance(0.7):
            keys["num_key_value_heads"] = self.rng.choice(divisors)
        self.maybe(keys, "head_dim", 0.6, 4, 6, 8, 12, 16)
        if keys["model_type"] in ("gemma2", "gemma3_text", "qwen3"):
            keys.setdefault("head_dim", 8)

    def parts(self, keys):
        self.maybe(keys, "rms_norm_eps", 0.7, 1e-6, 1e-5, 1e-3, 1e-2)
        self.maybe(keys, "tie_word_embeddings", 0.7, True, False)
        for name in ("hidden_act", "hidden_activation"):
            self.maybe(keys, name, 0.3, "silu", "gelu", "gelu_pytorch_tanh",
                       "gelu_new", "swish", "relu", "gelu_fast", "quick_gelu")
        for name in ("attention_bias", "mlp_bias"):
            self.maybe(keys, name, 0.4, True, False)
        gemma = keys["model_type"].startswith("gemma")
        for name in ("attn_logit_softcapping", "final_logit_softcapping"):
            self.maybe(keys, name, 0.5 if gemma else 0.15, 2.0, 5.0, 30.0, None)
        self.maybe(keys, "query_pre_attn_scalar", 0.6 if gemma else 0.1,
                   4, 12, 64)

    def windows(self, keys):
        own = keys["model_type"] != "llama" and keys["model_type"] != "olmo2"
        self.maybe(keys, "sliding_window", 0.7 if own else 0.2, 3, 9, 17, None)
        self.maybe(keys, "use_sliding_window",
                   0.7 if keys["model_type"].startswith("qwen") else 0.1,
                   True, True, False)
        self.maybe(keys, "max_window_layers", 0.4, 0, 1, 2, 28)
        self.maybe(keys, "sliding_window_pattern", 0.3, 1, 2, 3, 6)
        if self.chance(0.3 if own else 0.1):
            keys["layer_types"] = [
                self.one(FULL, SLIDING)
                for _ in range(keys["num_hidden_layers"])]

    def rope(self, keys):
        """One set of rotary keys; not every one of them is complete."""
        rope = {}
        kind = self.one("default", "linear", "llama3", "yarn", "longrope",
                        "dynamic", "proportional")
        if keys["model_type"] == "phi3":
            kind = self.one("default", "longrope", "longrope", "longrope",
                            "su", "yarn", "linear")
        name = "rope_type" if self.chance(0.6) else "type"
        if kind != "default" or self.chance(0.5):
            rope[name] = kind
        self.maybe(rope, "rope_theta", 0.5, 100.0, 10000.0, 500000.0)
        self.maybe(rope, "factor", 0.9 if kind not in ("default", "longrope",
                                                       "su") else 0.4,
                   0.5, 1.0, 2.0, 4, 8.0, 32.0)
        self.maybe(rope, "original_max_position_embeddings", 0.6, 8, 16, 32)
        self.maybe(rope, "attention_factor", 0.15, 0.7, 1.3)
        self.maybe(rope, "partial_rotary_factor", 0.15, 0.5, 0.75, 1.0)
        if kind == "llama3":
            rope.update(low_freq_factor=self.one(1.0, 2.0),
                        high_freq_factor=self.one(4.0, 3.0))
        if kind == "yarn":
            self.maybe(rope, "beta_fast", 0.3, 8.0, 32)
            self.maybe(rope, "beta_slow", 0.3, 0.5, 1, 2.0)
            self.maybe(rope, "mscale", 0.3, 0.7, 1.0)
            self.maybe(rope, "mscale_all_dim", 0.3, 0.5, 1.0)
            self.maybe(rope, "truncate", 0.3, True, False)
        if kind in ("longrope", "su", "yarn"):
            width = keys.get("head_dim") or (
                keys["hidden_size"] // keys["num_attention_heads"])
            share = rope.get("partial_rotary_factor",
                             keys.get("partial_rotary_factor", 1.0))
            half = int(width * share) // 2
            if kind != "yarn" or keys["model_type"] == "phi3":
                rope["short_factor"] = [
                    round(self.rng.uniform(1, 1.5), 2) for _ in range(half)]
                rope["long_factor"] = [
                    round(self.rng.uniform(1, 4), 2) for _ in range(half)]
        return rope

    def ropes(self, keys):
        self.maybe(keys, "partial_rotary_factor", 0.15, 0.5, 0.75, 1.0)
        self.maybe(keys, "original_max_position_embeddings",
                   0.6 if keys["model_type"] == "phi3" else 0.1, 8, 16, 32)
        self.maybe(keys, "rope_theta", 0.5, 100.0, 10000, 1e6)
        self.maybe(keys, "rope_local_base_freq",
                   0.4 if keys["model_type"] == "gemma3_text" else 0.05,
                   50.0, 10000.0)
        # transformers 4, 5, 5 with one per kind of layer, both, or none.
        layout = self.one("old", "old", "new", "new", "nested", "both", "none",
                          "null", "mixed")
        if layout in ("old", "both"):
            keys["rope_scaling"] = self.rope(keys)
        if layout in ("new", "both"):
            keys["rope_parameters"] = self.rope(keys)
        if layout == "nested":
            keys["rope_parameters"] = {FULL: self.rope(keys),
                                       SLIDING: self.rope(keys)}
            if self.chance(0.3):
                del keys["rope_parameters"][self.one(FULL, SLIDING)]
        if layout == "mixed":
            keys["rope_scaling"] = self.rope(keys)
            keys["rope_parameters"] = {FULL: self.rope(keys),
                                       SLIDING: self.rope(keys)}
        if layout == "null":
            keys[self.one("rope_scaling", "rope_parameters")] = None

    def foreign(self, keys):
        """Keys of other families, and of none."""
        pool = dict(
            is_causal=[True, False, None], use_bidirectional_attention=[False, True],
            clip_qkv=[0.05], embedding_multiplier=[3.0], logits_scaling=[4.0],
            residual_multiplier=[0.3], attention_multiplier=[0.1],
            no_rope_layers=[[0, 1, 1, 1]], no_rope_layer_interval=[2],
            num_experts=[4], num_local_experts=[2], use_qk_norm=[True],
            qk_layernorm=[True], qk_norm=[True], logit_scale=[0.1],
            scale_emb=[12.0], scale_depth=[1.4], dim_model_base=[16],
            attention_chunk_size=[4], attn_temperature_tuning=[True],
            pretraining_tp=[2], use_parallel_residual=[True],
            parallel_attn=[True], alibi=[True], layer_norm_eps=[1e-2],
            norm_eps=[1e-2], layer_norm_epsilon=[1e-2], n_embd=[64],
            n_layer=[1], n_head=[1], num_heads=[1], use_bias=[True],
            qkv_bias=[True], bias=[True], add_bias_linear=[True],
            o_bias=[True], attention_dropout=[0.3], resid_pdrop=[0.4],
            embd_pdrop=[0.5], hidden_dropout=[0.2], hidden_dropout_prob=[0.2],
            rotary_pct=[0.25], rotary_dim=[2], rope_ratio=[2.0],
            rope_interleaved=[True], rotary_emb_base=[77],
            max_window_layers=[1], multi_query=[True], head_size=[2],
            kv_channels=[4], ffn_hidden_size=[99], tie_encoder_decoder=[True],
            attention_layers=[[0]], global_attn_every_n_layers=[2],
            local_attention=[4], sliding_window_size=[3], window_size=[3],
            text_config=[{"hidden_size": 8, "model_type": "llama"}],
            use_cache=[False], output_attentions=[False], temperature=[0.5],
            moe_intermediate_size=[8], first_k_dense_replace=[1],
            layer_scale=[0.5], residual_scale=[0.2], softcap=[3.0],
            logit_softcap=[3.0], attn_logit_softcap=[3.0],
            final_logit_softcap=[2.0], torch_dtype=["float32"],
            dtype=["float32"], per_layer_config=[None], mtp_layer_types=[None],
            tie_weights=[False], scale_embedding=[True], normalize=[True],
            num_nextn_predict_layers=[1], attn_output_gate=[True],
            activation_function=["relu"], _attn_implementation=["eager"],
            auto_map={}, quantization_config=[None])
        for name in self.rng.sample(sorted(pool), self.one(0, 0, 1, 2, 3)):
            if name not in keys and pool[name]:
                keys[name] = self.one(*pool[name])


def config_of(model_type, seed):
    draw = Draw(f"{model_type} {seed}")
    inner = "gemma3_text" if model_type == "gemma3" else model_type
    keys = dict(model_type=inner)
    draw.sizes(keys)
    draw.parts(keys)
    draw.windows(keys)
    draw.ropes(keys)
    draw.foreign(keys)
    if model_type == "gemma3":
        keys = dict(text_config=keys, model_type="gemma3", **MULTIMODAL)
        draw.maybe(keys, "tie_word_embeddings", 0.3, True, False)
        draw.maybe(keys, "vocab_size", 0.1, 7)
    if draw.chance(0.9):
        keys["architectures"] = [MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[model_type]]
    return keys


def texts_of(seed):
    rng = random.Random(seed)
    return [[rng.randrange(3, 80) for _ in range(n)]
            for n in (1, rng.randint(5, 14), rng.randint(36, 44))]


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def farthest(found, exact):
    return max(relative(a, b)["max"] for a, b in zip(found, exact))


def rounding(model, texts, exact):
    """How far transformers' own logits move when each number of the embedding
    is rounded otherwise: some of these models multiply any rounding."""
    weight = model.model.get_input_embeddings().weight
    stored, worst = weight.data, 0.0
    for _ in range(3):
        signs = torch.randn(stored.shape).sign()
        weight.data = stored * (1.0 + signs * 2.0 ** -23)
        worst = max(worst, farthest(
            [model.run(ids)["logits"] for ids in texts], exact))
    return worst


def try_one(folder, model_type, seed):
    """("equal" | "unequal" | "refused by ...", why or by how much)."""
    keys = config_of(model_type, seed)
    texts = texts_of(seed)
    try:
        write_model(folder, keys, torch.float32, seed,
                    embedding_scale=1.0 if seed % 2 else 0.05)
        model = Reference(folder, torch.float32, "eager")
        exact = [model.run(ids)["logits"] for ids in texts]
    except Exception as error:  # noqa: BLE001: it refuses in many ways
        return "refused by transformers", last_line(
            f"{type(error).__name__}: {error}")
    if not all(torch.isfinite(logits).all() for logits in exact):
        return "refused by transformers", "it computes no finite number"
    (folder / "ids.json").write_text(json.dumps(texts))
    done = subprocess.run(
        [VEER, "logits", "--model", folder, "--ids", folder / "ids.json",
         "--out", folder / "out.safetensors", "--threads", "1", "--dtype",
         "float32"], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        return "refused by Veer", last_line(done.stderr)
    if done.returncode != 0:
        return "unequal", f"exit {done.returncode}: {last_line(done.stderr)}"
    ours = load_file(folder / "out.safetensors")
    worst = farthest([ours[f"logits.{n}"] for n in range(len(texts))], exact)
    if worst <= LIMIT or worst <= 4.0 * rounding(model, texts, exact):
        return "equal", f"{worst:.2g}"
    return "unequal", f"{worst:.2g}"


def try_in_folder(model_type, seed, keep):
    """try_one() in a folder of its own, which is kept if it was unequal."""
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        verdict, why = try_one(folder, model_type, seed)
        if verdict == "unequal":
            print(f"UNEQUAL {model_type} {seed}: {why}\n  "
                  + json.dumps(config_of(model_type, seed)), flush=True)
            if keep:
                shutil.copytree(folder, keep / f"{seed}", dirs_exist_ok=True)
        # What differs from config to config is left out of a refusal.
        return verdict, why.replace(str(folder), "")[:110]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", type=int, default=1600,
                        help="over all families (default 1600)")
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", help="one model_type")
    parser.add_argument("--keep", type=pathlib.Path,
                        help="folder for what was unequal")
    parser.add_argument("--reasons", action="store_true",
                        help="list why configs were refused")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    types = [t for t in TYPES if arguments.only in (None, t)]
    print(f"seed {arguments.seed}, transformers {transformers.__version__}")
    counts = {t: collections.Counter() for t in types}
    reasons = collections.Counter()
    done = 0
    try:
        while done < arguments.configs:
            model_type = types[done % len(types)]
            seed = arguments.seed * 100_000 + done
            verdict, why = try_in_folder(model_type, seed, arguments.keep)
            counts[model_type][verdict] += 1
            if verdict.startswith("refused"):
                reasons[verdict, why] += 1
            done += 1
    except KeyboardInterrupt:
        print("stopped")
    if arguments.reasons:
        for (verdict, why), count in reasons.most_common():
            print(f"{count:5} {verdict}: {why}")
    total = collections.Counter()
    for model_type, found in counts.items():
        print(f"{model_type}: " + ", ".join(
            f"{found[verdict]} {verdict}" for verdict in sorted(found)))
        total.update(found)
    print(f"{done} configs: " + ", ".join(
        f"{count} {verdict}" for verdict, count in sorted(total.items())))
    return 1 if total["unequal"] else 0


if __name__ == "__main__":
    sys.exit(main())
