/** Script Endpoints for Fastify. What they answer is the library's to decide, see bindings/endpoints/README.md: here, bytes are moved
 * between requests and its exchanges. */
import { type FastifyPluginAsync } from 'fastify';
import { Engine } from './engine';
/** Where Script Endpoints come from, and who may use them. */
export interface EndpointsOptions {
    engine: Engine;
    /** The keys of all instances; or of each instance its own. */
    keys: string | Iterable<string> | Record<string, string | Iterable<string>> | Map<string, string | Iterable<string>>;
    /** Scripts that need no key, as `INSTANCE/NAME`; or a Map of them to links of 40 hex digits, which is written to where one is missing or reset. */
    public?: Iterable<string> | Map<string, string | undefined> | undefined;
    /** Runs a second of one instance. */
    rate?: number | undefined;
}
/** The Script Endpoints of an engine. An app has them by the plugin; a host that keeps them can change what is public while they serve. */
export declare class Endpoints {
    #private;
    constructor({ engine, keys, public: scripts, rate }: EndpointsOptions);
    /** Makes a script public, as `INSTANCE/NAME`, by this link or a random one, which is returned. One that is public already gets this one. */
    publish(script: string, link?: string): string;
    /** Has a script need a key again. */
    unpublish(script: string): void;
    /** The public scripts and their links, as they are now. */
    get links(): Map<string, string>;
}
/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
declare const plugin: FastifyPluginAsync<EndpointsOptions | {
    endpoints: Endpoints;
}>;
export default plugin;
/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
export declare const metrics: FastifyPluginAsync<{
    engine: Engine;
}>;
