// TypeScript, with the retries that it has by itself: list the endpoints until it works.
import Together from 'together-ai';
import { tell } from './polling.mjs';

const client = new Together();
let met = null;
try {
  await client.endpoints.list();
} catch (refused) {
  met = refused.constructor.name;
}
tell({ met });
