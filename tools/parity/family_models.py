"""Tiny random checkpoints of every family, and what transformers computes.

Shared by tools/make_family_checkpoints.py (committed checkpoints with their
goldens) and family_parity.py (drawn anew). All numbers come from the folder
as from_pretrained() reads it, so that the keys of config.json mean what
transformers takes them to mean.
"""
import json
import pathlib

import torch
import transformers
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
from transformers.utils import logging

logging.disable_progress_bar()
logging.set_verbosity_error()

# Keys that every checkpoint has; a family's own come on top.
BASE = dict(
    vocab_size=83, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
    rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=0)

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=16)


def long_rope(half, **more):
    return dict(short_factor=[1.0 + 0.1 * i for i in range(half)],
                long_factor=[1.5 + 0.7 * i for i in range(half)], **more)


GEMMA3 = dict(
    num_hidden_layers=6, hidden_size=24, intermediate_size=32, head_dim=8,
    num_key_value_heads=1, query_pre_attn_scalar=12, sliding_window=9,
    hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6)

MULTIMODAL = dict(
    vision_config=dict(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, image_size=8, patch_size=4,
        model_type="siglip_vision_model"),
    mm_tokens_per_image=4, image_token_index=80, boi_token_index=81,
    eoi_token_index=82)

# name: (model_type, dtype of the file, what config.json says). "old" keys are
# those of transformers 4 (rope_theta, rope_scaling, torch_dtype).
FAMILIES = {
    "llama2": ("llama", "float16", dict(
        num_key_value_heads=4, rope_theta=10000.0, old=True)),
    "llama3": ("llama", "bfloat16", dict(
        rope_theta=500000.0, rope_scaling=LLAMA3, old=True, shards=True)),
    "llama3_tied": ("llama", "bfloat16", dict(
        tie_word_embeddings=True, head_dim=16,
        rope_parameters=dict(LLAMA3, factor=32.0, rope_theta=500000.0))),
    "llama_bias": ("llama", "float32", dict(
        attention_bias=True, mlp_bias=True, hidden_size=24,
        rope_parameters=dict(rope_type="linear", factor=2.5,
                             rope_theta=10000.0))),
    "mistral": ("mistral", "bfloat16", dict(
        head_dim=16, sliding_window=9, rope_theta=1e6, old=True)),
    "qwen2": ("qwen2", "bfloat16", dict(
        tie_word_embeddings=True, rope_theta=1e6, sliding_window=9,
        use_sliding_window=False, max_window_layers=1, old=True)),
    "qwen2_window": ("qwen2", "float32", dict(
        hidden_size=24, use_sliding_window=True, sliding_window=9,
        max_window_layers=2,
        rope_parameters=dict(rope_type="yarn", factor=4.0, rope_theta=1e6,
                             original_max_position_embeddings=32))),
    "qwen3": ("qwen3", "bfloat16", dict(
        head_dim=16, rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    "gemma2": ("gemma2", "bfloat16", dict(
        head_dim=16, num_hidden_layers=4, query_pre_attn_scalar=12,
        sliding_window=9, attn_logit_softcapping=5.0,
        final_logit_softcapping=7.0, rms_norm_eps=1e-6,
        hidden_activation="gelu_pytorch_tanh", rope_theta=10000.0, old=True)),
    "gemma3": ("gemma3_text", "bfloat16", dict(
        GEMMA3, rope_theta=1e6, rope_local_base_freq=1e4,
        sliding_window_pattern=6, rope_scaling=dict(rope_type="linear",
                                                    factor=8.0), old=True)),
    "gemma3_multimodal": ("gemma3", "bfloat16", dict(
        GEMMA3, layer_types=["sliding_attention", "full_attention"] * 3,
        rope_parameters=dict(
            full_attention=dict(rope_type="default", rope_theta=1e6),
            sliding_attention=dict(rope_type="default", rope_theta=1e4)))),
    "phi3": ("phi3", "bfloat16", dict(
        num_key_value_heads=4, sliding_window=9, rope_theta=10000.0,
        original_max_position_embeddings=128, rope_scaling=None, old=True)),
    "phi3_long": ("phi3", "bfloat16", dict(
        num_key_value_heads=4, original_max_position_embeddings=16,
        rope_theta=10000.0, rope_scaling=long_rope(4, type="longrope"),
        old=True)),
    "phi4_mini": ("phi3", "bfloat16", dict(
        head_dim=16, hidden_size=64, intermediate_size=40,
        num_hidden_layers=2, tie_word_embeddings=True,
        original_max_position_embeddings=16,
        rope_parameters=long_rope(6, rope_type="longrope",
                                  rope_theta=10000.0,
                                  partial_rotary_factor=0.75,
                                  original_max_position_embeddings=16))),
    "smollm": ("llama", "bfloat16", dict(
        hidden_size=36, num_attention_heads=3, num_key_value_heads=1,
        tie_word_embeddings=True, rope_theta=100000.0, old=True)),
    "olmo2": ("olmo2", "float32", dict(
        hidden_size=24, num_key_value_heads=4, rms_norm_eps=1e-6,
        rope_parameters=dict(rope_type="default", rope_theta=500000.0))),
}


def config_of(name):
    """config.json as a dictionary, and whether the weights go in shards."""
    model_type, dtype, own = FAMILIES[name]
    keys = dict(BASE, tie_word_embeddings=model_type.startswith("gemma"))
    keys.update(own)
    old, shards = keys.pop("old", False), keys.pop("shards", False)
    architecture = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[model_type]
    if model_type == "gemma3":
        keys = dict(text_config=dict(keys, model_type="gemma3_text"),
                    **MULTIMODAL)
        del keys["text_config"]["bos_token_id"]
    keys.update(architectures=[architecture], model_type=model_type)
    keys["torch_dtype" if old else "dtype"] = dtype
    return keys, shards


def architecture_of(keys):
    """The class that the config names, or else the one of its model_type."""
    named = keys.get("architectures") or [
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[keys["model_type"]]]
    return named[0]


def randomize(model, generator):
    """Weights large enough that every part matters."""
    for key, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 1 and "norm" in key:
            gemma = "gemma" in model.config.model_type
            weight.data = noise * 0.2 + (0.0 if gemma else 1.0)
        elif weight.dim() == 1:
            weight.data = noise * 0.3
        elif "embed" in key and "gemma" in model.config.model_type:
            # These are scaled up; larger ones would drown the blocks.
            weight.data = noise * (0.4 / weight.shape[-1] ** 0.5)
        else:
            weight.data = noise * (1.2 / weight.shape[-1] ** 0.5)


def write_model(folder, keys, dtype, seed, shards=False, embedding_scale=1.0):
    """A folder with random weights whose config.json holds just `keys`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(keys, indent=1) + "\n"
    (folder / "config.json").write_text(text)
    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(folder)
    architecture = getattr(transformers, architecture_of(keys))
    model = architecture(config).float()
    randomize(model, torch.Generator().manual_seed(seed))
    model.get_input_embeddings().weight.data *= embedding_scale
    model.tie_weights()
    model.to(dtype).save_pretrained(
        folder, max_shard_size="15KB" if shards else "1GB")
    # save_pretrained writes the keys of its own version.
    (folder / "config.json").write_text(text)
    (folder / "generation_config.json").unlink(missing_ok=True)


def write_checkpoint(name, folder, seed):
    keys, shards = config_of(name)
    write_model(folder, keys, getattr(torch, FAMILIES[name][1]), seed, shards)


class Reference:
    """transformers on a folder, in one dtype and kind of attention."""

    def __init__(self, folder, dtype, attention="eager"):
        keys = json.loads((pathlib.Path(folder) / "config.json").read_text())
        architecture = getattr(transformers, architecture_of(keys))
        self.model = architecture.from_pretrained(
            folder, dtype=dtype, attn_implementation=attention).eval()
        inner = self.model.model
        self.blocks = getattr(inner, "language_model", inner).layers

    @torch.no_grad()
    def run(self, ids):
        """logits [T, V] and the output of every block [T, D], fp32.

        By a hook: the last of output_hidden_states has passed the final norm.
        """
        states = []

        def keep(_, __, output):
            state = output[0] if isinstance(output, tuple) else output
            states.append(state[0].float().clone())

        hooks = [b.register_forward_hook(keep) for b in self.blocks]
        logits = self.model(input_ids=torch.tensor([ids])).logits[0].float()
        for hook in hooks:
            hook.remove()
        return {"logits": logits,
                **{f"resid_post.{i}": s for i, s in enumerate(states)}}

    @torch.no_grad()
    def greedy(self, ids, count):
        """The next ids by argmax, and the smallest lead of a winner."""
        lead = float("inf")
        made = []
        past = None
        step = torch.tensor([ids])
        for _ in range(count):
            out = self.model(input_ids=step, past_key_values=past,
                             use_cache=True)
            past = out.past_key_values
            best, index = out.logits[0, -1].topk(2)
            lead = min(lead, float(best[0] - best[1]))
            made.append(int(index[0]))
            step = torch.tensor([[made[-1]]])
        return made, lead


def relative(value, reference):
    """Largest difference in units of the reference's largest number, and the
    root mean square of both kinds."""
    value, reference = value.double(), reference.double()
    difference = value - reference
    return {"max": float(difference.abs().max() / reference.abs().max()),
            "rms": float(difference.norm() / reference.norm())}
