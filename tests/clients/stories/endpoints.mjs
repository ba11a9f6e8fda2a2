// TypeScript: find hardware for a model, deploy it, rename, scale, stop and delete the endpoint.
import Together from 'together-ai';
import { poll, refused, tell } from './polling.mjs';

const model = 'deepseek-ai/DeepSeek-R1';
const { endpoints } = new Together({ maxRetries: 0 });

const offers = (await endpoints.listHardware({ model })).data;
const offer = offers.find((o) => o.availability?.status === 'available');

const one = { min_replicas: 1, max_replicas: 1 };
const created = await endpoints.create({ model, hardware: offer.id, autoscaling: one, display_name: 'first' });
const look = () => endpoints.retrieve(created.id);
const starting = await poll(look, (endpoint) => endpoint.state === 'STARTED');

const renamed = await endpoints.update(created.id, { display_name: 'second' });
const scaled = await endpoints.update(created.id, { autoscaling: { min_replicas: 1, max_replicas: 2 } });

const mine = (await endpoints.list({ mine: true })).data;
const dedicated = (await endpoints.list({ type: 'dedicated' })).data;
const serverless = (await endpoints.list({ type: 'serverless' })).data;
const notOnlyMine = (await endpoints.list({ mine: false })).data;
const reserved = (await endpoints.list({ usage_type: 'reserved' })).data;

const stopped = await endpoints.update(created.id, { state: 'STOPPED' });
const stopping = await poll(look, (endpoint) => endpoint.state === 'STOPPED');

await endpoints.delete(created.id);
const gone = await refused(Together.NotFoundError, look);

const wish = { model, hardware: offer.id, autoscaling: one };
const refusedWish = (change) =>
  refused(Together.APIError, () => endpoints.create({ ...wish, ...change })).then((met) => [met.status, met.message]);
const unknownHardware = await refusedWish({ hardware: '3x_nvidia_abacus' });
const unfitHardware = await refusedWish({ hardware: '1x_nvidia_h100_80gb_sxm' });
const unknownModel = await refusedWish({ model: 'nobody/nothing' });
const undeployable = await refused(Together.APIError, () => endpoints.listHardware({ model: 'nobody/nothing' }));

const kinds = (found, field) => [...new Set(found.map((endpoint) => endpoint[field]))].sort();
const ids = (found) => found.map((endpoint) => endpoint.id);
const states = (seen) => seen.map((endpoint) => endpoint.state);

tell({
  offers: offers.map((o) => [o.id, o.availability.status]),
  whole_catalogue: (await endpoints.listHardware()).data.length,
  zones: (await endpoints.listAvzones()).avzones,
  created,
  starting: [created.state, ...states(starting)],
  renamed: [renamed.display_name, renamed.state],
  scaled: [scaled.autoscaling.min_replicas, scaled.autoscaling.max_replicas, scaled.display_name],
  mine: ids(mine),
  owners_of_mine: kinds(mine, 'owner'),
  dedicated: ids(dedicated),
  serverless: kinds(serverless, 'type'),
  not_only_mine: kinds(notOnlyMine, 'type'),
  reserved: ids(reserved),
  stopping: [stopped.state, ...states(stopping)],
  gone: [gone.status, gone.message],
  unknown_hardware: unknownHardware,
  unfit_hardware: unfitHardware,
  unknown_model: unknownModel,
  undeployable: [undeployable.status, undeployable.message],
});
