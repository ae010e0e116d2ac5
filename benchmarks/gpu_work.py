"""What gpu_speed.py and its rivals are asked: shapes, texts, vectors, work.

texts() and direction() are those of gpu_bench.cpp.
"""
import ctypes
import json
import math

TINY = dict(vocab_size=500, hidden_size=64, intermediate_size=96,
            num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, tie_word_embeddings=True)
LLAMA_3B = dict(vocab_size=128256, hidden_size=3072, intermediate_size=8192,
                num_hidden_layers=28, num_attention_heads=24,
                num_key_value_heads=8, head_dim=128, tie_word_embeddings=True)
# Of each shape, what the works ask.
WORK = {
    "tiny": dict(rows=[1, 4], prompt=12, few=4, many=12, read=(4, 24),
                 extract=(6, 20, 8), lora=(4, 16, 4), steps=(2, 4),
                 sweep=(8, 4, 10, 8), looped=4, check=(2, 12)),
    "3b": dict(rows=[1, 64, 256], prompt=128, few=8, many=72, read=(16, 512),
               extract=(64, 150, 60), lora=(8, 128, 16), steps=(2, 7),
               sweep=(64, 16, 24, 32), looped=4, check=(2, 48)),
}
SHAPES = {"tiny": TINY, "3b": LLAMA_3B}


def texts(count, length, vocab):
    return [[(7919 * i + 104729 * t + 17 * i * t + 31) % vocab
             for t in range(length)] for i in range(count)]


def direction(configuration, width):
    values = [math.sin(0.37 * (configuration + 1) * (d + 1))
              for d in range(width)]
    norm = math.sqrt(sum(v * v for v in values))
    return [v / norm for v in values]


def weight_shapes(shape):
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    queries = shape["num_attention_heads"] * shape["head_dim"]
    keys = shape["num_key_value_heads"] * shape["head_dim"]
    found = {"model.embed_tokens.weight": [shape["vocab_size"], width],
             "model.norm.weight": [width]}
    for layer in range(shape["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        found |= {at + "input_layernorm.weight": [width],
                  at + "post_attention_layernorm.weight": [width],
                  at + "self_attn.q_proj.weight": [queries, width],
                  at + "self_attn.k_proj.weight": [keys, width],
                  at + "self_attn.v_proj.weight": [keys, width],
                  at + "self_attn.o_proj.weight": [width, queries],
                  at + "mlp.gate_proj.weight": [inner, width],
                  at + "mlp.up_proj.weight": [inner, width],
                  at + "mlp.down_proj.weight": [width, inner]}
    return found


def parameters(shape):
    return sum(math.prod(sizes) for sizes in weight_shapes(shape).values())


def write_model(folder, shape, dtype, device):
    """Random weights in Hugging Face layout, without any package but torch."""
    import torch
    names = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
    sizes = weight_shapes(shape)
    header, at = {}, 0
    for name, dims in sizes.items():
        end = at + math.prod(dims) * dtype.itemsize
        header[name] = {"dtype": names[dtype], "shape": dims,
                        "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    maker = torch.Generator(device).manual_seed(1)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for dims in sizes.values():
            weight = torch.ones(dims, device=device)
            if len(dims) > 1:
                weight.normal_(0.0, 0.02, generator=maker)
            weight = weight.to(dtype).cpu().contiguous()
            file.write((ctypes.c_char * weight.nbytes).from_address(
                weight.data_ptr()))
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
              "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "hidden_act": "silu",
              "max_position_embeddings": 8192, "attention_bias": False,
              "mlp_bias": False, "bos_token_id": None, "eos_token_id": None,
              "torch_dtype": str(dtype).removeprefix("torch."), **shape}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
