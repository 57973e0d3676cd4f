"""What the official Python client gets of a daemon, as JSON: embeddings, answers, streamed answers, errors."""

import base64
import json
import struct
import sys

from openai import APIStatusError, OpenAI

base_url, key, question = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key=key, max_retries=0)
found = {"models": [model.id for model in client.models.list()]}
texts = ["a cat sleeps on the sofa", "the kitten is sleeping on a couch"]
made = client.embeddings.create(model="mini", input=texts, encoding_format="float")
found["float"] = [one.embedding for one in made.data]
# Who asks for base64 gets it as it is; by itself the client asks for it, too, and decodes it.
made = client.embeddings.create(model="mini", input=texts, encoding_format="base64")
packed = [base64.b64decode(one.embedding) for one in made.data]
found["base64"] = [struct.unpack(f"<{len(bytes) // 4}f", bytes) for bytes in packed]
found["default"] = [one.embedding for one in client.embeddings.create(model="mini", input=texts).data]
found["tokens"] = made.usage.total_tokens
asked = dict(model="smol", messages=[{"role": "user", "content": question}], seed=7, max_tokens=60)
whole = client.chat.completions.create(**asked)
found["answer"] = whole.choices[0].message.content
found["end"] = whole.choices[0].finish_reason
found["usage"] = [whole.usage.prompt_tokens, whole.usage.completion_tokens]
pieces, usage = [], None
for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
    if chunk.usage:
        usage = chunk.usage.completion_tokens
    pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
found["streamed"], found["streamed_tokens"] = pieces, usage
skilled = client.chat.completions.create(**asked, extra_body={"skills": [{"skill": "skill-a"}]})
found["skilled"] = skilled.choices[0].message.content
# Who goes away in the middle: the task is taken back.
stream = client.chat.completions.create(**{**asked, "model": "endless", "max_tokens": 100_000, "temperature": 0}, stream=True)
next(iter(stream))
stream.close()
found["errors"] = []
for wrong in [{"model": "nobody"}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"n": 2}, {"temperature": 11}]:
    try:
        client.chat.completions.create(**{**asked, **wrong})
    except APIStatusError as e:
        found["errors"].append([e.status_code, e.body["code"], e.body["message"]])
print(json.dumps(found))
