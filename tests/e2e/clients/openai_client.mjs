// OpenAI's own client for Node: it finds the gateway by OPENAI_BASE_URL and OPENAI_API_KEY.
import OpenAI, { AuthenticationError, RateLimitError } from "openai";

const model = "gpt-4o-mini";
const messages = [{ role: "user", content: process.env.QUESTION }];
const client = new OpenAI({ maxRetries: 0 });

const { data: plain, response } = await client.chat.completions.create({ model, messages }).withResponse();

let streamed = "";
let usage = null;
const options = { stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create({ model, messages, ...options })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}

const answered = await client.responses.create({ model, input: process.env.QUESTION });
const embedded = await client.embeddings.create({ model: "text-embedding-3-small", input: process.env.QUESTION });

const refusal = (call) => call.then(() => null, (error) => error);
const unknown = await refusal(new OpenAI({ apiKey: "sk-nobody", maxRetries: 0 }).models.list());
const limited = await refusal(client.chat.completions.create({ model, messages: [{ role: "user", content: `${process.env.QUESTION} [[status=429]]` }] }));

console.log(
  JSON.stringify({
    plain: plain.choices[0].message.content,
    streamed,
    tokens: usage.total_tokens,
    cost: response.headers.get("x-llmo-cost-usd"),
    answered: answered.output_text,
    dimensions: embedded.data[0].embedding.length,
    unknown: unknown instanceof AuthenticationError && unknown.code,
    limited: limited instanceof RateLimitError && limited.status,
  }),
);
