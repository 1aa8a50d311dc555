/** The host functions of engines, and what they threw. */
import { type Handle } from './native';
import { type FindCause } from './trace';
/** A function of the host. What it throws is a Lua error; a promise is waited for by the script, and not by the loop. */
export type HostFunction = (...args: any[]) => unknown;
/** The functions of one engine. */
export declare class HostFunctions {
    #private;
    constructor();
    add(engine: Handle, name: string, function_: HostFunction): void;
    call(name: string, args: unknown[]): unknown;
    failed(run: number, text: string, thrown: unknown): void;
    /** Nobody will ask for the cause. */
    forgetCause(run: number): void;
    readonly findCause: FindCause;
}
