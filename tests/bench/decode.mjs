// Times llama.cpp's decoding, as node-llama-cpp brings it: node decode.mjs LLAMA_FOLDER MODEL.gguf THREADS TOKENS PROMPT_IDS
// Prints {"first_token_seconds": S, "token_seconds": [S, ...]} of a greedy answer that goes on past end tokens.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, modelPath, threads, tokens, ids] = process.argv.slice(2);
const require = createRequire(pathToFileURL(folder + "/package.json"));
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);

const llama = await getLlama({ build: "never", gpu: false, maxThreads: 0, logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath });
const prompt = JSON.parse(ids);
const context = await model.createContext({
  contextSize: prompt.length + Number(tokens) + 8,
  threads: { ideal: Number(threads), min: Number(threads) },
});
const answer = { first_token_seconds: 0, token_seconds: [] };
let last = performance.now();
let count = 0;
for await (const token of context.getSequence().evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
  const now = performance.now();
  if (count === 0) answer.first_token_seconds = (now - last) / 1000;
  else answer.token_seconds.push((now - last) / 1000);
  last = now;
  if (++count > Number(tokens)) break;
}
console.log(JSON.stringify(answer));
process.exit(0);
