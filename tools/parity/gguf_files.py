"""GGUF files made from Hugging Face folders, for fixtures and parity: what
llama.cpp's converter writes, with the packing of one's choice. An independent
writer: it shares no table with src/veer/gguf.
"""
import json
import math
import pathlib

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file

OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm",
           "lm_head": "output"}
INSIDE = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
          "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
          "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
          "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
          "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
          "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2",
                 "qwen3": "qwen3", "gemma2": "gemma2", "gemma3_text": "gemma3",
                 "phi3": "phi3", "olmo2": "olmo2"}


def random_blocks(kind, rows, numbers, draws):
    """Random bytes as rows of blocks, whose scales are finite and plain."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = draws.integers(0, 256, (rows * numbers // block, size), dtype=np.uint8)
    halves = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2],
              T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2],
              T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0]}
    for at in halves.get(kind, []):
        scale = draws.normal(0, 1, len(data)) * 10.0 ** draws.integers(-7, 4, len(data))
        data[:, at:at + 2] = scale.astype(np.float16)[:, None].view(np.uint8)
    if kind == T.F16:
        data = draws.normal(0, 1, (len(data), 1)).astype(np.float16).view(np.uint8)
    if kind in (T.BF16, T.F32):  # no NaN: the exponent is not all ones
        data[:, -1] &= 0xbf
    return data.reshape(rows, numbers // block * size)


KINDS = [T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q2_K,
         T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_NL, T.IQ4_XS, T.MXFP4]


def add_tensor(writer, name, data, kind):
    """`data`: bytes of `kind`, a row of them for each row of the tensor."""
    shapes = {T.F32: np.float32, T.F16: np.float16}
    if kind in shapes:
        writer.add_tensor(name, np.ascontiguousarray(data).view(shapes[kind]))
    else:
        writer.add_tensor(name, data, raw_dtype=kind)


def paired(weight, heads):
    """Rows of q or k as llama.cpp keeps them for the llama architecture."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]
                          ).swapaxes(1, 2).reshape(weight.shape)


def place(name, four_norms):
    stem, ending = name.rsplit(".", 1)
    if stem in OUTSIDE:
        return f"{OUTSIDE[stem]}.{ending}"
    _, _, layer, part = stem.split(".", 3)
    norms = {"post_attention_layernorm":
             "post_attention_norm" if four_norms else "ffn_norm",
             "pre_feedforward_layernorm": "ffn_norm",
             "post_feedforward_layernorm": "post_ffw_norm"}
    return f"blk.{layer}.{INSIDE.get(part) or norms[part]}.{ending}"


def stored(folder):
    tensors = {}
    for path in sorted(pathlib.Path(folder).glob("*.safetensors")):
        if path.name.startswith("model"):
            tensors.update(load_file(path))
    return tensors


def llama3_factors(rope, head, theta):
    factors = []
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    for i in range(0, head, 2):
        wave = 2 * math.pi * theta ** (i / head)
        if wave < high:
            factors.append(1.0)
        elif wave > low:
            factors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / wave
                      - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def add_rope(writer, arch, keys, rope, head):
    theta = rope.get("rope_theta", keys.get("rope_theta", 10000.0))
    writer.add_rope_freq_base(theta)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, head, theta))
    elif kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(rope["factor"])
        if "original_max_position_embeddings" in rope:
            writer.add_rope_scaling_orig_ctx_len(
                rope["original_max_position_embeddings"])
    elif kind == "longrope":
        original = keys.get("original_max_position_embeddings",
                            rope.get("original_max_position_embeddings"))
        scale = keys["max_position_embeddings"] / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(
            math.sqrt(1 + math.log(scale) / math.log(original)))
        for side in ("long", "short"):
            writer.add_tensor(f"rope_factors_{side}.weight",
                              np.array(rope[f"{side}_factor"], dtype=np.float32))


def write_model(folder, out, kind=None, keys=None, tokenizer=None):
    """Writes the folder's model to `out`.

    kind: packing of matrices whose rows fit it, None = as stored. keys: other
    settings than config.json says. tokenizer: called with the writer.
    """
    own = json.loads((pathlib.Path(folder) / "config.json").read_text())
    own = dict(own.get("text_config", own), **(keys or {}))
    arch = ARCHITECTURES[own["model_type"]]
    heads = own["num_attention_heads"]
    key_heads = own.get("num_key_value_heads", heads)
    head = own.get("head_dim", own["hidden_size"] // heads)
    writer = gguf.GGUFWriter(out, arch)
    writer.add_context_length(own["max_position_embeddings"])
    writer.add_embedding_length(own["hidden_size"])
    writer.add_block_count(own["num_hidden_layers"])
    writer.add_feed_forward_length(own["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_layer_norm_rms_eps(own["rms_norm_eps"])
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_vocab_size(own["vocab_size"])
    rope = own.get("rope_scaling") or own.get("rope_parameters") or {}
    rotated = int(head * rope.get("partial_rotary_factor",
                                  own.get("partial_rotary_factor", 1.0)))
    writer.add_rope_dimension_count(rotated)
    add_rope(writer, arch, own, rope, head)
    if arch in ("gemma2", "gemma3", "phi3") or own["model_type"] == "mistral":
        writer.add_sliding_window(own.get("sliding_window") or 0)
    if arch == "gemma2":
        writer.add_attn_logit_softcapping(own["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(own["final_logit_softcapping"])
    if tokenizer is not None:
        tokenizer(writer)
    four_norms = arch in ("gemma2", "gemma3", "olmo2")
    for name, tensor in stored(folder).items():
        data = tensor.float().numpy()
        if arch == "llama" and ".self_attn.q_proj." in name:
            data = paired(data, heads)
        elif arch == "llama" and ".self_attn.k_proj." in name:
            data = paired(data, key_heads)
        if arch.startswith("gemma") and name.endswith("norm.weight"):
            data = data + np.float32(1)
        wanted = kind or {torch.float16: T.F16, torch.bfloat16: T.BF16}.get(
            tensor.dtype, T.F32)
        block = gguf.GGML_QUANT_SIZES[wanted][0]
        if data.ndim < 2 or data.shape[-1] % block:
            wanted = T.F32
        add_tensor(writer, place(name, four_norms),
                   gguf.quants.quantize(data, wanted).view(np.uint8), wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
