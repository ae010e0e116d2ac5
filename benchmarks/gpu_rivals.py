"""The same work by transformers and peft, for gpu_speed.py.

Each work names its ways: the default configuration first, then what may be
faster. All run in the dtype of the checkpoint, with SDPA.
"""
import time

import torch
from gpu_work import direction, texts
from transformers import AutoModelForCausalLM


class Transformers:
    def __init__(self, folder, device, dtype):
        self.device = torch.device(device)
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation="sdpa").to(device).eval()
        self.model.requires_grad_(False)
        self.vocab = self.model.config.vocab_size
        self.compiled = None
        on_card = self.device.type == "cuda"
        # transformers compiles the step of a static cache by itself on a card.
        self.ways = {"decode": ["generate", "static cache, compiled"],
                     "prefill": ["forward"] + ["compiled"] * on_card,
                     "extract": ["hidden states", "hooks"],
                     "lora": ["peft, fused AdamW"],
                     "sweep": ["generate", "static cache, compiled"]}
        if not on_card:
            self.ways["decode"][1] = self.ways["sweep"][1] = "static cache"

    def ids(self, count, length):
        return torch.tensor(texts(count, length, self.vocab),
                            device=self.device)

    def timed(self, job, way):
        """Seconds, most bytes in use, and what the work gives."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        result = getattr(self, job["work"])(job, way)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - began, "result": result,
                "peak": torch.cuda.max_memory_allocated()
                if self.device.type == "cuda" else 0}

    @torch.inference_mode()
    def written(self, ids, tokens, way):
        more = {"cache_implementation": "static"} if "static" in way else {}
        out = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            eos_token_id=None, pad_token_id=0, max_new_tokens=tokens,
            min_new_tokens=tokens, **more)
        return out[:, ids.shape[1]:]

    def decode(self, job, way):
        ids = self.ids(job["rows"], job["prompt"])
        return self.written(ids, job["tokens"], way)[:4].tolist()

    @torch.inference_mode()
    def prefill(self, job, way):
        forward = self.model
        if way == "compiled":
            self.compiled = self.compiled or torch.compile(self.model)
            forward = self.compiled
        logits = forward(self.ids(job["texts"], job["tokens"]),
                         use_cache=False, logits_to_keep=1).logits[:, -1]
        part = logits if job.get("whole") else logits[:, :1]
        return part.float().flatten().tolist()

    @torch.inference_mode()
    def extract(self, job, way):
        ids = self.ids(job["texts"], job["tokens"])
        layers = self.model.model.layers
        begin = job["tokens"] - job["answer"]
        if way == "hooks":
            states = [None] * len(layers)

            def keep(index):
                def hook(_module, _inputs, output):
                    hidden = output[0] if isinstance(output, tuple) else output
                    states[index] = hidden[:, begin:].float().mean(1)
                return hook
            hooks = [layer.register_forward_hook(keep(i))
                     for i, layer in enumerate(layers)]
            try:
                self.model.model(ids, use_cache=False)
            finally:
                for hook in hooks:
                    hook.remove()
        else:
            hidden = self.model.model(ids, use_cache=False,
                                      output_hidden_states=True).hidden_states
            states = [h[:, begin:].float().mean(1) for h in hidden[1:]]
        states = torch.stack(states).cpu()
        return states[len(layers) // 2].mean(0).tolist()

    def lora(self, job, _way):
        from peft import LoraConfig, get_peft_model
        model = get_peft_model(self.model, LoraConfig(
            r=job["rank"], lora_alpha=16.0, target_modules=[
                "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
                "down_proj"]))
        try:
            chosen = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(chosen, lr=2e-4, weight_decay=0.01,
                                          fused=self.device.type == "cuda")
            ids = self.ids(job["texts"], job["tokens"])
            first = None
            for _ in range(job["steps"]):
                loss = model(ids, labels=ids, use_cache=False).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(chosen, 1.0)
                optimizer.step()
                optimizer.zero_grad()
                first = loss.detach() if first is None else first
            return first.item()
        finally:
            self.model = model.unload().requires_grad_(False)

    def hook(self, layer, vector):
        def add(_module, _inputs, output):
            # The last token of the prompt decides what is written first.
            hidden = output[0] if isinstance(output, tuple) else output
            hidden = torch.cat([hidden[:, :-1], hidden[:, -1:] + vector], 1)
            return ((hidden, *output[1:]) if isinstance(output, tuple)
                    else hidden)
        return self.model.model.layers[layer].register_forward_hook(add)

    def sweep(self, job, way):
        """One configuration after another, its prompts as a batch."""
        num_layers = self.model.config.num_hidden_layers
        width = self.model.config.hidden_size
        ids = self.ids(job["prompts"], job["prompt"])
        # Compiled code sees the same hooks and buffers for every
        # configuration, else it would be compiled for each.
        compiled = "static" in way
        vectors = torch.zeros(num_layers, width, device=self.device,
                              dtype=self.model.dtype)
        hooks = [self.hook(i, vectors[i]) for i in range(num_layers)
                 if compiled]
        first = None
        for c in range(job["configurations"]):
            layer = c % num_layers
            vectors.zero_()
            vectors[layer] = torch.tensor(direction(c, width))
            own = [] if compiled else [self.hook(layer, vectors[layer])]
            try:
                out = self.written(ids, job["tokens"], way)
            finally:
                for hook in own:
                    hook.remove()
            first = out[:4].tolist() if first is None else first
        for hook in hooks:
            hook.remove()
        return first
