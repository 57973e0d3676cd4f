"""One side of the benchmark `inference`: onnxruntime and rapidocr, with one thread each.

    side.py embeddings MODEL-FOLDER TEXTS.json
    side.py ocr IMAGE

It says `{}` once it is ready. Then each line that it reads is a piece of work, and the line that it writes is what that gave:
`ns` of wall time, `cpu_ns` of processor time, and `vector` (of the first text) or `text`.
"""

import json
import sys
import time


def now():
    return time.perf_counter_ns(), time.process_time_ns()


def passed(began):
    wall, processor = now()
    return {"ns": wall - began[0], "cpu_ns": processor - began[1]}


def embeddings(folder, texts):
    import bert
    import onnxruntime
    from tokenizers import Tokenizer

    with open(texts) as file:
        texts = json.load(file)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(bert.model(folder), options, providers=["CPUExecutionProvider"])

    def work(count, _threads):
        some = texts[: int(count)]
        began = now()
        ids = [tokenizer.encode(text).ids for text in some]
        vectors = session.run(None, {"ids": ids})[0]
        took = passed(began)
        return took | {"vector": vectors[0].tolist()}

    return {"embed": work}


def ocr(image):
    import cv2
    from rapidocr_onnxruntime import RapidOCR

    cv2.setNumThreads(1)
    reader = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    with open(image, "rb") as file:
        page = file.read()

    def work():
        began = now()
        lines, _ = reader(page)
        took = passed(began)
        return took | {"text": "\n".join(text for _, text, _ in lines or [])}

    return {"read": work}


def main():
    known = {"embeddings": embeddings, "ocr": ocr}[sys.argv[1]](*sys.argv[2:])
    print("{}", flush=True)
    for line in sys.stdin:
        name, *settings = line.split()
        print(json.dumps(known[name](*settings)), flush=True)


main()
