// TypeScript: bind a LoRA adapter to an endpoint, talk to it, and take it away with a DELETE that has a body.
import Together from 'together-ai';
import { poll, refused, tell } from './polling.mjs';

const adapter = 'devuser/haiku-lora';
const client = new Together({ maxRetries: 0 });
const { adapters } = client.endpoints;

const created = await client.endpoints.create({
  model: 'mistralai/Mistral-7B-Instruct-v0.3',
  hardware: '1x_nvidia_h100_80gb_sxm',
  autoscaling: { min_replicas: 1, max_replicas: 1 },
});
await poll(
  () => client.endpoints.retrieve(created.id),
  (endpoint) => endpoint.state === 'STARTED',
);
const model_id = `${created.name}:${adapter}`;

const added = await adapters.add(created.id, { model_id });
const listed = (await adapters.list(created.id)).data;
const answer = (await client.completions.create({ model: model_id, prompt: 'Leaves' })).choices[0].text;
const again = await refused(Together.BadRequestError, () => adapters.add(created.id, { model_id }));
const stranger = await refused(Together.PermissionDeniedError, () =>
  adapters.add(created.id, { model_id: `${created.name}:a/b` }),
);
const nowhere = await refused(Together.NotFoundError, () => adapters.add('nobody', { model_id }));
const removed = await adapters.remove(created.id, { model_id });
const notBound = await refused(Together.BadRequestError, () => adapters.remove(created.id, { model_id }));

tell({
  model_id,
  added: added.model_id,
  listed: listed.map((one) => [one.model_id, one.adapter_name, one.endpoint_name]),
  name: created.name,
  answer,
  refused: [again.status, stranger.status, nowhere.status, notBound.status],
  removed: [removed.model_id, removed.deleted],
  left: (await adapters.list(created.id)).data.length,
});
