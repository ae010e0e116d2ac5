"""Vector files of other tools, written without any of them."""
import json
import struct

SIZES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}
GGML = {"F32": 0, "F16": 1, "F64": 28, "BF16": 30}


def numbers(values, dtype):
    if dtype == "BF16":  # the upper half of an F32
        return b"".join(struct.pack("<f", x)[2:] for x in values)
    letter = {"F16": "e", "F32": "f", "F64": "d"}[dtype]
    return struct.pack(f"<{len(values)}{letter}", *values)


def write_safetensors(path, tensors, dtype="F32"):
    """tensors: name -> (shape, values)"""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        piece = numbers(values, dtype)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_gguf(path, directions, dtype="F32", one_row=False):
    """directions: number -> values"""
    entries, data = b"", b""
    for number, values in directions.items():
        name = f"direction.{number}".encode()
        shape = [len(values), 1] if one_row else [len(values)]  # fastest first
        entries += struct.pack("<Q", len(name)) + name
        entries += struct.pack("<I", len(shape))
        entries += struct.pack(f"<{len(shape)}Q", *shape)
        entries += struct.pack("<IQ", GGML[dtype], len(data))
        piece = numbers(values, dtype)
        data += piece + b"\0" * (-len(piece) % 32)
    begin = b"GGUF" + struct.pack("<IQQ", 3, len(directions), 0) + entries
    path.write_bytes(begin + b"\0" * (-len(begin) % 32) + data)
