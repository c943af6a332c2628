// Vercel's AI SDK: its OpenAI provider finds the gateway by OPENAI_BASE_URL and OPENAI_API_KEY.
import { openai } from "@ai-sdk/openai";
import { APICallError, embed, generateText, streamText } from "ai";

const prompt = process.env.QUESTION;
const chat = openai.chat("gpt-4o-mini");

const plain = await generateText({ model: chat, prompt, maxRetries: 0 });
const stream = streamText({ model: chat, prompt, maxRetries: 0 });
let streamed = "";
for await (const piece of stream.textStream) streamed += piece;
const responses = await generateText({ model: openai.responses("gpt-4o-mini"), prompt, maxRetries: 0 });
const embedded = await embed({ model: openai.embedding("text-embedding-3-small"), value: prompt, maxRetries: 0 });
const unknown = await generateText({ model: openai.chat("no-such-model"), prompt, maxRetries: 0 }).catch((error) => error);

console.log(
  JSON.stringify({
    plain: plain.text,
    streamed,
    tokens: (await stream.totalUsage).totalTokens,
    answered: responses.text,
    dimensions: embedded.embedding.length,
    unknown: APICallError.isInstance(unknown) && unknown.statusCode,
  }),
);
