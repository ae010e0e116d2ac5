#!/usr/bin/env python3
"""Writes tests/train/peft_values.h: logits that PEFT gives for adapters of every
kind. Model and adapters are filled by a formula of names and positions, so that
the test makes the same inputs and only the right values are stored.

    tools/parity/peft_values.py > tests/train/peft_values.h
"""
import json
import math
import pathlib
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

warnings.filterwarnings("ignore")
logging.disable_progress_bar()
logging.set_verbosity_error()

VOCAB = 11
IDS = [3, 1, 10, 3]
CONFIG = {"model_type": "llama", "vocab_size": VOCAB, "hidden_size": 8,
          "intermediate_size": 12, "num_hidden_layers": 1,
          "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4,
          "rms_norm_eps": 1e-5, "attention_bias": True,
          "max_position_embeddings": 64}
ATTENTION = ["q_proj", "o_proj"]
# name, tied, keys of the configuration
KINDS = [
    ("plain", False, {}),
    ("saved_tables_tied", True,
     {"modules_to_save": ["embed_tokens", "lm_head"]}),
    ("saved_embedding_tied", True, {"modules_to_save": ["embed_tokens"]}),
    ("saved_norms", False, {"modules_to_save": ["norm", "input_layernorm"]}),
    ("saved_layer", False, {"modules_to_save": ["k_proj", "mlp"]}),
    ("pair_of_head", False, {"target_modules": ATTENTION + ["lm_head"]}),
    ("pair_of_head_tied", True, {"target_modules": ATTENTION + ["lm_head"]}),
    ("pair_of_embedding", False,
     {"target_modules": ATTENTION + ["embed_tokens"]}),
    ("pair_of_embedding_tied", True,
     {"target_modules": ATTENTION + ["embed_tokens"]}),
    ("pairs_that_stay_tied", True,
     {"target_modules": ATTENTION + ["lm_head"], "ensure_weight_tying": True}),
    ("tokens", False, {"trainable_token_indices": [10, 3]}),
    ("tokens_tied", True, {"trainable_token_indices": [10, 3]}),
    ("tokens_by_module", False,
     {"trainable_token_indices": {"embed_tokens": [1], "lm_head": [2, 3]}}),
    ("tokens_beside_pair_of_head_tied", True,
     {"target_modules": ATTENTION + ["lm_head"],
      "trainable_token_indices": [10, 3]}),
    ("dora", False, {"use_dora": True}),
    ("dora_of_tables", False,
     {"use_dora": True,
      "target_modules": ATTENTION + ["embed_tokens", "lm_head"]}),
    ("dora_with_biases", False, {"use_dora": True, "bias": "all"}),
    ("bias_lora_only", False, {"bias": "lora_only"}),
    ("bias_all", False, {"bias": "all", "use_rslora": True}),
    ("lora_bias", False, {"lora_bias": True}),
    ("pissa", False, {"init_lora_weights": "pissa"}),
    ("pissa_rslora", False,
     {"init_lora_weights": "pissa", "use_rslora": True,
      "target_modules": ["q_proj", "down_proj", "up_proj"]}),
    ("pissa_of_head", False,
     {"init_lora_weights": "pissa", "target_modules": ["q_proj", "lm_head"]}),
    ("pissa_of_head_tied", True,
     {"init_lora_weights": "pissa", "target_modules": ["q_proj", "lm_head"]}),
    ("pissa_dora", False, {"init_lora_weights": "pissa", "use_dora": True}),
    ("olora", False,
     {"init_lora_weights": "olora", "target_modules": ["q_proj", "down_proj"]}),
    ("mica", False, {"init_lora_weights": "mica"}),
    ("fan_in_fan_out", False, {"fan_in_fan_out": True}),
]


def filled(name, shape):
    """0.4 sin(0.05 i^2 + 0.7 i + 0.37 (sum of the name's bytes)), around 1 for
    norms and magnitudes."""
    phase = 0.37 * sum(name.encode())
    flat = [0.4 * math.sin(0.05 * i * i + 0.7 * i + phase)
            for i in range(math.prod(shape))]
    centre = 1.0 if "norm" in name or "magnitude" in name else 0.0
    return (torch.tensor(flat, dtype=torch.float64) + centre).float().reshape(
        shape)


def make_base(folder, tied):
    model = LlamaForCausalLM(LlamaConfig(**CONFIG, tie_word_embeddings=tied))
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(filled(name, p.shape))
    model.save_pretrained(folder)


def load_base(folder):
    return LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager")


def adapter_of(base, folder, keys):
    config = {"r": 2, "lora_alpha": 3, "target_modules": ATTENTION,
              "task_type": "CAUSAL_LM", **keys}
    model = get_peft_model(load_base(base), LoraConfig(**config))
    model.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    tensors = {}
    for name, tensor in load_file(path).items():
        # A layer's own weight is stored beside its pair: the base's, except
        # where a start changed it.
        plain = name.removeprefix("base_model.model.").replace(
            ".base_layer", "")
        own = (filled(plain, tensor.shape)
               if name.endswith(".base_layer.weight") else None)
        tensors[name] = (own if own is not None and tensor.equal(own)
                         else filled(name, tensor.shape))
    save_file(tensors, path)
    return tensors


def literal(text):
    return 'R"(' + text + ')"'


def main():
    print("// SPDX-License-Identifier: MIT\n"
          "// Made by tools/parity/peft_values.py with PEFT 0.21.\n"
          "#pragma once\n\n#include <cstdint>\n#include <string>\n#include <utility>\n"
          "#include <vector>\n\nnamespace veer::peft {\n\n"
          "using Shape = std::vector<std::int64_t>;\n\n"
          "struct Case {\n  const char* name;\n  bool tied;\n"
          "  const char* config;\n"
          "  std::vector<std::pair<const char*, Shape>> tensors;\n"
          "  std::vector<float> logits;\n};\n")
    print("inline const std::vector<std::int32_t> kIds = {%s};"
          % ", ".join(map(str, IDS)))
    print("inline const char* const kConfig = " + literal(json.dumps(CONFIG))
          + ";\n\ninline const std::vector<Case> kCases = {")
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        for tied in (False, True):
            make_base(work / f"base{tied}", tied)
        for name, tied, keys in KINDS:
            if "ensure_weight_tying" in keys:
                continue  # the formula gives what is tied different values
            base = work / f"base{tied}"
            tensors = adapter_of(base, work / name, keys)
            config = json.loads(
                (work / name / "adapter_config.json").read_text())
            kept = {k: v for k, v in config.items()
                    if k in {"peft_type", "r", "lora_alpha", "target_modules",
                             *keys}}
            if isinstance(kept["target_modules"], list):
                kept["target_modules"].sort()
            model = PeftModel.from_pretrained(load_base(base), work / name)
            with torch.no_grad():
                logits = model.eval()(torch.tensor([IDS])).logits[0]
            print("    {%s, %s,\n     %s,\n     {%s},\n     {%s}}," % (
                json.dumps(name), str(tied).lower(), literal(json.dumps(kept)),
                ", ".join("{%s, {%s}}" % (
                    json.dumps(k), ", ".join(map(str, v.shape)))
                    for k, v in sorted(tensors.items())),
                ", ".join("%.8gF" % x if "." in "%.8g" % x or "e" in "%.8g" % x
                          else "%.8g.0F" % x for x in logits.flatten())))
    print("};\n\n}  // namespace veer::peft")


if __name__ == "__main__":
    main()
