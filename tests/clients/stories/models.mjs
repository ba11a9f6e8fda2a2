// TypeScript: list models, upload one, follow its job, and deploy it; and ask who the key belongs to.
import Together from 'together-ai';
import { poll, refused, tell } from './polling.mjs';

const client = new Together({ maxRetries: 0 });
const { models, endpoints } = client;
const names = async (query) => (await models.list(query)).map((model) => model.id);

const everything = await names();
const deployable = await names({ dedicated: true });

const wish = { model_name: 'tuned-7b', model_source: 'acme/tuned-7b' };
const made = await models.upload({ ...wish, hf_token: 'hf_story', description: 'ours' });
const name = made.data.model_name;
const refusedEarly = await refused(Together.NotFoundError, () => endpoints.listHardware({ model: name }));
const looks = await poll(
  () => models.uploads.status(made.data.job_id),
  (job) => job.status === 'Complete',
);
const job = looks.at(-1);

const offers = (await endpoints.listHardware({ model: name })).data;
const offer = offers.find((it) => it.availability.status === 'available');
const autoscaling = { min_replicas: 1, max_replicas: 1 };
const endpoint = await endpoints.create({ model: name, hardware: offer.id, autoscaling });
const starting = await poll(
  () => endpoints.retrieve(endpoint.id),
  (it) => it.state === 'STARTED',
);
const again = await refused(Together.BadRequestError, () => models.upload(wish));
const unknownJob = await refused(Together.NotFoundError, () => models.uploads.status('job-0'));

tell({
  everything,
  deployable,
  made: { message: made.message, name, source: made.data.model_source, id: made.data.model_id },
  refused_early: refusedEarly.status,
  seen: looks.map((one) => one.status),
  updates: job.status_updates.map((one) => one.status),
  args: [job.args.modelName, job.args.modelSource, job.args.description],
  deployable_then: (await names({ dedicated: true })).includes(name),
  endpoint: endpoint.name,
  state: starting.at(-1).state,
  again: again.status,
  unknown_job: unknownJob.status,
  whoami: await client.whoami(),
});
