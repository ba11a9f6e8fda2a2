// TypeScript: choose a region, raise a cluster, scale it up, take it down.
import Together from 'together-ai';
import { poll, pollUntil, refused, tell } from './polling.mjs';

const { clusters } = new Together({ maxRetries: 0 }).beta;
const isReady = (cluster) => cluster.status === 'Ready';
const statuses = (seen) => seen.map((cluster) => cluster.status);
const ids = (found) => found.map((cluster) => cluster.cluster_id);
const phases = (cluster) => cluster.phase_transitions.map((transition) => transition.phase);
const nodePhases = (cluster) => cluster.gpu_worker_nodes.map((node) => node.phase_transitions.at(-1).phase);

const { regions } = await clusters.listRegions();
const region = regions.find((r) => r.name === 'us-central-8');
const driver = region.driver_versions[0];
const wish = {
  cluster_name: 'story',
  region: region.name,
  gpu_type: 'H100_SXM',
  num_gpus: 8,
  cluster_type: 'KUBERNETES',
  billing_type: 'ON_DEMAND',
  cuda_version: driver.cuda_version,
  nvidia_driver_version: driver.nvidia_driver_version,
};

const created = await clusters.create(wish);
const look = () => clusters.retrieve(created.cluster_id);
const rising = await poll(look, isReady);
const ready = rising.at(-1);

const everybodys = (await clusters.list()).clusters;
const ofTheProject = (await clusters.list({ projectId: ready.project_id })).clusters;
const ofAStrangers = (await clusters.list({ projectId: 'a-strangers-project' })).clusters;

const asked = await clusters.update(created.cluster_id, { num_gpus: 16 });
const growing = await poll(look, isReady);
const grown = growing.at(-1);

const deleted = await clusters.delete(created.cluster_id);
const [falling, gone] = await pollUntil(look, Together.NotFoundError);

const refusedWish = (change) =>
  refused(Together.APIError, () => clusters.create({ ...wish, ...change })).then((met) => [met.status, met.message]);

tell({
  regions: regions.map((r) => [r.name, r.supported_instance_types]),
  id: created.cluster_id,
  created: [created.status, phases(created), nodePhases(created), created.kube_config],
  statuses: statuses(rising),
  kube_configs_before_ready: rising.slice(0, -1).map((cluster) => cluster.kube_config),
  ready: [phases(ready), nodePhases(ready), ready.num_gpus, ready.region, ready.cuda_version],
  kube_config: Buffer.from(ready.kube_config, 'base64').toString(),
  listed: [ids(everybodys), ids(ofTheProject), ids(ofAStrangers)],
  asked: [asked.num_gpus, asked.gpu_worker_nodes.reduce((sum, node) => sum + node.num_gpus, 0)],
  growing: statuses(growing),
  grown: [phases(grown), nodePhases(grown), grown.num_gpus],
  deleted: deleted.cluster_id,
  falling: statuses(falling),
  gone: [gone.status, gone.message],
  left: ids((await clusters.list()).clusters),
  no_such_region: await refusedWish({ region: 'on-the-moon' }),
  no_such_number: await refusedWish({ num_gpus: 12 }),
});
