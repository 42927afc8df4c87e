"""Real ONNX models, small enough to be made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "green", "blue", "cat", "dog", "rain"]
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 4)).astype(np.float32)


def save(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]
) -> Path:
    """Write a model."""
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def tokenizer(path: Path) -> Path:
    """Write a tokenizer that splits at spaces and puts [CLS] and [SEP] around."""
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return path


def text_model(
    path: Path, *, integers: int = TensorProto.INT64, ready: bool = False, extra: str = ""
) -> Path:
    """Looks each token up in TABLE: (b, t) -> (b, t, 4); `ready` adds a two-dimensional output in second place."""
    names = ["input_ids", "attention_mask", *([extra] if extra else [])]
    inputs = [helper.make_tensor_value_info(name, integers, ["b", "t"]) for name in names]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "t", 4])]
    if ready:
        nodes.append(
            helper.make_node("ReduceMax", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0)
        )
        outputs.append(helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["b", 4]))
    return save(path, nodes, inputs, outputs, {"table": TABLE})


def image_model(
    path: Path, shape: list[Any], *, kind: int = TensorProto.FLOAT, output: str = "pooled"
) -> Path:
    """Passes pixels on: means over the image ("pooled", NCHW), the image itself ("map"), or flat ("flat")."""
    inputs = [helper.make_tensor_value_info("pixel_values", kind, shape)]
    nodes = [helper.make_node("Cast", ["pixel_values"], ["x"], to=TensorProto.FLOAT)]
    if output == "pooled":
        nodes.append(helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0))
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], shape[1]])]
    elif output == "flat":
        nodes.append(helper.make_node("Flatten", ["x"], ["y"], axis=1))
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], "d"])]
    else:
        nodes.append(helper.make_node("Identity", ["x"], ["y"]))
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)]
    return save(path, nodes, inputs, outputs, {})


def config(path: Path, **settings: Any) -> Path:
    """Write a JSON file."""
    path.write_text(json.dumps(settings))
    return path
