/** Who may ask for what, and how often. */
export type KeysOf = string | Iterable<string> | Record<string, string | Iterable<string>> | Map<string, string | Iterable<string>>;
export type Public = Iterable<string> | Map<string, string | undefined>;
/** An answer that ends a request early. */
export declare class Answer extends Error {
    readonly status: number;
    readonly headers: Record<string, string>;
    constructor(status: number, detail: string, headers?: Record<string, string>);
}
/** Who may ask. */
export declare class Keys {
    #private;
    constructor(keys: KeysOf);
    /** Takes as long whichever key it is. The key has a character for each of its bytes. */
    isOf(instance: string, key: string): boolean;
}
/** The scripts that need no key, and their links. */
export declare class Links {
    #private;
    constructor(scripts: Public | undefined);
    get(script: string): string | undefined;
    reset(script: string): string;
    isOf(script: string, link: string): boolean;
}
/** So many runs a second of each instance, and as many at once. */
export declare class Rate {
    #private;
    private readonly rate;
    constructor(rate: number);
    take(instance: string): void;
}
