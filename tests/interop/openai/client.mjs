// What the official npm client gets of a daemon, as JSON: embeddings, an answer, a streamed answer, an error.
import OpenAI from "openai";

const [baseURL, apiKey, question] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const found = {};
const texts = ["a cat sleeps on the sofa", "the kitten is sleeping on a couch"];
const made = await client.embeddings.create({ model: "mini", input: texts });
found.default = made.data.map((one) => Array.from(one.embedding));
const asked = { model: "smol", messages: [{ role: "user", content: question }], seed: 7, max_tokens: 60 };
found.answer = (await client.chat.completions.create(asked)).choices[0].message.content;
found.streamed = [];
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
  const piece = chunk.choices[0]?.delta?.content;
  if (piece) found.streamed.push(piece);
}
try {
  await client.chat.completions.create({ ...asked, model: "nobody" });
} catch (e) {
  found.error = [e.status, e.code];
}
console.log(JSON.stringify(found));
