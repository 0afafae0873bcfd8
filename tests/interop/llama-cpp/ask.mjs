// Asks llama.cpp, as node-llama-cpp brings it: reads one JSON request from stdin, prints one JSON answer.
//
//   {"model": FILE.gguf, "lora": FILE.gguf or null, "tokens": N,
//    "prompts": [[id, ...], ...], "texts": ["text to tokenize", ...]}
//   {"generated": [[id, ...], ...], "text": ["...", ...], "ids": [[id, ...], ...]}
//
// Greedy, up to N tokens, with a float32 cache; ids as the model's vocabulary gives them, special tokens recognised.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.argv[2] + "/package.json"));
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);

const request = JSON.parse(readFileSync(0, "utf8"));
const llama = await getLlama({ build: "never", gpu: false, logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath: request.model });
const answer = { generated: [], text: [], ids: request.texts.map((text) => [...model.tokenize(text, true)]) };
for (const prompt of request.prompts) {
  const context = await model.createContext({
    contextSize: prompt.length + request.tokens + 8,
    threads: 1, // waiting threads spin, which a busy machine pays for
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
    ...(request.lora ? { lora: { adapters: [{ filePath: request.lora, scale: 1 }] } } : {}),
  });
  const generated = [];
  for await (const token of context.getSequence().evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    generated.push(token);
    if (generated.length >= request.tokens || model.isEogToken(token)) break;
  }
  answer.generated.push(generated);
  answer.text.push(model.detokenize(generated, true));
  await context.dispose();
}
console.log(JSON.stringify(answer));
process.exit(0);
