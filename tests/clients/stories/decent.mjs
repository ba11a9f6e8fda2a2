// TypeScript: an endpoint's life, a cluster's on a volume, both taken down; nothing that must be refused.
import Together from 'together-ai';
import { poll, pollUntil, tell } from './polling.mjs';

const client = new Together();
const { endpoints } = client;
const { clusters } = client.beta;
const model = 'Qwen/Qwen3.5-9B-FP8';

const offers = (await endpoints.listHardware({ model })).data;
const offer = offers.find((o) => o.availability?.status === 'available');
const one = { min_replicas: 1, max_replicas: 1 };
const created = await endpoints.create({ model, hardware: offer.id, autoscaling: one, display_name: 'decent' });
const look = () => endpoints.retrieve(created.id);
await poll(look, (endpoint) => endpoint.state === 'STARTED');
const asked = { model: created.name, messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
await client.chat.completions.create({ ...asked, max_tokens: 5 });
for await (const _ of await client.chat.completions.create({ ...asked, stream: true }));
await Promise.all([1, 2, 3].map(() => client.chat.completions.create(asked)));
await endpoints.update(created.id, { display_name: 'renamed', autoscaling: { ...one, max_replicas: 2 } });
await endpoints.list({ mine: true, type: 'dedicated' });
await endpoints.update(created.id, { state: 'STOPPED' });
await poll(look, (endpoint) => endpoint.state === 'STOPPED');
await endpoints.delete(created.id);

const volumes = clusters.storage;
const region = (await clusters.listRegions()).regions.find((r) => r.name === 'us-central-8');
const driver = region.driver_versions[0];
const volume = (await volumes.create({ region: region.name, size_tib: 1, volume_name: 'attic' })).volume_id;
const lookAtVolume = () => volumes.retrieve(volume);
await poll(lookAtVolume, (it) => it.status === 'available');
await volumes.update({ volume_id: volume, size_tib: 3 });
const cluster = (
  await clusters.create({
    cluster_name: 'decent',
    region: region.name,
    gpu_type: 'H100_SXM',
    num_gpus: 8,
    cluster_type: 'KUBERNETES',
    billing_type: 'ON_DEMAND',
    cuda_version: driver.cuda_version,
    nvidia_driver_version: driver.nvidia_driver_version,
    volume_id: volume,
  })
).cluster_id;
const lookAtCluster = () => clusters.retrieve(cluster);
await poll(lookAtCluster, (it) => it.status === 'Ready');
await clusters.update(cluster, { num_gpus: 16 });
await poll(lookAtCluster, (it) => it.status === 'Ready');
await clusters.list();
await volumes.list();
await clusters.delete(cluster);
await pollUntil(lookAtCluster, Together.NotFoundError);
await poll(lookAtVolume, (it) => it.status === 'available');
await volumes.delete(volume);
await pollUntil(lookAtVolume, Together.NotFoundError);

tell({ done: ['endpoint', 'cluster'] });
