/** `perilune serve`: a folder's scripts as Script Endpoints. */
import { type FastifyInstance } from 'fastify';
import { type Engine } from './engine';
import { type EndpointsOptions } from './fastify';
/** Public links by their scripts' names, kept in a file: they outlive the process. */
export declare class Links extends Map<string, string | undefined> {
    #private;
    constructor(path: string, scripts: string[]);
    set(script: string, link: string | undefined): this;
}
export declare const endpointsApp: (options: EndpointsOptions) => Promise<FastifyInstance>;
export declare const metricsApp: (engine: Engine) => Promise<FastifyInstance>;
/** Keeps the scripts as the files are, and tells of those that can't be put. */
export declare function watch(engine: Engine, directory: string, complain: (reason: string) => void): void;
/** Serves by apps that listen until it is told to end, by SIGINT or SIGTERM. The first is for requests, the second for the numbers to watch. */
export declare function serve(directory: string, apps: FastifyInstance[], print: (text: string) => void): Promise<void>;
