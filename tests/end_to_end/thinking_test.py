#!/usr/bin/env python3
"""Models that think before they answer, through the command line: random
weights, and templates in the manner of the families.

    thinking_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import random
import struct
import unittest

from study_case import StudyCase, run

WIDTH, LAYERS, VOCABULARY = 16, 2, 272
TOKENS = ["<s>", "</s>", "<|start|>", "<|end|>", "<think>", "</think>"]
# The Qwen3 way: a switch that writes an empty block into the prompt.
SWITCH = (
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' }}"
    "{% if m.role == 'assistant' and loop.last %}"
    "{% set t = m.reasoning_content|default('') %}"
    "{{ '<think>\\n' + t + '\\n</think>\\n\\n' }}{% endif %}"
    "{{ m.content + '<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start|>assistant\\n' }}{% if enable_thinking is defined and "
    "enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}")
# The R1-Distill way: the prompt opens a block, finished turns have none.
OPENS = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|end|>' + m.content.split('</think>')[-1] + eos_token }}{% else %}"
    "{{ '<|start|>' + m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|end|><think>\\n' }}{% endif %}")
PLAIN = (
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' + m.content + "
    "'<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start|>assistant\\n' }}{% endif %}")
OFF = '{"enable_thinking": false}'


def byte_letters():
    """The letters by which byte-level BPE writes the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b if b in plain else next(others)) for b in range(256)]


def tensors():
    draw = random.Random(1)
    shapes = {"model.embed_tokens.weight": (VOCABULARY, WIDTH),
              "model.norm.weight": (WIDTH,),
              "lm_head.weight": (VOCABULARY, WIDTH)}
    for layer in range(LAYERS):
        of = f"model.layers.{layer}."
        for name in "qkvo":
            shapes[f"{of}self_attn.{name}_proj.weight"] = (WIDTH, WIDTH)
        for name, shape in [("gate", (32, WIDTH)), ("up", (32, WIDTH)),
                            ("down", (WIDTH, 32))]:
            shapes[f"{of}mlp.{name}_proj.weight"] = shape
        shapes[of + "input_layernorm.weight"] = (WIDTH,)
        shapes[of + "post_attention_layernorm.weight"] = (WIDTH,)
    for name, shape in shapes.items():
        size = shape[0] * (shape[1] if len(shape) > 1 else 1)
        yield name, shape, [1.0 if len(shape) == 1 else draw.gauss(0, 0.3)
                            for _ in range(size)]


def write_model(folder, template, tokens=TOKENS):
    folder.mkdir()
    header, body = {}, b""
    for name, shape, values in tensors():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + body)
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        "hidden_size": WIDTH, "intermediate_size": 32,
        "num_hidden_layers": LAYERS, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": VOCABULARY,
        "max_position_embeddings": 1024, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": False, "bos_token_id": 256,
        "eos_token_id": [257, 259]}))
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": 256 + i, "content": token, "single_word": False,
             "lstrip": False, "rstrip": False, "normalized": False,
             "special": "think" not in token}
            for i, token in enumerate(tokens)],
        "normalizer": None, "post_processor": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False,
                          "trim_offsets": True, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                    "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False,
                  "vocab": {c: i for i, c in enumerate(byte_letters())},
                  "merges": []}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": "</s>", "chat_template": template}))
    return folder


class Thinking(StudyCase):
    def setUp(self):
        super().setUp()
        self.switch = write_model(self.folder / "switch", SWITCH)
        self.opens = write_model(self.folder / "opens", OPENS)
        # Neither template nor tokenizer knows marks of a think block.
        self.plain = write_model(self.folder / "plain", PLAIN, TOKENS[:4])
        self.question = self.write("question.json", [
            {"role": "user", "content": "Why?"}])
        self.chat = self.write("chat.json", [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "Because."}])

    def write(self, name, value):
        path = self.folder / name
        path.write_text(json.dumps(value))
        return path

    def good(self, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def tokens(self, model, chat, *more):
        table = json.loads(self.good("tokenize", "--model", model, "--messages",
                                     chat, "--json", *more).stdout)
        return "".join(table["tokens"]).replace("\u010a", "\n"), table

    def test_answers_stand_behind_a_closed_block(self):
        before = "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
        text, _ = self.tokens(self.switch, self.question)
        self.assertEqual(text, before)
        text, _ = self.tokens(self.switch, self.question, "--template-vars", OFF)
        self.assertEqual(text, before + "<think>\n\n</think>\n\n")
        for more in [(), ("--model.template_vars", OFF)]:
            text, table = self.tokens(self.switch, self.chat, *more)
            self.assertEqual(
                text, before + "<think>\n\n</think>\n\nBecause.<|end|>")
            self.assertEqual(table["prompt_length"], table["answer_begin"])
            begin, end = table["thinking"]
            self.assertEqual(set(table["roles"][begin:end]), {"thinking"})
        text, table = self.tokens(self.opens, self.chat)
        self.assertEqual(text, "<s><|start|>Why?<|end|>Because.</s>")
        self.assertEqual(table["tokens"][table["prompt_length"] - 1], "<|end|>")

    def test_thoughts_of_a_message_are_read(self):
        chat = self.write("thoughts.json", [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "So.",
             "reasoning_content": "Hm."}])
        text, table = self.tokens(self.switch, chat)
        self.assertIn("<think>\nHm.\n</think>\n\nSo.", text)
        begin, end = table["answer_begin"], table["answer_end"]
        self.assertEqual("".join(table["tokens"][begin:end]), "So.")

    def test_an_unset_switch_is_told_of(self):
        for command in (["tokenize", "--messages", self.question],
                        ["steer", "--max_tokens", "2", "Why?"]):
            said = self.good(*command, "--model", self.switch).stderr
            self.assertIn("enable_thinking", said)
            self.assertIn("--template-vars", said)
            self.assertIn("template_vars", said)
            said = self.good(*command, "--model", self.switch,
                             "--template-vars", OFF).stderr
            self.assertNotIn("switch", said)
        printed = self.good("study", "--model", self.switch,
                            "--print-manifest").stdout
        self.assertIn("template_vars = \"\"", printed)
        said = self.good("tokenize", "--model", self.switch, "--messages",
                         self.question, "--template-vars", '{"tinking": 1}')
        self.assertIn("tinking does nothing", said.stderr)
        self.refused(run("tokenize", "--model", self.switch, "--messages",
                         self.question, "--template-vars", "x=1"),
                     "JSON object", "enable_thinking")

    def test_a_text_that_only_thinks_has_no_answer(self):
        reply = self.good("steer", "--model", self.opens, "--max_tokens", "5",
                          "--json", "Why?")
        answer = json.loads(reply.stdout)
        self.assertEqual(answer["plain"], "")
        self.assertIn("plain", answer["thoughts"])
        self.assertIn("inside its thoughts", reply.stderr)

    def test_scope_thinking(self):
        self.refused(run("steer", "--model", self.plain, "--quiet", "--scope",
                         "thinking", "Why?"), "think blocks")
        self.refused(run("steer", "--model", self.switch, "--quiet", "--scope",
                         "thinking", "--template-vars", OFF, "Why?"),
                     "close the think block")
        self.good("steer", "--model", self.opens, "--scope", "thinking",
                  "--max_tokens", "3", "Why?")

    def extract(self, model, vectors, *more):
        rows = [{"question": f"What about thing {i} of them?",
                 "honest": f"It is {i}.", "deceptive": f"It is not {i}."}
                for i in range(40)]
        source = self.folder / "rows.jsonl"
        source.write_text("\n".join(map(json.dumps, rows)))
        return run("extract", self.manifest, "--out", self.folder / "run",
                   "--model", model, "--dataset.source", source,
                   "--dataset.near_duplicate", "1", "--extract.vectors",
                   vectors, "--finetune.steps", "1", "--json", *more)

    def test_a_study_reads_behind_the_block(self):
        names = ("contrastive@prompt_end,contrastive@thinking,"
                 "content@answer_mean")
        made = self.extract(self.switch, names)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("enable_thinking", made.stderr)
        # Other variables are another template.
        again = self.extract(self.switch, names, "--template-vars", OFF)
        self.assertEqual(again.returncode, 2, again.stderr)
        self.assertIn("model", again.stderr)

    def test_position_thinking_needs_a_block(self):
        for model, word in [(self.plain, "think blocks"),
                            (self.opens, "no thoughts")]:
            failed = self.extract(model, "contrastive@thinking", "--redo")
            self.assertEqual(failed.returncode, 2, failed.stderr)
            self.assertIn(word, failed.stderr)


if __name__ == "__main__":
    unittest.main()
