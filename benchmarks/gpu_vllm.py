#!/usr/bin/env python3
"""Decoding by vLLM, for gpu_speed.py: a JSON object of tokens/s by rows.

    gpu_vllm.py FOLDER DTYPE PROMPT FEW MANY ROWS ...

Run by a Python that has vLLM. The rate is that of the tokens between FEW and
MANY, as on the other sides; CUDA graphs are on, its default. Never run so far:
no GPU was at hand.
"""
import json
import sys
import time

from gpu_work import texts
from vllm import LLM, SamplingParams


def main():
    folder, dtype = sys.argv[1:3]
    prompt, few, many, *rows = map(int, sys.argv[3:])
    with open(f"{folder}/config.json") as file:
        vocab = json.load(file)["vocab_size"]
    model = LLM(model=folder, skip_tokenizer_init=True, dtype=dtype, seed=0,
                max_model_len=prompt + many + 8, max_num_seqs=max(rows),
                enable_prefix_caching=False, gpu_memory_utilization=0.7)

    def seconds(count, tokens):
        prompts = [{"prompt_token_ids": ids}
                   for ids in texts(count, prompt, vocab)]
        began = time.perf_counter()
        model.generate(prompts, SamplingParams(
            temperature=0.0, max_tokens=tokens, ignore_eos=True,
            detokenize=False), use_tqdm=False)
        return time.perf_counter() - began

    rates = {}
    for count in rows:
        seconds(count, few)
        times = sorted(seconds(count, many) - seconds(count, few)
                       for _ in range(3))
        rates[count] = count * (many - few) / times[1]
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
