// TypeScript: make a volume, enlarge it, lend it to a cluster, take it back, delete it.
import Together from 'together-ai';
import { poll, pollUntil, refused, tell } from './polling.mjs';

const { clusters } = new Together({ maxRetries: 0 }).beta;
const volumes = clusters.storage;
const sizesOf = (id, found) => found.filter((it) => it.volume_id === id).map((it) => it.size_tib);
const statuses = (seen) => seen.map((volume) => volume.status);

const region = (await clusters.listRegions()).regions.find((r) => r.name === 'us-central-8');
const driver = region.driver_versions[0];

const created = await volumes.create({ region: region.name, size_tib: 1, volume_name: 'attic' });
const id = created.volume_id;
const look = () => volumes.retrieve(id);
const isAvailable = (volume) => volume.status === 'available';
const making = await poll(look, isAvailable);
const listed = (await volumes.list()).volumes;

const enlarged = await volumes.update({ volume_id: id, size_tib: 3 });
const shrinking = await refused(Together.APIError, () => volumes.update({ volume_id: id, size_tib: 2 }));

const cluster = await clusters.create({
  cluster_name: 'lodger',
  region: region.name,
  gpu_type: 'H100_SXM',
  num_gpus: 8,
  cluster_type: 'KUBERNETES',
  billing_type: 'ON_DEMAND',
  cuda_version: driver.cuda_version,
  nvidia_driver_version: driver.nvidia_driver_version,
  volume_id: id,
});
const lookAtCluster = () => clusters.retrieve(cluster.cluster_id);
await poll(lookAtCluster, (it) => it.status === 'Ready');
const attached = await look();
const deletingAttached = await refused(Together.APIError, () => volumes.delete(id));

await clusters.delete(cluster.cluster_id);
await pollUntil(lookAtCluster, Together.NotFoundError);
const returning = await poll(look, isAvailable);

const deleted = await volumes.delete(id);
const [falling, gone] = await pollUntil(look, Together.NotFoundError);

tell({
  created: [created.volume_name, created.size_tib],
  making: [created.status, ...statuses(making)],
  listed: sizesOf(id, listed),
  enlarged: enlarged.size_tib,
  shrinking: [shrinking.status, shrinking.message],
  of_the_cluster: cluster.volumes.map((volume) => [volume.volume_id === id, volume.size_tib]),
  attached: [attached.status, attached.size_tib],
  deleting_attached: [deletingAttached.status, deletingAttached.message],
  cluster: cluster.cluster_id,
  returning: statuses(returning),
  deleted: deleted.success,
  falling: statuses(falling),
  gone: [gone.status, gone.message],
  left: sizesOf(id, (await volumes.list()).volumes),
});
