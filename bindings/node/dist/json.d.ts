/** Traces as the engine writes them. */
import { type Trace } from './trace';
/** One line, to the letter what the engine writes: JavaScript's numbers are spelled in another way, and its objects sort their keys. */
export declare function jsonOf(trace: Trace): string;
