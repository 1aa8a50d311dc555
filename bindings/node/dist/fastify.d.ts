/** Script Endpoints for Fastify: what they answer is fixed by bindings/endpoints/README.md. */
import { type FastifyPluginAsync } from 'fastify';
import { type KeysOf, type Public } from './access';
import { Engine } from './engine';
/** Where Script Endpoints come from, and who may use them. */
export interface EndpointsOptions {
    engine: Engine;
    /** The keys of all instances; or of each instance its own. */
    keys: KeysOf;
    /** Scripts that need no key, as `INSTANCE/NAME`; or a Map of them to links of 40 hex digits, which are filled in where they are missing. */
    public?: Public | undefined;
    /** Runs a second of one instance. */
    rate?: number | undefined;
}
/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
declare const endpoints: FastifyPluginAsync<EndpointsOptions>;
export default endpoints;
/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
export declare const metrics: FastifyPluginAsync<{
    engine: Engine;
}>;
