import { type Text } from './native';
/** A JSON object: as an object, or as text that is one. */
export type Json = Text | object;
/** A size in bytes, or as people write it: `'64MiB'`. */
export type Size = number | string;
/** The JSON text of an object. */
export declare function jsonText(value: Json | undefined, name: string): Text | undefined;
/** What a host function returned, as the addon takes it: of no more levels than a value may have, at which cycles end. */
export declare function plain(value: unknown, depth?: number): unknown;
/** Parameters as a list of keys and values. */
export declare function paramsOf(get: Record<string, unknown> | URLSearchParams | undefined): string[] | undefined;
/** A size in bytes. */
export declare function size(value: Size | undefined, name: string): number | undefined;
/** Milliseconds as nanoseconds. */
export declare function nanoseconds(value: number | undefined, name: string): number | undefined;
