#!/usr/bin/env python3
"""`veer convert` against the tools that read the files, on a random Llama.

A vector of random directions at every layer is written by Veer and loaded by
the other tool, which then steers the same model: logits within 1e-4 of
Veer's (relative to the largest), at a positive and a negative strength.

1. GGUF: read by `gguf`; steered by repeng, and by llama.cpp (through
   llama-cpp-python, on a GGUF of the same model), where that is installed.
2. A file of repeng comes back to Veer unchanged.
3. Plain safetensors and .svec, applied by hooks as their pages say.
4. Ablation at the output of every block by hooks; and at everything that
   writes into the stream, against the weights that `veer bake` writes, as
   transformers loads them.
5. Control: numbered one layer off, the logits are far from Veer's.
"""
import ctypes
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import gguf
import numpy
import torch

# A name that numpy 2 dropped and repeng 0.4 still asks for.
numpy.float_ = numpy.float64
from repeng import ControlModel, ControlVector
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

try:
    import llama_cpp
except ImportError:
    llama_cpp = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VEER_BUILD", ROOT / "build"))
VEER = pathlib.Path(os.environ.get("VEER", BUILD / "bin" / "veer"))
STEER = BUILD / "tools" / "parity" / "parity_steer"
LIMIT = 1e-4
LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, FEED, VOCAB = 4, 64, 4, 2, 16, 160, 96
failures = []
logging.disable_progress_bar()
logging.set_verbosity_error()


def check(name, ok, detail=""):
    print(f"  {'ok  ' if ok else 'FAIL'} {name} {detail}")
    if not ok:
        failures.append(name)


def distance(a, b):
    return ((a - b).abs().max() / b.abs().max()).item()


def check_logits(name, theirs, ours):
    d = distance(theirs, ours)
    check(f"{name}: logits", d <= LIMIT, f"{d:.2g} (limit {LIMIT:g})")


def make_model(folder, seed):
    config = LlamaConfig(
        vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=FEED,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS, head_dim=HEAD,
        max_position_embeddings=128, tie_word_embeddings=False,
        initializer_range=0.15)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).float()
    with torch.no_grad():  # norms of ones would hide a mistake
        for name, p in model.named_parameters():
            if "norm" in name:
                p.uniform_(0.5, 1.5)
    model.save_pretrained(folder)


def load_model(folder):
    return LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()


def convert(*arguments):
    run = subprocess.run([VEER, "convert", "--json", *map(str, arguments)],
                         check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def veer_logits(work, model, vector, scale, ids, operator="add"):
    (work / "ids.json").write_text(json.dumps([ids]))
    out = work / "logits.safetensors"
    subprocess.run([STEER, model, vector, operator, str(scale),
                    work / "ids.json", out], check=True)
    return load_file(out)["logits"]


# --- a Llama in GGUF ---

def permuted(weight, heads):
    """llama.cpp rotates neighbours where Hugging Face rotates halves."""
    out, inner = weight.shape
    return (weight.reshape(heads, 2, out // heads // 2, inner)
            .swapaxes(1, 2).reshape(out, inner))


def write_gguf_model(path, model):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(VOCAB)
    writer.add_tokenizer_model("no_vocab")
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm",
             "lm_head": "output"}
    for i in range(LAYERS):
        for theirs, name in (("self_attn.q_proj", "attn_q"),
                             ("self_attn.k_proj", "attn_k"),
                             ("self_attn.v_proj", "attn_v"),
                             ("self_attn.o_proj", "attn_output"),
                             ("mlp.gate_proj", "ffn_gate"),
                             ("mlp.up_proj", "ffn_up"),
                             ("mlp.down_proj", "ffn_down"),
                             ("input_layernorm", "attn_norm"),
                             ("post_attention_layernorm", "ffn_norm")):
            names[f"model.layers.{i}.{theirs}"] = f"blk.{i}.{name}"
    state = model.state_dict()
    for theirs, name in names.items():
        weight = state[theirs + ".weight"].numpy()
        if name.endswith("attn_q"):
            weight = permuted(weight, HEADS)
        elif name.endswith("attn_k"):
            weight = permuted(weight, KV_HEADS)
        writer.add_tensor(name + ".weight",
                          numpy.ascontiguousarray(weight, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_logits(path, ids, directions=None, strength=0.0):
    """As llama.cpp's own loader: direction.N goes to place N - 1."""
    L = llama_cpp
    options = L.llama_model_default_params()
    options.n_gpu_layers = 0
    model = L.llama_model_load_from_file(str(path).encode(), options)
    settings = L.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = 128
    settings.type_k = settings.type_v = 0  # F32
    settings.flash_attn_type = 0           # fp16 inside otherwise
    settings.n_threads = settings.n_threads_batch = 1
    context = L.llama_init_from_model(model, settings)
    if directions is not None:
        flat = numpy.zeros((LAYERS - 1, WIDTH), numpy.float32)
        for number, values in directions.items():
            flat[number - 1] += strength * values
        flat = numpy.ascontiguousarray(flat.reshape(-1))
        status = L.llama_set_adapter_cvec(
            context, flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            flat.size, WIDTH, 1, LAYERS - 1)
        assert status == 0, status
    batch = L.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i] = token
        batch.pos[i] = i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = 1
    assert L.llama_decode(context, batch) == 0
    rows = [numpy.ctypeslib.as_array(L.llama_get_logits_ith(context, i),
                                     (VOCAB,)).copy()
            for i in range(len(ids))]
    L.llama_batch_free(batch)
    L.llama_free(context)
    L.llama_model_free(model)
    return torch.tensor(numpy.stack(rows))


def quiet_llama():
    """llama.cpp tells each load at length."""
    @llama_cpp.llama_log_callback
    def nothing(level, text, data):
        pass
    llama_cpp.llama_log_set(nothing, ctypes.c_void_p(0))
    return nothing


# --- the comparisons ---

def read_directions(path):
    return {int(t.name.split(".")[1]): numpy.array(t.data)
            for t in gguf.GGUFReader(path).tensors}


def output_hook(module, change):
    """`change` of what the module gives, a tensor or the first of a tuple."""
    return module.register_forward_hook(
        lambda _, args, out: (change(out[0]), *out[1:])
        if isinstance(out, tuple) else change(out))


def logits_with(model, ids, handles):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    for handle in handles:
        handle.remove()
    return logits


def hooked_logits(model, ids, directions, strength, before):
    """Added to the output of block N, or (before) to its input."""
    handles = []
    for number, values in directions.items():
        values = strength * torch.as_tensor(values)
        layer = model.model.layers[number]
        if before:
            handles.append(layer.register_forward_pre_hook(
                lambda _, args, kwargs, v=values:
                    ((args[0] + v, *args[1:]), kwargs), with_kwargs=True))
        else:
            handles.append(output_hook(layer, lambda h, v=values: h + v))
    return logits_with(model, ids, handles)


def without(direction, share=1.0):
    unit = direction / direction.norm()
    return lambda h: h - share * (h @ unit).unsqueeze(-1) * unit


def repeng_logits(folder, ids, control, strength):
    model = ControlModel(load_model(folder), list(control.directions))
    model.set_control(control, strength)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def main():
    subprocess.run(["ninja", "-C", BUILD, "parity_steer"], check=True,
                   stdout=subprocess.DEVNULL)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(2**31)
    print("seed", seed)
    rng = random.Random(seed)
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        folder = work / "model"
        make_model(folder, rng.randrange(2**31))
        hf = load_model(folder)
        ids = [rng.randrange(VOCAB) for _ in range(17)]
        rows = torch.randn(LAYERS, WIDTH)
        save_file({"all": rows}, work / "rows.safetensors")
        everywhere, above = work / "v.safetensors", work / "w.safetensors"
        convert(work / "rows.safetensors", everywhere, "--model", folder,
                "--to", "veer")
        # Without layer 0, which llama.cpp cannot steer.
        convert(everywhere, work / "v.gguf", "--model", folder)
        convert(work / "v.gguf", above, "--model", folder)

        print("GGUF, gguf")
        found = read_directions(work / "v.gguf")
        check("numbers 1 to 3", sorted(found) == [1, 2, 3])
        check("directions", all(numpy.array_equal(found[n], rows[n].numpy())
                                for n in found))
        notes = convert(everywhere, work / "again.gguf", "--model",
                        folder)["notes"]
        check("layer 0, operator and position are said to be lost",
              any("layer 0" in n for n in notes) and
              any("operator" in n and "position" in n for n in notes))

        print("GGUF, repeng")
        control = ControlVector.import_gguf(work / "v.gguf")
        check("model_type", control.model_type == "llama")
        for strength in (0.6, -0.6):
            ours = veer_logits(work, folder, above, strength, ids)
            check_logits(f"strength {strength}",
                         repeng_logits(folder, ids, control, strength), ours)
        plain = veer_logits(work, folder, above, 0.0, ids)
        check("steering is no small change", distance(ours, plain) > 0.05)
        off = {n - 1: v for n, v in control.directions.items()}
        d = distance(repeng_logits(
            folder, ids, ControlVector("llama", off), -0.6), ours)
        check("one layer off is seen", d > 100 * LIMIT, f"{d:.2g}")
        theirs = ControlVector("llama", {n: rows[n].numpy() for n in (0, 2)})
        theirs.export_gguf(work / "theirs.gguf")
        convert(work / "theirs.gguf", work / "theirs.safetensors", "--model",
                folder)
        back = load_file(work / "theirs.safetensors")["directions"]
        check("repeng's file comes back",
              torch.equal(back[[0, 2]], rows[[0, 2]]) and
              not back[[1, 3]].any())

        print("GGUF, llama.cpp")
        if llama_cpp is None:
            print("  SKIPPED: llama-cpp-python is not installed")
        else:
            keep = quiet_llama()
            write_gguf_model(work / "model.gguf", hf)
            check_logits("unsteered",
                         llama_logits(work / "model.gguf", ids), plain)
            for strength in (0.6, -0.6):
                ours = veer_logits(work, folder, above, strength, ids)
                check_logits(f"strength {strength}",
                             llama_logits(work / "model.gguf", ids, found,
                                          strength), ours)
            del keep

        print("plain safetensors and .svec, forward hooks")
        convert(everywhere, work / "p.safetensors", "--model", folder)
        ours = veer_logits(work, folder, everywhere, 0.6, ids)
        plain_file = {int(k.split(".")[1]): v for k, v in
                      load_file(work / "p.safetensors").items()}
        check_logits("plain", hooked_logits(hf, ids, plain_file, 0.6, False),
                     ours)
        convert(everywhere, work / "v.svec", "--model", folder)
        convert(work / "v.svec", work / "s.safetensors", "--model", folder)
        svec = json.loads((work / "v.svec").read_text())
        check(".svec has what its tool loads",
              svec["model_type"] == "llama" and
              svec["directions"].keys() == svec["explained_variances"].keys())
        before = {int(k): torch.tensor(v)
                  for k, v in svec["directions"].items()}
        ours = veer_logits(work, folder, work / "s.safetensors", 0.6, ids)
        check_logits(".svec", hooked_logits(hf, ids, before, 0.6, True), ours)
        print("ablation, forward hooks and baked weights")
        for share in (1.0, 0.4):
            ours = veer_logits(work, folder, everywhere, share, ids, "ablate")
            theirs = logits_with(hf, ids, [
                output_hook(layer, without(rows[n], share))
                for n, layer in enumerate(hf.model.layers)])
            check_logits(f"output of every block, share {share}", theirs, ours)
        subprocess.run([VEER, "bake", "--model", folder, "--vector",
                        everywhere, "--layer", "2", "--out", work / "baked"],
                       check=True, capture_output=True)
        writers = [hf.model.embed_tokens] + [
            part for layer in hf.model.layers
            for part in (layer.self_attn.o_proj, layer.mlp.down_proj)]
        theirs = logits_with(hf, ids, [output_hook(w, without(rows[2]))
                                       for w in writers])
        baked = logits_with(load_model(work / "baked"), ids, [])
        check_logits("veer bake --vector", theirs, baked)
        check("taking it out is no small change", distance(baked, plain) > 0.05)
    print("failed:" if failures else "all equal", *failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
