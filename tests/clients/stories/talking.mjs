// TypeScript: talk to a deployed endpoint, plain and streamed, until it is stopped.
import Together from 'together-ai';
import { refused, tell } from './polling.mjs';

const client = new Together({ maxRetries: 0 });
const model = process.env.STORY_ENDPOINT;
const asked = { model, messages: [{ role: 'user', content: 'Why is the sky blue?' }] };

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

if (process.env.STORY_STOPPED) {
  const stopped = await refused(Together.BadRequestError, () => client.chat.completions.create(asked));
  const streamed = await refused(Together.BadRequestError, () =>
    client.chat.completions.create({ ...asked, stream: true }),
  );
  const unknown = await refused(Together.BadRequestError, () =>
    client.completions.create({ model: 'nobody/nothing', prompt: 'Hello' }),
  );
  tell({ stopped: [stopped.status, JSON.stringify(stopped.error)], streamed: JSON.stringify(streamed.error), unknown: JSON.stringify(unknown.error) });
} else {
  const plain = await client.chat.completions.create(asked);
  const chunks = await collect(await client.chat.completions.create({ ...asked, stream: true }));
  const short = await client.chat.completions.create({ ...asked, max_tokens: 5, n: 2 });
  const prompt = { model, prompt: 'The sky is', max_tokens: 12 };
  const text = await client.completions.create(prompt);
  const pieces = await collect(await client.completions.create({ ...prompt, stream: true }));
  const content = chunks.map((chunk) => chunk.choices[0].delta.content).join('');
  tell({
    plain: [plain.choices[0].message.content, plain.choices[0].finish_reason],
    usage: plain.usage,
    streamed: [content, chunks.at(-1).choices[0].finish_reason],
    last_usage: chunks.at(-1).usage,
    awaited: [plain.choices[0].message.content, content],
    short: short.choices.map((choice) => choice.finish_reason),
    text: [text.choices[0].text, text.choices[0].finish_reason],
    text_streamed: [pieces.map((piece) => piece.choices[0].text).join(''), pieces.at(-1).finish_reason],
    tokens: pieces.map((piece) => piece.token.text).join(''),
  });
}
