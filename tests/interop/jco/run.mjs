// Runs a component of Weft in V8: transpiles it, loads a model from a folder, and answers what standard input asks, as JSON.
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { transpile } from "@bytecodealliance/jco-transpile";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";

// Texts of one call, as the host gives them.
const TEXTS = 32;

const [component, folder] = process.argv.slice(2);
const { params, texts, turns } = JSON.parse(await text(process.stdin));
const { files } = await transpile(component, { name: "component", instantiation: "async" });
const source = Buffer.from(files["component.js"]).toString("base64");
const { instantiate } = await import(`data:text/javascript;base64,${source}`);
const wasi = new WASIShim({ sandbox: { preopens: { "/model": folder } } }).getImportObject();
const pieces = [];
const sink = { piece: (piece) => pieces.push(piece) > 0 };
const core = (name) => WebAssembly.compile(files[name]);
const { model } = await instantiate(core, { ...wasi, "weft:chat/sink": sink });

const before = model.describe();
model.load();
const { name, summary, loaded } = model.describe();
const said = { name, summary, empty: before.loaded === undefined };
if (texts) {
  const all = [];
  for (let at = 0; at < texts.length; at += TEXTS) all.push(...model.embed(texts.slice(at, at + TEXTS)));
  const digest = createHash("sha256");
  // Little-endian, as every processor is on which Node runs.
  for (const { vector } of all) digest.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
  said.dimensions = loaded.dimensions;
  said.tokens = all.map((one) => one.tokens);
  said.truncated = all.map((one) => one.truncated);
  said.sha256 = digest.digest("hex");
} else {
  const options = {
    seed: BigInt(params.seed),
    maxTokens: params.max_tokens,
    temperature: params.temperature,
    topK: params.top_k,
    topP: params.top_p,
    repetitionPenalty: params.repetition_penalty,
    stop: [],
    forget: false,
  };
  const usage = model.answer(turns.map(({ role, content }) => ({ role, text: content })), options);
  said.pieces = pieces;
  said.end = [usage.promptTokens, usage.answerTokens, usage.end];
}
console.log(JSON.stringify(said));
