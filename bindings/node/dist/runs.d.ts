/** Runs of named scripts for a host that serves many: none has a promise, a signal or an object of the addon's to itself. */
import { type Engine } from './engine';
import { type Text } from './native';
import { Trace } from './trace';
/** Who waits for a run. What is called here must not throw. */
export interface Caller {
    readonly isGone: boolean;
    /** The trace is there when it has a response, or no VM came free. */
    answer(json: string, id: number, trace: Trace | undefined): void;
    fail(error: unknown): void;
}
/** What a script is given: all but the query as JSON, or a form. */
export interface Payload {
    query?: Text | undefined;
    post?: Text | undefined;
    form?: Text | undefined;
    meta?: Text | undefined;
}
/** Has a script run, which ends when its caller is gone. */
export declare function serve(engine: Engine, name: string, payload: Payload, caller: Caller): void;
