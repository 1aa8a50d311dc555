/** Traces as the command prints them. */
import { type Trace } from './trace';
/** One line, to the letter what the engine writes: JavaScript's numbers are spelled in another way, and its objects sort their keys. */
export declare function jsonOf(trace: Trace): string;
/**
 * Indents one line of JSON for a terminal. Keys keep their order and numbers their digits. Control characters, which JSON allows from
 * U+007F on, are escaped: a terminal would obey them.
 */
export declare function indent(json: string): string;
/** One line, whatever a path or a script put into it. */
export declare function oneLine(text: string): string;
